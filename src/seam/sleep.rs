//! The future that waits for a deadline.

#[cfg(not(all(feature = "tokio", feature = "_async-task")))]
mod absent;
#[cfg(feature = "_async-task")]
mod async_io;
#[cfg(feature = "tokio")]
pub(crate) mod tokio;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;

#[cfg(feature = "_async-task")]
pub(crate) use self::async_io::Sleep as IoSleep;
#[cfg(feature = "tokio")]
pub(crate) use self::tokio::{Clock as TokioClock, Sleep as TokioSleep};

#[cfg(not(feature = "_async-task"))]
pub(crate) type IoSleep = absent::Absent<'i'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioSleep = absent::Absent<'t'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioClock = absent::Absent<'t'>;

/// Waits until a deadline; see [`Timer::sleep`](crate::Timer::sleep).
///
/// Dropping it cancels the wait and removes it from the timer. It may be awaited anywhere: on another
/// runtime than the timer's, or on none.
///
/// A sleep that has ended stays ready when it is polled again, until it is [`reset`](Sleep::reset). A
/// sleep whose deadline lies beyond the last representable [`Instant`] never ends.
///
/// # Panics
///
/// Panics if it is polled after its tokio runtime was shut down, when nothing is left to wake it.
///
/// # Cancel safety
///
/// Polling it by reference is cancel safe: a `select!` that drops `&mut sleep` loses nothing.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    inner: Inner,
}

/// A backend that is not compiled in has an uninhabited type here, which costs nothing.
enum Inner {
    Own(Pin<Box<Own<dyn RawSleep>>>),
    Io(IoSleep),
    Tokio(TokioSleep),
}

/// Evaluates an expression with the inner sleep of any variant.
macro_rules! each {
    ($inner:expr, $sleep:ident => $value:expr) => {
        match $inner {
            Inner::Own($sleep) => $value,
            Inner::Io($sleep) => $value,
            Inner::Tokio($sleep) => $value,
        }
    };
}

impl Sleep {
    /// Creates a sleep for a custom timer. A deadline of `None` means never.
    ///
    /// The deadline is passed on through [`RawSleep::reset`]. With
    /// `timer.now().checked_add(duration)`, a duration that reaches past the last representable
    /// [`Instant`] means never, as [`Timer::sleep`](crate::Timer::sleep) requires.
    pub fn new(raw: impl RawSleep, deadline: Option<Instant>) -> Sleep {
        let mut own = Box::pin(Own { deadline: None, elapsed: false, raw });
        if let Some(deadline) = deadline {
            let this = own.as_mut().project();
            *this.deadline = Some(deadline);
            this.raw.reset(deadline);
        }
        Sleep { inner: Inner::Own(own) }
    }

    /// Returns the deadline, or `None` if the sleep never ends.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        each!(&self.inner, sleep => sleep.deadline())
    }

    /// Returns whether the sleep has ended, that is, whether it was polled after its deadline.
    ///
    /// A sleep that has not been polled has not ended, however late it is.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        each!(&self.inner, sleep => sleep.is_elapsed())
    }

    /// Sets another deadline, earlier or later.
    ///
    /// A sleep that has ended, or that had no deadline, waits again. To be woken at the new deadline,
    /// poll the sleep after the reset.
    ///
    /// # Panics
    ///
    /// Cannot panic. If the deadline has passed, the sleep ends as soon as the timer processes it.
    pub fn reset(&mut self, deadline: Instant) {
        each!(&mut self.inner, sleep => sleep.reset(deadline));
    }

    /// The current instant on the clock that the sleep runs on.
    pub(crate) fn now(&self) -> Instant {
        each!(&self.inner, sleep => sleep.now())
    }
}

impl From<IoSleep> for Sleep {
    #[inline]
    fn from(sleep: IoSleep) -> Sleep {
        Sleep { inner: Inner::Io(sleep) }
    }
}

impl From<TokioSleep> for Sleep {
    #[inline]
    fn from(sleep: TokioSleep) -> Sleep {
        Sleep { inner: Inner::Tokio(sleep) }
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        each!(&mut self.inner, sleep => sleep.poll_elapsed(cx))
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline())
            .field("is_elapsed", &self.is_elapsed())
            .finish()
    }
}

