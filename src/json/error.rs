//! Why nothing was started, and what could not be told.

use std::error::Error;
use std::fmt;

use serde_json::Value;

use crate::run::BoxError;

/// An action in JSON was not taken, and nothing was started. It has the action.
///
/// Exactly one of [`is_unknown`](JsonError::is_unknown), [`is_misfit`](JsonError::is_misfit) and
/// [`is_refused`](JsonError::is_refused) is true.
///
/// The [`Display`](fmt::Display) form says what was wrong with what:
/// `task 'import' does not take this action: at 'user.age': invalid type: string "7", expected u8`.
pub struct JsonError(Box<Inner>);

struct Inner {
    /// Who was to take it, as in `task 'import'`.
    subject: String,
    action: Value,
    kind: Kind,
}

enum Kind {
    Unknown { known: Vec<String> },
    Misfit { path: String, message: String },
    Refused(BoxError),
}

impl JsonError {
    fn new(subject: impl Into<String>, action: Value, kind: Kind) -> JsonError {
        JsonError(Box::new(Inner { subject: subject.into(), action, kind }))
    }

    /// There is nobody of this name.
    pub(crate) fn unknown(subject: String, known: Vec<String>, action: Value) -> JsonError {
        JsonError::new(subject, action, Kind::Unknown { known })
    }

    /// The action is not of the right form.
    pub(crate) fn misfit(subject: &str, path: String, message: String, action: Value) -> JsonError {
        JsonError::new(subject, action, Kind::Misfit { path, message })
    }

    /// It is of the right form, and is not taken now.
    pub(crate) fn refused(subject: &str, error: BoxError, action: Value) -> JsonError {
        JsonError::new(subject, action, Kind::Refused(error))
    }

    /// Whether there is nobody of the name that was called. The text lists those that there are.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.0.kind, Kind::Unknown { .. })
    }

    /// Whether the action is not what its schema asks for. The text says where, and what was
    /// expected.
    #[must_use]
    pub fn is_misfit(&self) -> bool {
        matches!(self.0.kind, Kind::Misfit { .. })
    }

    /// Whether an action that fits was not taken at this time: a task runs already, a service does
    /// not run. Why is the [`source`](Error::source).
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.0.kind, Kind::Refused(_))
    }

    /// Where the action does not fit, as in `user.tags[2]`; empty if it is the action as a whole,
    /// and `None` if it fits.
    ///
    /// Of a field that is missing, or that there should not be, it is the path of that field. In an
    /// enum that serde has to try or to search for its tag (`untagged`, `tag = "…"`), it goes no
    /// further than the enum.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Misfit { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The names that there are, if there is none such as was called.
    #[must_use]
    pub fn known(&self) -> Option<&[String]> {
        match &self.0.kind {
            Kind::Unknown { known } => Some(known),
            _ => None,
        }
    }

    /// The action.
    #[must_use]
    pub fn into_action(self) -> Value {
        self.0.action
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { subject, kind, .. } = &*self.0;
        match kind {
            Kind::Unknown { known } => write!(f, "there is no {subject}; {}", Known(known)),
            Kind::Misfit { path, message } => {
                write!(f, "{subject} does not take this action: {}{message}", At(path))
            }
            Kind::Refused(_) => write!(f, "{subject} does not take an action now"),
        }
    }
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Refused(error) => write!(f, "JsonError({self}: {error})"),
            _ => write!(f, "JsonError({self})"),
        }
    }
}

impl Error for JsonError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.kind {
            Kind::Refused(error) => Some(&**error),
            _ => None,
        }
    }
}

/// An event that cannot be told as JSON. It stands in the stream in the event's place.
///
/// The [`Display`](fmt::Display) form says of whom it was and where it went wrong:
/// `an event of task 'import' is no JSON: at 'counts': key must be a string`.
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

    /// Which part of the event it is, as in `counts`; empty if it is the event as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for JsonEventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JsonEventError { subject, path, message } = self;
        write!(f, "an event of {subject} is no JSON: {}{message}", At(path))
    }
}

impl Error for JsonEventError {}

/// A name was not registered.
pub struct RegisterError {
    message: String,
}

impl RegisterError {
    /// There is one of this name. The subject is what was to be registered, as in `task 'import'`.
    pub(crate) fn duplicate(subject: &str) -> RegisterError {
        RegisterError { message: format!("there is a {subject} already: choose another name") }
    }

    /// Whether there is one of the same name.
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

/// `at 'user.age': `, or nothing for a value as a whole.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "at '{}': ", self.0) }
    }
}

/// `there are 'import', 'export'`
pub(crate) struct Known<'a>(pub(crate) &'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.0.split_first() else {
            return f.write_str("none is registered");
        };
        write!(f, "there are '{first}'")?;
        others.iter().try_for_each(|name| write!(f, ", '{name}'"))
    }
}
