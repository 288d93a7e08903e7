//! What is looked at after every step: invariants, and what is to happen eventually.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use super::engine::Engine;
use super::failure::FailureKind;
use crate::backend::discard;
use crate::error::message_of;
use crate::origin::Place;
use crate::time::Sleep;

type Condition = Box<dyn FnMut() -> bool + Send>;

/// All that a simulation looks at.
#[derive(Default)]
pub(super) struct Watches(Mutex<Vec<Watch>>);

pub(super) struct Watch {
    condition: Condition,
    what: Kind,
}

enum Kind {
    Invariant(String),
    Awaited(Arc<Awaited>),
}

/// Something that a task waits for.
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

    pub(super) fn invariant(&self, name: String, condition: Condition) {
        self.lock().push(Watch { condition, what: Kind::Invariant(name) });
    }

    fn wait(&self, condition: Condition, awaited: Arc<Awaited>) {
        self.lock().push(Watch { condition, what: Kind::Awaited(awaited) });
    }

    pub(super) fn take(&self) -> Vec<Watch> {
        mem::take(&mut self.lock())
    }

    /// Says what is wrong, if anything is.
    pub(super) fn look(&self) -> Option<String> {
        // What is called here may itself add something to be looked at.
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
                let message = message_of(&*payload);
                discard(payload);
                let message = message.unwrap_or_else(|| "a payload that is not a string".into());
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

/// Waits for a condition; made by [`SimRuntime::eventually`](crate::sim::SimRuntime::eventually).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Eventually {
    engine: Arc<Engine>,
    /// Until the first poll.
    condition: Option<Condition>,
    awaited: Arc<Awaited>,
    sleep: Sleep,
    within: Duration,
    place: Place,
}

impl Eventually {
    pub(super) fn new(
        engine: Arc<Engine>,
        sleep: Sleep,
        within: Duration,
        place: Place,
        condition: Condition,
    ) -> Eventually {
        let awaited = Arc::default();
        Eventually { engine, condition: Some(condition), awaited, sleep, within, place }
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
        let (within, place) = (this.within, this.place);
        this.engine.fail(
            FailureKind::Invariant,
            format!("what was to happen eventually, at {place}, did not happen within {within:?}"),
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
