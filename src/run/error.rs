//! Why something that was started has no result.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::{JoinError, Payload, message_of};

/// An error of whatever type, on the heap.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why a job or a service failed: it was cancelled, it panicked, its runtime is gone, or it says so
/// itself.
///
/// At most one of [`is_cancelled`](RunError::is_cancelled), [`is_panic`](RunError::is_panic) and
/// [`is_shutdown`](RunError::is_shutdown) is true; none if it says so itself. Its own error is the
/// [`source`](Error::source), of the type that it was of. Clones are the same error.
///
/// The [`Display`](fmt::Display) form says what failed and how: `task 'import' panicked: index out
/// of bounds`. An error of its own is left to the source, as in `task 'import' failed`; the form
/// `{:#}`, and that of [`Debug`](fmt::Debug), have the sources, too.
#[derive(Clone)]
pub struct RunError {
    inner: Arc<Inner>,
}

struct Inner {
    /// As in `task 'import'`.
    subject: String,
    cause: Cause,
}

/// How it came to fail.
pub(crate) enum Cause {
    /// With what it said when it was.
    Cancelled(Option<BoxError>),
    Shutdown,
    /// With the panic's message, if that is a string.
    Panic(Option<String>),
    Failed(BoxError),
}

impl Cause {
    /// Of what a caught panic carries.
    pub(crate) fn panic(payload: Payload) -> Cause {
        let message = message_of(&*payload);
        crate::backend::discard(payload);
        Cause::Panic(message)
    }
}

/// Of the task that it was.
impl From<JoinError> for Cause {
    fn from(error: JoinError) -> Cause {
        match error.try_into_panic() {
            Ok(payload) => Cause::panic(payload),
            Err(error) if error.is_cancelled() => Cause::Cancelled(None),
            Err(_) => Cause::Shutdown,
        }
    }
}

impl RunError {
    pub(crate) fn new(subject: impl Into<String>, cause: Cause) -> RunError {
        RunError { inner: Arc::new(Inner { subject: subject.into(), cause }) }
    }

    /// Whether it was asked to end before it completed.
    ///
    /// If it answered with an error of its own, that is the source.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.inner.cause, Cause::Cancelled(_))
    }

    /// Whether it panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.inner.cause, Cause::Panic(_))
    }

    /// Whether it was dropped before it completed, by its runtime's shutdown, or refused by one
    /// that was shut down.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(self.inner.cause, Cause::Shutdown)
    }

    /// What went wrong, without what it went wrong with: the panic's message, or the text of its
    /// own error with those beneath it.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.inner.cause {
            Cause::Cancelled(None) => "it was cancelled".to_owned(),
            Cause::Cancelled(Some(error)) => format!("it was cancelled: {}", Chain(&**error)),
            Cause::Shutdown => "its runtime was shut down".to_owned(),
            Cause::Panic(Some(message)) => message.clone(),
            Cause::Panic(None) => "it panicked with a payload that is not a string".to_owned(),
            Cause::Failed(error) => Chain(&**error).to_string(),
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { subject, cause } = &*self.inner;
        f.write_str(subject)?;
        match cause {
            Cause::Cancelled(_) => f.write_str(" was cancelled")?,
            Cause::Shutdown => f.write_str(" was dropped because its runtime was shut down")?,
            Cause::Panic(Some(message)) => write!(f, " panicked: {message}")?,
            Cause::Panic(None) => f.write_str(" panicked with a payload that is not a string")?,
            Cause::Failed(_) => f.write_str(" failed")?,
        }
        match self.source() {
            Some(source) if f.alternate() => write!(f, ": {}", Chain(source)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunError({self:#})")
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.inner.cause {
            Cause::Cancelled(Some(error)) | Cause::Failed(error) => Some(&**error),
            Cause::Cancelled(None) | Cause::Shutdown | Cause::Panic(_) => None,
        }
    }
}

/// An error and all that it comes from.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
