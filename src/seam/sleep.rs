//! The future that waits.

#[cfg(not(all(
    feature = "tokio",
    any(feature = "smol", feature = "async-std", feature = "async-executor")
)))]
mod absent;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod async_io;
#[cfg(feature = "tokio")]
pub(crate) mod tokio;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;

#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
pub(crate) use self::async_io::Sleep as IoSleep;
#[cfg(feature = "tokio")]
pub(crate) use self::tokio::{Clock as TokioClock, Sleep as TokioSleep};

#[cfg(not(any(feature = "smol", feature = "async-std", feature = "async-executor")))]
pub(crate) type IoSleep = absent::Absent<'i'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioSleep = absent::Absent<'t'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioClock = absent::Absent<'t'>;

/// Waits until a deadline; see [`Timer::sleep`](crate::Timer::sleep).
///
/// Dropping it ends the waiting and leaves nothing behind with the timer. It may be awaited
/// anywhere: on another runtime than the timer's, or on none.
///
/// A sleep that has ended stays ended: polled again, it is ready again, until it is
/// [`reset`](Sleep::reset). One whose deadline lies beyond the last [`Instant`] never ends.
///
/// # Panics
///
/// If it is polled after its tokio runtime was shut down. Nobody could wake it any more.
///
/// # Cancel safety
///
/// Polling it by reference is cancel safe: a `select!` that drops `&mut sleep` loses nothing.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    inner: Inner,
}

/// A backend that is not compiled in has an empty type here, which costs nothing.
enum Inner {
    Own(Pin<Box<Own<dyn RawSleep>>>),
    Io(IoSleep),
    Tokio(TokioSleep),
}

/// Evaluates an expression with the sleep inside, whichever it is.
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
    /// Makes a sleep for a timer of one's own; `None` is never.
    ///
    /// The deadline is handed on through [`RawSleep::reset`]. With
    /// `timer.now().checked_add(duration)` a duration that leads past the last [`Instant`] becomes
    /// never, as [`Timer::sleep`](crate::Timer::sleep) asks for.
    pub fn new(raw: impl RawSleep, deadline: Option<Instant>) -> Sleep {
        let mut own = Box::pin(Own { deadline: None, elapsed: false, raw });
        if let Some(deadline) = deadline {
            let this = own.as_mut().project();
            *this.deadline = Some(deadline);
            this.raw.reset(deadline);
        }
        Sleep { inner: Inner::Own(own) }
    }

    /// When the sleep ends; `None` if it never does.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        each!(&self.inner, sleep => sleep.deadline())
    }

    /// Whether the sleep has ended: it was polled when its deadline had passed.
    ///
    /// Until it is polled a sleep has not ended, however late it is.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        each!(&self.inner, sleep => sleep.is_elapsed())
    }

    /// Lets the sleep wait for another deadline, earlier or later.
    ///
    /// A sleep that has ended, or that was never to end, waits again. To be woken at the new
    /// deadline, poll the sleep after the reset.
    ///
    /// # Panics
    ///
    /// Cannot panic. A deadline that has passed gives a sleep that ends as soon as the timer gets
    /// to it.
    pub fn reset(&mut self, deadline: Instant) {
        each!(&mut self.inner, sleep => sleep.reset(deadline));
    }

    /// The present instant on the clock that the sleep ends by.
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

/// What a [`Sleep`] is made of where the timer is one's own.
///
/// It costs one allocation for each sleep. Dropping it has to take what it left with the timer
/// away: the waker above all.
///
/// # Examples
///
/// A timer that is one thread, for an executor that has none:
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
///     /// Who waits for when. The number tells apart those who wait for the same instant.
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
/// Where a library has a sleep of its own, `poll_elapsed` polls that, and `reset` sets its time.
pub trait RawSleep: Send + Sync + 'static {
    /// The present instant on the timer's clock: what [`Timer::now`](crate::Timer::now) gives.
    fn now(&self) -> Instant;

    /// Sets the deadline. It may be earlier or later than the one before, which is void.
    ///
    /// Called before the first poll, and then for each reset. It need not keep a waker that was
    /// registered for the deadline before: a poll follows.
    fn reset(self: Pin<&mut Self>, deadline: Instant);

    /// Is ready once [`now`](RawSleep::now) has reached the deadline, and not before.
    ///
    /// Otherwise it sees to it that the waker is woken then. The waker replaces the one of the
    /// poll before. Once this was ready it is not called again until after a
    /// [`reset`](RawSleep::reset), and it is never called while there is no deadline.
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

/// The same for a sleep of one's own as for a backend's.
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
