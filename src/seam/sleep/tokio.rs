//! tokio's sleeps.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::tokio::runtime::{Handle, RuntimeFlavor};
use ::tokio::time;

use crate::seam::takes_real_time;

pub(crate) const NO_DRIVER: &str = "the tokio runtime was built without its time driver: call `enable_time` or \
                         `enable_all` on its `tokio::runtime::Builder`";

/// Creates a tokio timer inside its runtime. Panics with a message of this crate, at the caller's location, if the
/// runtime has no time driver.
#[inline]
#[track_caller]
pub(crate) fn with_driver<T>(handle: &Handle, make: impl FnOnce() -> T) -> T {
    #[cold]
    #[track_caller]
    fn no_driver() -> ! {
        panic!("{NO_DRIVER}, or see `TokioSpawner::require_timer`")
    }
    // Caught inside the runtime: its context is left in order. The panic starts here, since a closure does not know
    // the caller's location.
    match inside(handle, || catch_unwind(AssertUnwindSafe(make))) {
        Ok(made) => made,
        Err(_) => no_driver(),
    }
}

/// The clock of a runtime.
pub(crate) struct Clock(Handle);

impl Clock {
    pub(crate) fn new(handle: &Handle) -> Clock {
        Clock(handle.clone())
    }

    pub(crate) fn now(&self) -> Instant {
        now(&self.0)
    }
}

/// Calls a function inside the runtime.
///
/// The caller is usually inside already; checking that costs less than entering once more.
#[inline]
pub(crate) fn inside<T>(handle: &Handle, f: impl FnOnce() -> T) -> T {
    if Handle::try_current().is_ok_and(|current| current.id() == handle.id()) {
        return f();
    }
    let _context = handle.enter();
    f()
}

/// tokio pauses the clock of current-thread runtimes only, and it can only be read inside the runtime.
pub(crate) fn may_be_paused(handle: &Handle) -> bool {
    handle.runtime_flavor() == RuntimeFlavor::CurrentThread
}

pub(crate) fn now(handle: &Handle) -> Instant {
    if !may_be_paused(handle) {
        return Instant::now();
    }
    inside(handle, time::Instant::now).into_std()
}

/// The deadline, or `None` if tokio would overflow on it: it rounds up by adding almost a millisecond.
#[inline]
fn reachable(deadline: time::Instant) -> Option<time::Instant> {
    deadline.checked_add(Duration::from_millis(1)).map(|_| deadline)
}

/// No clock is this close to its last instant, so shorter durations need no check.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The deadline that lies a duration ahead; `None` means never.
#[inline]
pub(crate) fn after(now: time::Instant, duration: Duration) -> Option<time::Instant> {
    let deadline = now.checked_add(duration)?;
    if duration < YEAR { Some(deadline) } else { reachable(deadline) }
}

/// The deadline at an instant; `None` means never.
pub(crate) fn at(deadline: Instant) -> Option<time::Instant> {
    reachable(deadline.into())
}

/// tokio's sleep, which must not move.
type Slot = Pin<Box<Option<time::Sleep>>>;

/// How many slots a thread keeps for its next sleeps, at 128 bytes or so each.
const SPARE: usize = 1024;

thread_local! {
    /// Empty slots, for reuse: sleeps allocate only until there are as many slots as concurrent sleeps.
    static PLACES: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
}

pub(crate) struct Sleep {
    /// Holds a sleep, until the drop.
    slot: Option<Slot>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Elapsed,
    /// The deadline cannot be reached. It is not registered with tokio, whose paused clock would advance to
    /// it.
    Never,
}

impl Sleep {
    /// Creates a sleep until the deadline, which is computed from the current instant.
    #[inline]
    #[track_caller]
    pub(crate) fn make(
        handle: &Handle,
        deadline: impl FnOnce(time::Instant) -> Option<time::Instant>,
    ) -> Sleep {
        takes_real_time("a sleep of tokio's");
        let spare = PLACES.try_with(|slots| slots.borrow_mut().pop());
        let mut slot = spare.ok().flatten().unwrap_or_else(|| Box::pin(None));
        let state = with_driver(handle, || {
            let now = time::Instant::now();
            let deadline = deadline(now);
            slot.set(Some(time::sleep_until(deadline.unwrap_or(now))));
            if deadline.is_some() { State::Waiting } else { State::Never }
        });
        Sleep { slot: Some(slot), state }
    }

    fn native(&self) -> Option<&time::Sleep> {
        self.slot.as_ref().and_then(|slot| slot.as_ref().get_ref().as_ref())
    }

    fn native_mut(&mut self) -> Option<Pin<&mut time::Sleep>> {
        self.slot.as_mut().and_then(|slot| slot.as_mut().as_pin_mut())
    }

    /// The current instant, for an opaque timer that wraps tokio's. A task that waits on a paused clock is inside its
    /// runtime.
    #[expect(clippy::unused_self, reason = "the sleeps of other backends need it")]
    pub(crate) fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.state == State::Never {
            return None;
        }
        self.native().map(|sleep| sleep.deadline().into_std())
    }

    pub(crate) fn is_elapsed(&self) -> bool {
        self.state == State::Elapsed
    }

    pub(crate) fn reset(&mut self, deadline: Instant) {
        let Some(deadline) = at(deadline) else {
            self.state = State::Never;
            return;
        };
        self.state = State::Waiting;
        if let Some(sleep) = self.native_mut() {
            sleep.reset(deadline);
        }
    }

    #[inline]
    pub(crate) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.state {
            State::Elapsed => return Poll::Ready(()),
            State::Never => return Poll::Pending,
            State::Waiting => {}
        }
        if let Some(sleep) = self.native_mut() {
            ready!(sleep.poll(cx));
        }
        self.state = State::Elapsed;
        Poll::Ready(())
    }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else { return };
        // First, because it drops a waker, which may run user code.
        slot.set(None);
        let _ = PLACES.try_with(|slots| {
            let mut slots = slots.borrow_mut();
            if slots.len() < SPARE {
                slots.push(slot);
            }
        });
    }
}