/// The implementation of a [`Sleep`] for a custom timer.
///
/// Each sleep costs one allocation. Dropping it must remove everything that it registered with the
/// timer, above all the waker.
///
/// # Examples
///
/// A timer that runs on a thread of its own, for an executor without one:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::pin::Pin;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::sync::{Arc, Condvar, Mutex};
/// use std::task::{Context, Poll, Waker};
/// use std::thread;
/// use std::time::{Duration, Instant, SystemTime};
///
/// use async_runtime_compat::{RawSleep, Sleep, Timer, TimerExt};
///
/// /// Its thread runs for as long as the program.
/// #[derive(Clone)]
/// pub struct ThreadTimer(Arc<Shared>);
///
/// #[derive(Default)]
/// struct Shared {
///     /// The wakers by deadline. The number tells sleeps with the same deadline apart.
///     waiting: Mutex<BTreeMap<(Instant, u64), Waker>>,
///     changed: Condvar,
///     number: AtomicU64,
/// }
///
/// impl ThreadTimer {
///     pub fn new() -> ThreadTimer {
///         let shared = Arc::new(Shared::default());
///         let thread = shared.clone();
///         thread::spawn(move || thread.run());
///         ThreadTimer(shared)
///     }
/// }
///
/// impl Shared {
///     fn run(&self) {
///         let mut waiting = self.waiting.lock().unwrap();
///         loop {
///             let now = Instant::now();
///             let later = waiting.split_off(&(now, u64::MAX));
///             let due = std::mem::replace(&mut *waiting, later);
///             if !due.is_empty() {
///                 // Wake after unlocking: a waker may poll, and so come back to the queue.
///                 drop(waiting);
///                 due.into_values().for_each(Waker::wake);
///                 waiting = self.waiting.lock().unwrap();
///                 continue;
///             }
///             let next = waiting.first_key_value().map(|(&(next, _), _)| next);
///             let wait = next.map_or(Duration::MAX, |next| next - now);
///             // At most an hour: some systems refuse to wait for longer than they can count.
///             let wait = wait.min(Duration::from_secs(60 * 60));
///             waiting = self.changed.wait_timeout(waiting, wait).unwrap().0;
///         }
///     }
/// }
///
/// impl Timer for ThreadTimer {
///     fn now(&self) -> Instant {
///         Instant::now()
///     }
///
///     fn system_time(&self) -> SystemTime {
///         SystemTime::now()
///     }
///
///     fn sleep(&self, duration: Duration) -> Sleep {
///         // Past the last instant there is `None`, which is never.
///         let deadline = self.now().checked_add(duration);
///         let shared = self.0.clone();
///         Sleep::new(ThreadSleep { shared, deadline: self.now(), entry: None }, deadline)
///     }
/// }
///
/// struct ThreadSleep {
///     shared: Arc<Shared>,
///     deadline: Instant,
///     entry: Option<(Instant, u64)>,
/// }
///
/// impl ThreadSleep {
///     /// Leaves the queue. The waker that comes out is dropped outside of the lock.
///     fn leave(&mut self) -> Option<Waker> {
///         let entry = self.entry.take()?;
///         self.shared.waiting.lock().unwrap().remove(&entry)
///     }
/// }
///
/// impl RawSleep for ThreadSleep {
///     fn now(&self) -> Instant {
///         Instant::now()
///     }
///
///     fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
///         self.leave();
///         self.deadline = deadline;
///     }
///
///     fn poll_elapsed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         self.leave();
///         if Instant::now() >= self.deadline {
///             return Poll::Ready(());
///         }
///         let entry = (self.deadline, self.shared.number.fetch_add(1, Ordering::Relaxed));
///         self.entry = Some(entry);
///         self.shared.waiting.lock().unwrap().insert(entry, cx.waker().clone());
///         self.shared.changed.notify_one();
///         Poll::Pending
///     }
/// }
///
/// impl Drop for ThreadSleep {
///     fn drop(&mut self) {
///         self.leave();
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let timer = ThreadTimer::new();
/// let start = timer.now();
/// timer.sleep(Duration::from_millis(5)).await;
/// assert!(timer.now() >= start + Duration::from_millis(5));
///
/// let never = std::future::pending::<()>();
/// assert!(timer.timeout(Duration::from_millis(5), never).await.is_err());
/// # });
/// ```
///
/// To adapt the sleep type of another library, let `poll_elapsed` poll it and `reset` set its deadline.
pub trait RawSleep: Send + Sync + 'static {
    /// Returns the current instant on the timer's clock, as [`Timer::now`](crate::Timer::now) does.
    fn now(&self) -> Instant;

    /// Sets the deadline, earlier or later than the previous one, which no longer applies.
    ///
    /// Called before the first poll, and then for each reset. It need not keep a waker that was
    /// registered for the previous deadline: a poll follows.
    fn reset(self: Pin<&mut Self>, deadline: Instant);

    /// Returns ready once [`now`](RawSleep::now) has reached the deadline, and not before.
    ///
    /// Until then it arranges for the waker to be woken at the deadline, in place of the waker of the
    /// previous poll. After it was ready it is not called again before a [`reset`](RawSleep::reset),
    /// and it is never called while there is no deadline.
    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

pin_project! {
    struct Own<R: ?Sized> {
        deadline: Option<Instant>,
        elapsed: bool,
        #[pin]
        raw: R,
    }
}

impl Own<dyn RawSleep> {
    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn is_elapsed(&self) -> bool {
        self.elapsed
    }

    fn now(&self) -> Instant {
        self.raw.now()
    }
}

/// The methods of a backend's sleep, for a custom one.
trait OwnSleep {
    fn reset(&mut self, deadline: Instant);
    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

impl OwnSleep for Pin<Box<Own<dyn RawSleep>>> {
    fn reset(&mut self, deadline: Instant) {
        let this = self.as_mut().project();
        *this.deadline = Some(deadline);
        *this.elapsed = false;
        this.raw.reset(deadline);
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.as_mut().project();
        if *this.elapsed {
            return Poll::Ready(());
        }
        if this.deadline.is_none() {
            return Poll::Pending;
        }
        ready!(this.raw.poll_elapsed(cx));
        *this.elapsed = true;
        Poll::Ready(())
    }
}
