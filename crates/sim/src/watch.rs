//! Conditions checked after every step: invariants, and those that are awaited.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use async_runtime_compat::Sleep;

use crate::contain::{discard, into_message};
use crate::engine::Engine;
use crate::failure::FailureKind;

type Condition = Box<dyn FnMut() -> bool + Send>;

/// The conditions of a simulation.
#[derive(Default)]
pub(crate) struct Watches(Mutex<Vec<Watch>>);

pub(crate) struct Watch {
    condition: Condition,
    what: Kind,
}

enum Kind {
    Invariant(String),
    Awaited(Arc<Awaited>),
}

/// A condition that a task waits for.
#[derive(Default)]
struct Awaited {
    met: AtomicBool,
    given_up: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Watches {
    fn lock(&self) -> MutexGuard<'_, Vec<Watch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn invariant(&self, name: String, condition: Condition) {
        self.lock().push(Watch { condition, what: Kind::Invariant(name) });
    }

    fn wait(&self, condition: Condition, awaited: Arc<Awaited>) {
        self.lock().push(Watch { condition, what: Kind::Awaited(awaited) });
    }

    pub(crate) fn take(&self) -> Vec<Watch> {
        mem::take(&mut self.lock())
    }

    /// Checks all conditions; describes the first that is broken.
    pub(crate) fn look(&self) -> Option<String> {
        // A condition may itself add another, so the list is not locked meanwhile.
        let (mut kept, mut broken) = (Vec::new(), None);
        for mut watch in self.take() {
            match watch.look() {
                Look::Keep => kept.push(watch),
                Look::Done => discard(watch),
                Look::Broken(what) => {
                    broken.get_or_insert(what);
                    kept.push(watch);
                }
            }
        }
        let mut added = self.lock();
        kept.append(&mut added);
        *added = kept;
        broken
    }
}

enum Look {
    Keep,
    Done,
    Broken(String),
}

impl Watch {
    fn look(&mut self) -> Look {
        if let Kind::Awaited(awaited) = &self.what {
            if awaited.given_up.load(Ordering::Relaxed) {
                return Look::Done;
            }
        }
        let holds = catch_unwind(AssertUnwindSafe(|| (self.condition)()));
        match (holds, &self.what) {
            (Ok(true), Kind::Invariant(_)) | (Ok(false), Kind::Awaited(_)) => Look::Keep,
            (Ok(false), Kind::Invariant(name)) => {
                Look::Broken(format!("the invariant `{name}` did not hold"))
            }
            (Ok(true), Kind::Awaited(awaited)) => {
                awaited.met.store(true, Ordering::Relaxed);
                let waiting = awaited.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
                discard(catch_unwind(AssertUnwindSafe(|| waiting.map(Waker::wake))));
                Look::Done
            }
            (Err(payload), what) => {
                let message = into_message(payload);
                Look::Broken(match what {
                    Kind::Invariant(name) => {
                        format!("the invariant `{name}` did not hold ({message})")
                    }
                    Kind::Awaited(_) => {
                        format!("the condition of `eventually` panicked ({message})")
                    }
                })
            }
        }
    }
}

/// Waits for a condition; returned by [`SimRuntime::eventually`](crate::SimRuntime::eventually).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Eventually {
    engine: Arc<Engine>,
    /// `None` after the first poll.
    condition: Option<Condition>,
    awaited: Arc<Awaited>,
    sleep: Sleep,
    within: Duration,
    location: &'static Location<'static>,
}

impl Eventually {
    pub(crate) fn new(
        engine: Arc<Engine>,
        sleep: Sleep,
        within: Duration,
        location: &'static Location<'static>,
        condition: Condition,
    ) -> Eventually {
        let awaited = Arc::default();
        Eventually { engine, condition: Some(condition), awaited, sleep, within, location }
    }
}

impl Future for Eventually {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(mut condition) = this.condition.take() {
            if condition() {
                this.awaited.met.store(true, Ordering::Relaxed);
            } else {
                this.engine.watches().wait(condition, this.awaited.clone());
            }
        }
        if this.awaited.met.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let mut waiting = this.awaited.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = waiting.replace(waker);
        drop(waiting);
        drop(replaced);
        ready!(Pin::new(&mut this.sleep).poll(cx));
        let (within, location) = (this.within, this.location);
        this.engine.fail(
            FailureKind::Invariant,
            format!("the condition of `eventually` at {location} did not hold within {within:?}"),
        );
        Poll::Pending
    }
}

impl Drop for Eventually {
    fn drop(&mut self) {
        self.awaited.given_up.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Eventually {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eventually").field("within", &self.within).finish_non_exhaustive()
    }
}
