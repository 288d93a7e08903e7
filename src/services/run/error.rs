//! Errors of jobs, services and actions.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::JoinError;
use crate::services::contain::{Payload, discard, message_of};

/// A boxed error of any type.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why a job, a service or an action failed: it was cancelled, it panicked, its runtime was shut
/// down, or it returned an error.
///
/// At most one of [`is_cancelled`](RunError::is_cancelled), [`is_panic`](RunError::is_panic) and
/// [`is_shutdown`](RunError::is_shutdown) is true; none if it returned an error. That error is the
/// [`source`](Error::source), with its original type. Clones share the same error.
///
/// The [`Display`](fmt::Display) form says what failed and how: `task 'import' panicked: index out
/// of bounds`. It does not include the source, as in `task 'import' failed`; the alternate form
/// `{:#}`, [`Debug`](fmt::Debug) and [`full_message`] do.
#[derive(Clone)]
pub struct RunError {
    inner: Arc<Inner>,
}

struct Inner {
    /// As in `task 'import'`.
    subject: String,
    cause: Cause,
}

/// The reason of a failure.
pub(crate) enum Cause {
    /// With the error that it returned after the request.
    Cancelled(Option<BoxError>),
    Shutdown,
    /// With the message of the panic, if that is a string.
    Panic(Option<String>),
    Failed(BoxError),
}

impl Cause {
    /// Made of the payload of a caught panic.
    pub(crate) fn panic(payload: Payload) -> Cause {
        let message = message_of(&*payload);
        discard(payload);
        Cause::Panic(message)
    }
}

/// Made of the error of its task.
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

    /// Whether it was cancelled before it completed.
    ///
    /// An error that it returned after that is the source.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.inner.cause, Cause::Cancelled(_))
    }

    /// Whether it panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.inner.cause, Cause::Panic(_))
    }

    /// Whether its runtime was shut down: before it completed, or before it was started.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(self.inner.cause, Cause::Shutdown)
    }

    /// The reason without the name of what failed: the message of the panic, or its own error with
    /// the sources of that.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.inner.cause {
            Cause::Cancelled(None) => "cancelled".to_owned(),
            Cause::Cancelled(Some(error)) => format!("cancelled: {}", Chain(&**error)),
            Cause::Shutdown => "the runtime was shut down".to_owned(),
            Cause::Panic(Some(message)) => message.clone(),
            Cause::Panic(None) => "panicked with a payload that is not a string".to_owned(),
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

/// The message of an error followed by the messages of its sources, for a log or a wire protocol:
/// `task 'import' failed: disk is full`.
///
/// The errors of jobs and services leave their causes to [`Error::source`], so that each part of a
/// report says one thing; `to_string()` alone is `task 'import' failed`. A source whose message its
/// error ends with is left out.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::services::{TaskWrapper, Task, TaskContext, full_message};
///
/// struct Failing;
///
/// impl Task for Failing {
///     type Action = ();
///     type Event = ();
///     type Output = ();
///     type Error = &'static str;
///
///     async fn run(&self, (): (), _: TaskContext<()>) -> Result<(), &'static str> {
///         Err("disk is full")
///     }
/// }
///
/// # #[cfg(feature = "smol")]
/// # futures_lite::future::block_on(async {
/// # let runtime = std::sync::Arc::new(async_runtime_compat::smol::SmolSpawner);
/// let failing = TaskWrapper::builder(runtime, Failing).name("failing").build();
/// let error = failing.start(()).unwrap().await.unwrap_err();
/// assert_eq!(full_message(&error), "task 'failing' failed: disk is full");
/// # });
/// ```
#[must_use]
pub fn full_message(error: &(dyn Error + 'static)) -> String {
    Chain(error).to_string()
}

/// An error with its sources.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let message = error.to_string();
            // Some errors have both, a source and its message in their own.
            if !last.ends_with(&message) {
                write!(f, ": {message}")?;
                last = message;
            }
            source = error.source();
        }
        Ok(())
    }
}
