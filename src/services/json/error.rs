//! Errors of the JSON forms.

use std::error::Error;
use std::fmt;

use serde_json::Value;

use crate::services::run::{BoxError, RunError};

/// An action in JSON was rejected, and nothing was started. The error returns the action unchanged.
///
/// Exactly one of [`is_unknown`](JsonError::is_unknown), [`is_misfit`](JsonError::is_misfit),
/// [`is_refused`](JsonError::is_refused) and [`is_failed`](JsonError::is_failed) is true.
///
/// The [`Display`](fmt::Display) form locates the error:
/// `invalid action for task 'import': at 'user.age': invalid type: string "7", expected u8`. If the
/// action was refused, it says why, with the state of the receiver:
/// `service 'mail' does not accept actions because it is stopped`.
///
/// If a failure is the cause, it is the [`source`](Error::source);
/// [`full_message`](crate::services::full_message) includes it.
pub struct JsonError(Box<Inner>);

struct Inner {
    /// The receiver of the action, as in `task 'import'`.
    subject: String,
    action: Value,
    kind: Kind,
}

enum Kind {
    Unknown {
        known: Vec<String>,
    },
    Misfit {
        path: String,
        message: String,
    },
    /// With the error of the typed form, whose message and source are this error's own.
    Refused(BoxError),
    /// A check was made, and failed.
    Failed(RunError),
}

impl JsonError {
    fn new(subject: impl Into<String>, action: Value, kind: Kind) -> JsonError {
        JsonError(Box::new(Inner { subject: subject.into(), action, kind }))
    }

    /// The name is unknown.
    pub(crate) fn unknown(subject: String, known: Vec<String>, action: Value) -> JsonError {
        JsonError::new(subject, action, Kind::Unknown { known })
    }

    /// The action does not match its schema.
    pub(crate) fn misfit(subject: &str, path: String, message: String, action: Value) -> JsonError {
        JsonError::new(subject, action, Kind::Misfit { path, message })
    }

    /// The action is valid, but cannot be started now.
    pub(crate) fn refused(subject: &str, error: BoxError, action: Value) -> JsonError {
        JsonError::new(subject, action, Kind::Refused(error))
    }

    /// The action is valid, and asking about it failed.
    pub(crate) fn failed(subject: &str, error: RunError, action: Value) -> JsonError {
        JsonError::new(subject, action, Kind::Failed(error))
    }

    /// Whether the name is unknown. The message lists the registered names.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.0.kind, Kind::Unknown { .. })
    }

    /// Whether the action does not match its schema. The message says where, and what was expected.
    #[must_use]
    pub fn is_misfit(&self) -> bool {
        matches!(self.0.kind, Kind::Misfit { .. })
    }

    /// Whether a valid action could not be started now: the task is already running, or the service
    /// is not running. The message names the state; [`refusal`](JsonError::refusal) is the error.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.0.kind, Kind::Refused(_))
    }

    /// Whether a [check](crate::services::TaskStack::is_completed) of a valid action failed;
    /// [`failure`](JsonError::failure) is the reason. Starting and dispatching never give this.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.0.kind, Kind::Failed(_))
    }

    /// The reason of a refusal: a [`StartError<()>`](crate::services::StartError) of a task, or a
    /// [`DispatchError<()>`](crate::services::DispatchError) of a service, which has its state.
    #[must_use]
    pub fn refusal(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.0.kind {
            Kind::Refused(error) => Some(&**error),
            _ => None,
        }
    }

    /// The failure of a check.
    #[must_use]
    pub fn failure(&self) -> Option<&RunError> {
        match &self.0.kind {
            Kind::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The path of the invalid value, as in `user.tags[2]`; empty if it is the whole action, and
    /// `None` if the action is valid.
    ///
    /// For a missing or an unknown field it is the path of that field. Inside an enum that serde
    /// buffers (`untagged`, `tag = "…"`), it ends at the enum.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Misfit { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The registered names, if the name is unknown.
    #[must_use]
    pub fn known(&self) -> Option<&[String]> {
        match &self.0.kind {
            Kind::Unknown { known } => Some(known),
            _ => None,
        }
    }

    /// Returns the action.
    #[must_use]
    pub fn into_action(self) -> Value {
        self.0.action
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { subject, kind, .. } = &*self.0;
        match kind {
            Kind::Unknown { known } => write!(f, "unknown {subject}; {}", Known(known)),
            Kind::Misfit { path, message } => {
                write!(f, "invalid action for {subject}: {}{message}", At(path))
            }
            Kind::Refused(error) => fmt::Display::fmt(error, f),
            Kind::Failed(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonError({self:#})")
    }
}

impl Error for JsonError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.kind {
            Kind::Refused(error) => error.source(),
            Kind::Failed(error) => error.source(),
            Kind::Unknown { .. } | Kind::Misfit { .. } => None,
        }
    }
}

/// An event could not be serialized to JSON. It takes the event's place in the stream.
///
/// The [`Display`](fmt::Display) form locates the error:
/// `cannot serialize an event of task 'import': at 'counts': key must be a string`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonEventError {
    subject: String,
    path: String,
    message: String,
}

impl JsonEventError {
    pub(super) fn new(subject: String, path: String, message: String) -> JsonEventError {
        JsonEventError { subject, path, message }
    }

    /// The path of the value that failed, as in `counts`; empty for the whole event.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for JsonEventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JsonEventError { subject, path, message } = self;
        write!(f, "cannot serialize {subject}: {}{message}", At(path))
    }
}

impl Error for JsonEventError {}

/// A name was not registered, because it is taken.
pub struct RegisterError {
    message: String,
}

impl RegisterError {
    /// The subject names the new entry, as in `task 'import'`.
    pub(crate) fn duplicate(subject: &str) -> RegisterError {
        RegisterError { message: format!("{subject} is already registered: choose another name") }
    }

    /// Whether the name is taken. This is the only reason so far.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        true
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisterError({self})")
    }
}

impl Error for RegisterError {}

/// `at 'user.age': `, or nothing for a whole value.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "at '{}': ", self.0) }
    }
}

/// `registered: 'import', 'export'`
pub(crate) struct Known<'a>(pub(crate) &'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.0.split_first() else {
            return f.write_str("none are registered");
        };
        write!(f, "registered: '{first}'")?;
        others.iter().try_for_each(|name| write!(f, ", '{name}'"))
    }
}
