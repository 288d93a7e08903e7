//! A user's own timer: one thread that wakes the sleepers. It can be given a flaw.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::{RawSleep, Sleep, Timer};

/// A timer whose thread ends when the timer and all of its sleeps were dropped.
#[derive(Clone)]
pub struct ThreadTimer {
    owner: Arc<Owner>,
    flaw: Flaw,
}

/// What is wrong with a timer. Each variant breaks clause C12 in its own way.
#[expect(missing_docs, reason = "the names say it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    EndsEarly,
    EndsAtTheSecondPoll,
    IgnoresReset,
    KeepsTheFirstWaker,
    PanicsOnTheLastInstants,
    TakesLongForNever,
    LeavesDroppedSleepsBehind,
    KeepsItsFirstDeadline,
    ForgetsEveryThousandth,
}

struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.queue.lock().unwrap().closed = true;
        self.0.changed.notify_one();
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// The number tells apart what is due at the same time.
    waiting: BTreeMap<(Instant, u64), Waker>,
    closed: bool,
}

impl ThreadTimer {
    /// A timer without a flaw.
    #[must_use]
    pub fn new() -> ThreadTimer {
        ThreadTimer::with(Flaw::None)
    }

    /// A timer with this flaw.
    #[must_use]
    pub fn with(flaw: Flaw) -> ThreadTimer {
        let shared = Arc::new(Shared::default());
        let waking = shared.clone();
        thread::spawn(move || waking.wake_when_due());
        ThreadTimer { owner: Arc::new(Owner(shared)), flaw }
    }
}

impl Default for ThreadTimer {
    fn default() -> ThreadTimer {
        ThreadTimer::new()
    }
}

impl fmt::Debug for ThreadTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadTimer").field("flaw", &self.flaw).finish_non_exhaustive()
    }
}

impl Shared {
    fn wake_when_due(&self) {
        let mut queue = self.queue.lock().unwrap();
        while !queue.closed {
            let now = Instant::now();
            let pending = queue.waiting.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut queue.waiting, pending);
            if !due.is_empty() {
                drop(queue);
                due.into_values().for_each(Waker::wake);
                queue = self.queue.lock().unwrap();
                continue;
            }
            queue = match queue.waiting.first_key_value() {
                Some((&(next, _), _)) => {
                    // Some systems do not take any duration.
                    let left = next.saturating_duration_since(now).min(Duration::from_secs(3_600));
                    self.changed.wait_timeout(queue, left).unwrap().0
                }
                None => self.changed.wait(queue).unwrap(),
            };
        }
    }
}

impl Timer for ThreadTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let now = Instant::now();
        let deadline = match self.flaw {
            Flaw::PanicsOnTheLastInstants => Some(now + duration),
            Flaw::TakesLongForNever => {
                Some(now.checked_add(duration).unwrap_or(now + Duration::from_secs(3_600)))
            }
            _ => now.checked_add(duration),
        };
        Sleep::new(
            ThreadSleep {
                owner: self.owner.clone(),
                flaw: self.flaw,
                deadline: None,
                entry: None,
                waker: None,
            },
            deadline,
        )
    }
}

struct ThreadSleep {
    owner: Arc<Owner>,
    flaw: Flaw,
    deadline: Option<Instant>,
    /// Its key in the queue, while it may be there.
    entry: Option<(Instant, u64)>,
    /// The first waker, for the one that insists on it.
    waker: Option<Waker>,
}

impl ThreadSleep {
    /// Takes the waker out of the queue. It is to be dropped outside of the lock.
    fn deregister(&mut self) -> Option<Waker> {
        let entry = self.entry.take()?;
        self.owner.0.queue.lock().unwrap().waiting.remove(&entry)
    }
}

impl RawSleep for ThreadSleep {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        if self.flaw == Flaw::IgnoresReset && self.deadline.is_some() {
            return;
        }
        drop(self.deregister());
        self.deadline = Some(deadline);
    }

    fn poll_elapsed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);

        let now = Instant::now();
        let deadline = self.deadline.expect("not polled without a deadline");
        let woken = self.flaw == Flaw::EndsAtTheSecondPoll && self.entry.is_some();
        let early = match self.flaw {
            Flaw::EndsEarly => Duration::from_millis(1),
            _ => Duration::ZERO,
        };
        if woken || deadline.saturating_duration_since(now) <= early {
            drop(self.deregister());
            return Poll::Ready(());
        }
        if self.flaw == Flaw::KeepsItsFirstDeadline && self.entry.is_some() {
            return Poll::Pending;
        }
        drop(self.deregister());
        let waker = match self.flaw {
            Flaw::KeepsTheFirstWaker => {
                self.waker.get_or_insert_with(|| cx.waker().clone()).clone()
            }
            _ => cx.waker().clone(),
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        if self.flaw == Flaw::ForgetsEveryThousandth && number % 1_000 == 999 {
            return Poll::Pending;
        }
        let entry = (deadline, number);
        self.entry = Some(entry);
        let mut queue = self.owner.0.queue.lock().unwrap();
        queue.waiting.insert(entry, waker);
        if queue.waiting.first_key_value().is_some_and(|(&first, _)| first == entry) {
            self.owner.0.changed.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for ThreadSleep {
    fn drop(&mut self) {
        if self.flaw != Flaw::LeavesDroppedSleepsBehind {
            drop(self.deregister());
        }
    }
}
