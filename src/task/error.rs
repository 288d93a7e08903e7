//! Why nothing was started.

use std::error::Error;
use std::fmt;

/// A job was not started, because it runs already. It has the action, which nobody has seen.
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

    /// Whether the job runs already. It is the only reason that there is.
    #[must_use]
    pub fn is_running(&self) -> bool {
        true
    }

    /// The action.
    #[must_use]
    pub fn into_action(self) -> A {
        self.action
    }
}

impl<A> fmt::Display for StartError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "task '{}' runs already: wait for its end, or cancel it, and start it then",
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
