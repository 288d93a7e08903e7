//! A refused start.

use std::error::Error;
use std::fmt;

/// A job was not started, because it is already running. The error returns the action unchanged.
pub struct StartError<A> {
    name: String,
    action: A,
}

impl<A> StartError<A> {
    pub(super) fn new(name: &str, action: A) -> StartError<A> {
        StartError { name: name.to_owned(), action }
    }

    #[cfg(feature = "json")]
    pub(crate) fn without_action(self) -> StartError<()> {
        StartError { name: self.name, action: () }
    }

    /// Whether the job is already running. This is the only reason so far.
    #[must_use]
    pub fn is_running(&self) -> bool {
        true
    }

    /// Returns the action.
    #[must_use]
    pub fn into_action(self) -> A {
        self.action
    }
}

impl<A> fmt::Display for StartError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "task '{}' is already running: wait for its end, or cancel it, before starting it again",
            self.name
        )
    }
}

impl<A> fmt::Debug for StartError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StartError({self})")
    }
}

impl<A> Error for StartError<A> {}
