//! What is woken, and by whom.

use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};
use std::sync::atomic::Ordering;
use std::thread;

use super::state::State;
use super::{Engine, ROOT};
use crate::contain::discard;
use crate::failure::{FailureKind, Waking};
use crate::schedule::Slot;
use crate::task::{Origin, Runnable};

thread_local! {
    static HERE: Here = const {
        Here { engine: Cell::new(0), woken: ManuallyDrop::new(RefCell::new(Vec::new())) }
    };
}

/// The engine that runs on this thread, and what was woken in its present step.
struct Here {
    /// The engine's id; 0 is none.
    engine: Cell<u64>,
    /// Locking the engine for each wake-up would cost more than the rest of waking.
    ///
    /// A thread-local variable with a destructor is asked at each use whether it still exists. This
    /// one has none, and owns no memory while no engine runs. So it is there even while a thread's
    /// other variables are destroyed.
    woken: ManuallyDrop<RefCell<Vec<Woken>>>,
}

/// A task that was woken. The root has no [`Runnable`].
type Woken = (Slot, Option<Runnable>);

/// The state of an engine on this thread that another one interrupted.
pub(super) struct Interrupted {
    engine: u64,
    woken: Vec<Woken>,
}

/// Whether a simulation runs on this thread.
#[inline]
pub(crate) fn is_simulated() -> bool {
    HERE.with(|here| here.engine.get() != 0)
}

/// A task was woken. This is the schedule function of every task.
pub(super) fn wake_task(runnable: Runnable) {
    let Origin { engine, slot } = runnable.metadata();
    let (id, slot) = (engine.id, *slot);
    // Once a node has been killed, a task that is woken may have to be dropped at once.
    let noted =
        if engine.has_killed() { Err(Some(runnable)) } else { note(id, slot, Some(runnable)) };
    if let Err(Some(runnable)) = noted {
        // The runnable, and the engine in it, may be dropped before this returns.
        let engine = runnable.metadata().engine.clone();
        engine.wake_now(slot, Some(runnable));
    }
}

/// Leaves a note for the engine's next step, if this is the thread that it runs on.
#[inline]
fn note(engine: u64, slot: Slot, runnable: Option<Runnable>) -> Result<(), Option<Runnable>> {
    HERE.with(|here| {
        if here.engine.get() != engine {
            return Err(runnable);
        }
        here.woken.borrow_mut().push((slot, runnable));
        Ok(())
    })
}

impl Engine {
    /// Makes this the engine that runs on this thread.
    pub(super) fn enter(&self) -> Interrupted {
        HERE.with(|here| Interrupted {
            engine: here.engine.replace(self.id),
            woken: here.woken.take(),
        })
    }

    /// Gives the thread back to the engine that was interrupted, if any.
    pub(super) fn leave(interrupted: Interrupted) {
        HERE.with(|here| {
            here.engine.set(interrupted.engine);
            here.woken.replace(interrupted.woken);
        });
    }

    /// Whether this is the thread that the simulation runs on.
    #[inline]
    pub(super) fn is_here(&self) -> bool {
        HERE.with(|here| here.engine.get()) == self.id
    }

    /// Fails the run if this is another thread than the simulation's.
    pub(super) fn check_thread(&self, state: &mut State, what: impl FnOnce(&State) -> String) {
        if self.is_here() {
            return;
        }
        if !self.limits.foreign_threads && !state.closed {
            let thread = thread::current();
            let name = thread.name().map_or("without a name".to_owned(), |it| format!("`{it}`"));
            let what = what(state);
            state.fail(
                FailureKind::ForeignThread,
                format!(
                    "{what} by the thread {name}, which the simulation does not control: its timing \
                     differs in every run. Spawn its work on the simulated runtime, or accept it \
                     with `Sim::foreign_threads`"
                ),
            );
        }
        // The simulation's thread may be waiting for other threads. It has to look again once the
        // state, which is locked until the caller is done, is unlocked.
        state.poked = true;
        self.woken.notify_one();
    }

    /// The root was woken.
    pub(super) fn wake_root(&self) {
        if self.has_killed() || note(self.id, ROOT, None).is_err() {
            self.wake_now(ROOT, None);
        }
    }

    /// Makes what was woken ready, at once.
    fn wake_now(&self, slot: Slot, runnable: Option<Runnable>) {
        let mut state = self.lock();
        if state.closed || state.tasks.get(slot as usize).is_none_or(|task| task.doomed) {
            // The task's future is dropped with it. Not here: a channel may hold a lock while it wakes, which the
            // future's destructor takes.
            if self.is_here() {
                state.buried.extend(runnable);
            } else {
                drop(state);
                drop(runnable);
            }
            return;
        }
        self.check_thread(&mut state, |state| match slot {
            ROOT => "the simulation's own future was woken".to_owned(),
            slot => format!("{} was woken", state.describe(slot)),
        });
        let by = self.waking(&state);
        state.wake(slot, runnable, by, self.clock.nanos());
    }

    /// Drops the tasks that were woken although nothing of them is to run any more, and what their destructors wake.
    pub(super) fn bury(&self) {
        loop {
            // Not in the condition of a `while let`, which would keep the lock.
            let buried = self.lock().buried.pop();
            let Some(runnable) = buried else { return };
            discard(runnable);
        }
    }

    #[inline]
    pub(super) fn has_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    fn waking(&self, state: &State) -> Waking {
        if !self.is_here() {
            return Waking::Outside;
        }
        state.acting.map_or(Waking::Timer, Waking::Task)
    }

    /// Makes ready what was woken in the present step.
    #[inline]
    pub(super) fn settle(&self, state: &mut State) {
        HERE.with(|here| {
            let mut woken = here.woken.borrow_mut();
            if woken.is_empty() || here.engine.get() != self.id {
                return;
            }
            let by = self.waking(state);
            let now = self.clock.nanos();
            // Most steps wake one task, and draining a list costs more than the rest of this.
            if woken.len() == 1 {
                if let Some((slot, runnable)) = woken.pop() {
                    state.wake(slot, runnable, by, now);
                }
                return;
            }
            for (slot, runnable) in woken.drain(..) {
                state.wake(slot, runnable, by, now);
            }
        });
    }

    /// Whether the task was woken in the present step.
    #[cfg(feature = "preempt")]
    pub(super) fn is_noted(slot: Slot) -> bool {
        HERE.with(|here| here.woken.borrow().iter().any(|(woken, _)| *woken == slot))
    }

    /// Takes what was woken on this thread and has not been made ready.
    pub(super) fn take_woken() -> Vec<Woken> {
        HERE.with(|here| mem::take(&mut *here.woken.borrow_mut()))
    }
}
