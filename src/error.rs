//! The crate's errors: opaque structs with predicates.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use crate::contain::{Payload, Unseen};
use crate::ids::TaskId;
use crate::meta::{Label, write_task};

/// How a task ended without an output.
pub(crate) enum End {
    /// An abort was requested before the task completed.
    Cancelled,
    /// The runtime dropped the task, or refused it, and no abort had been requested.
    Shutdown,
    /// The task, or the destructor of its future, panicked.
    ///
    /// In a box, so that the end of a task with a small output takes two words.
    Panic(Box<Payload>),
}

impl End {
    #[cold]
    pub(crate) fn panic(payload: Payload) -> End {
        End::Panic(Box::new(payload))
    }
}

/// Why a task has no output: it was aborted, it panicked, or its runtime is gone.
///
/// Exactly one of [`is_cancelled`](JoinError::is_cancelled), [`is_panic`](JoinError::is_panic) and
/// [`is_shutdown`](JoinError::is_shutdown) is true.
///
/// The [`Display`](fmt::Display) form has the task's id and name, if it has them, and the location of the `spawn` call,
/// and quotes the panic's message if it is a string:
/// `task 'conn-7' spawned at src/server.rs:12:9 panicked: index out of bounds`.
pub struct JoinError(Repr);

// Kept small: every join moves a `Result` that contains one.
enum Repr {
    Cancelled(&'static Location<'static>),
    Shutdown(&'static Location<'static>),
    Long(Box<Long>),
}

/// An error with a label or a payload.
struct Long {
    cause: Cause,
    label: Label,
    location: &'static Location<'static>,
}

enum Cause {
    Cancelled,
    Shutdown,
    // The mutex makes the error `Sync`; it is only ever locked to read the message.
    Panic(Mutex<Payload>),
}

impl JoinError {
    #[cold]
    pub(crate) fn new(end: End, label: Label, location: &'static Location<'static>) -> JoinError {
        let cause = match end {
            End::Cancelled if label.is_empty() => return JoinError(Repr::Cancelled(location)),
            End::Shutdown if label.is_empty() => return JoinError(Repr::Shutdown(location)),
            End::Cancelled => Cause::Cancelled,
            End::Shutdown => Cause::Shutdown,
            End::Panic(payload) => Cause::Panic(Mutex::new(Unseen::take(*payload))),
        };
        JoinError(Repr::Long(Box::new(Long { cause, label, location })))
    }

    fn cause(&self) -> &Cause {
        match &self.0 {
            Repr::Cancelled(_) => &Cause::Cancelled,
            Repr::Shutdown(_) => &Cause::Shutdown,
            Repr::Long(long) => &long.cause,
        }
    }

    fn label(&self) -> Option<&Label> {
        match &self.0 {
            Repr::Cancelled(_) | Repr::Shutdown(_) => None,
            Repr::Long(long) => Some(&long.label),
        }
    }

    /// Returns true if the task was aborted before it completed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause(), Cause::Cancelled)
    }

    /// Returns true if the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.cause(), Cause::Panic(_))
    }

    /// Returns true if the runtime was shut down, or the executor dropped, before the task completed.
    ///
    /// This is also the result of a task that is spawned after the shutdown.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(self.cause(), Cause::Shutdown)
    }

    /// Returns the payload of the task's panic, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    ///
    /// Panics if the task did not; check [`is_panic`](JoinError::is_panic) first, or use
    /// [`try_into_panic`](JoinError::try_into_panic).
    #[must_use]
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!("`JoinError::into_panic` on a task that did not panic: {error}"),
        }
    }

    /// Returns the payload of the task's panic.
    ///
    /// # Errors
    ///
    /// Returns the error itself if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        let Repr::Long(long) = self.0 else { return Err(self) };
        match *long {
            Long { cause: Cause::Panic(payload), .. } => {
                Ok(payload.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            long => Err(JoinError(Repr::Long(Box::new(long)))),
        }
    }

    /// Returns the panic's message, if the task panicked with a string (as `panic!` does).
    ///
    /// Returns `None` if the task did not panic, or if the payload has another type
    /// ([`std::panic::panic_any`]).
    #[must_use]
    pub fn panic_message(&self) -> Option<String> {
        let Cause::Panic(payload) = self.cause() else { return None };
        let payload = payload.lock().unwrap_or_else(PoisonError::into_inner);
        message_of(&**payload)
    }

    /// Returns the name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        self.label()?.name()
    }

    /// Returns the task's id, if it has one; see [`Identified`](crate::decorate::Identified).
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.label()?.id()
    }

    /// Returns the location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        match &self.0 {
            Repr::Cancelled(location) | Repr::Shutdown(location) => location,
            Repr::Long(long) => long.location,
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_task(f, self.id(), self.task_name(), self.spawned_at())?;
        match self.cause() {
            Cause::Cancelled => f.write_str(" was cancelled"),
            Cause::Shutdown => f.write_str(" was dropped because its runtime was shut down"),
            Cause::Panic(_) => match self.panic_message() {
                Some(message) => write!(f, " panicked: {message}"),
                None => f.write_str(" panicked with a payload that is not a string"),
            },
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl Error for JoinError {}

/// As for tokio's `JoinError`, so that `?` works in functions that return an [`io::Error`]. Its kind
/// is [`Other`](io::ErrorKind::Other), and it can be downcast to the `JoinError`.
///
/// ```
/// # use async_runtime_compat::FnSpawner;
/// use std::io;
///
/// use async_runtime_compat::JoinError;
/// use async_runtime_compat::prelude::*;
///
/// async fn sum(spawner: &dyn Spawner) -> io::Result<u32> {
///     Ok(spawner.spawn_with_handle(async { 1 + 2 }).await?)
/// }
///
/// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
/// # futures_lite::future::block_on(async {
/// assert_eq!(sum(&spawner).await?, 3);
/// let pending = spawner.spawn_with_handle(std::future::pending::<()>());
/// let error = io::Error::from(pending.cancel().await.unwrap_err());
/// assert_eq!(error.kind(), io::ErrorKind::Other);
/// assert!(error.downcast::<JoinError>().unwrap().is_cancelled());
/// # io::Result::Ok(())
/// # }).unwrap();
/// ```
impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        io::Error::other(error)
    }
}

/// The message of a panic, if its payload is a string (as `panic!` makes it).
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}

/// No runtime was found.
///
/// The [`Display`](fmt::Display) form says where this crate looked for one, and how to provide it.
#[derive(Debug)]
pub struct NoRuntime {
    message: Cow<'static, str>,
}

impl NoRuntime {
    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> NoRuntime {
        NoRuntime { message: message.into() }
    }
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for NoRuntime {}

/// The timeout elapsed before the future completed; see
/// [`TimerExt::timeout`](crate::TimerExt::timeout).
///
/// It converts to an [`io::Error`] of the kind [`TimedOut`](io::ErrorKind::TimedOut).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl Elapsed {
    pub(crate) fn new() -> Elapsed {
        Elapsed(())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the timeout elapsed before the future completed")
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}

/// The runtime has no timer, because it was built without one.
///
/// The [`Display`](fmt::Display) form says how to enable it.
#[derive(Debug)]
pub struct NoTimer {
    message: &'static str,
}

impl NoTimer {
    #[cfg_attr(
        not(feature = "tokio"),
        expect(dead_code, reason = "only a tokio runtime can be without")
    )]
    pub(crate) fn new(message: &'static str) -> NoTimer {
        NoTimer { message }
    }
}

impl fmt::Display for NoTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for NoTimer {}
