//! Suspending operations that are ready: the tasks are polled with a drawn cooperative budget.
//!
//! A draw is a number of operations that are left alone, whichever task does them. The budget is not
//! set anew for each step but goes on from step to step, so that a step that uses no such operation
//! costs one look at it. Once it is spent, all operations are suspended, until a task has done one
//! that was. Then the next number is drawn.
//!
//! A task that was suspended is ready again, as is one that yielded. Only its next step tells which:
//! it is given the budget of the next draw, and uses some of it if it was suspended. So a program
//! without such operations never uses up a draw.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use super::Engine;
use super::state::State;
use crate::budget;
use crate::record::What;
use crate::rng::SimRng;
use crate::schedule::Schedule;
use crate::tape::Tape;

/// After the last suspension that was planned no operation is suspended.
const NEVER: u32 = u32::MAX;

/// The events of suspensions, for the trace.
const SUSPENDED: u64 = 11;

/// The suspensions of a run, under the engine's lock.
pub(super) struct Preempt {
    chance: f64,
    rng: SimRng,
    /// In reverse; `None` if they are drawn.
    planned: Option<Vec<u32>>,
    /// How many operations are left alone before the next suspension, and how many of them are left.
    drawn: u32,
    left: u32,
    /// The draw after this one, once a task may need it.
    next: Option<u32>,
    /// The tasks that were suspended, or have yielded, since nothing was left. By number.
    suspects: BTreeSet<u32>,
    /// The task that is polled while nothing is left; it may end.
    polled: u32,
    /// What the budget was set to, and the most that it can be set to.
    set: u32,
    most: u32,
}

/// What the engine has to know at each poll, without its lock.
#[derive(Default)]
pub(super) struct Watching {
    /// It has to look after each poll: more operations are left than a budget can count, or none.
    closely: AtomicBool,
    /// Nothing is left.
    suspending: AtomicBool,
    /// tokio may keep a waker for later, because the simulation runs within one of its tasks.
    deferring: AtomicBool,
}

impl Preempt {
    pub(super) fn new(seed: u64, chance: Option<f64>, schedule: &mut Schedule) -> Preempt {
        let planned = schedule.take_suspensions().map(|mut planned| {
            planned.reverse();
            planned
        });
        Preempt {
            chance: chance.unwrap_or_default(),
            rng: SimRng::new(seed).fork("preempt"),
            planned,
            drawn: NEVER,
            left: NEVER,
            next: None,
            suspects: BTreeSet::new(),
            polled: 0,
            set: 0,
            most: 0,
        }
    }

    /// How many planned suspensions have not happened.
    pub(super) fn left_over(&self) -> usize {
        let outstanding = self.planned.is_some() && self.drawn != NEVER && !self.is_open();
        self.planned.as_ref().map_or(0, Vec::len) + usize::from(outstanding)
    }

    /// The run is over: a task that was suspended may not have continued.
    pub(super) fn finish(&self, tape: &mut Tape) {
        if self.is_open() {
            tape.suspend(self.drawn);
        }
    }

    fn is_open(&self) -> bool {
        self.left == 0 && !self.suspects.is_empty()
    }

    fn draw(&mut self, least: u32) -> u32 {
        if let Some(planned) = &mut self.planned {
            planned.pop().unwrap_or(NEVER)
        } else {
            let mut left_alone = least;
            while left_alone < self.most && !self.rng.chance(self.chance) {
                left_alone += 1;
            }
            left_alone
        }
    }

    /// The next draw. The operation that was suspended is the first that it leaves alone, so that an
    /// operation is suspended once at most.
    fn next(&mut self) -> u32 {
        if self.next.is_none() {
            self.next = Some(self.draw(1).max(1));
        }
        self.next.unwrap_or(NEVER)
    }

    /// So many operations were done.
    fn pass(&mut self, done: u32) {
        if self.left != NEVER {
            self.left -= done;
        }
    }

    /// Sets the budget to what is left.
    fn set(&mut self, watching: &Watching) {
        self.set_to(self.left);
        watching.suspending.store(self.left == 0, Ordering::Relaxed);
        watching.closely.store(self.left == 0 || self.left > self.most, Ordering::Relaxed);
    }

    fn set_to(&mut self, number: u32) {
        self.set = number.min(self.most);
        budget::set(self.set);
    }
}

impl Engine {
    /// Runs the main loop: with a budget that is drawn, or else without one. The budget of a task of
    /// tokio's around the simulation must not count in it.
    pub(super) fn with_budget<R>(&self, run: impl FnOnce() -> R) -> R {
        budget::without(|| {
            if self.limits.preempt.is_some() {
                let deferring = tokio::runtime::Handle::try_current().is_ok();
                self.watching.deferring.store(deferring, Ordering::Relaxed);
                let preempt = &mut self.lock().preempt;
                preempt.most = budget::most();
                preempt.drawn = preempt.draw(0);
                preempt.left = preempt.drawn;
                preempt.set(&self.watching);
            }
            run()
        })
    }

    /// Polls a task, and suspends what is to be suspended.
    #[inline]
    pub(super) fn poll<T, R>(
        &self,
        task: T,
        waker: impl FnOnce(&T) -> Waker,
        poll: impl FnOnce(T) -> R,
    ) -> R {
        if self.limits.preempt.is_none() {
            return poll(task);
        }
        let waker = self.watching.deferring.load(Ordering::Relaxed).then(|| waker(&task));
        if self.watching.suspending.load(Ordering::Relaxed) {
            self.before_poll();
        }
        let polled = poll(task);
        if budget::is_spent() || self.watching.closely.load(Ordering::Relaxed) {
            self.after_poll(waker);
        }
        polled
    }

    /// Nothing is left, except for a task that was suspended.
    fn before_poll(&self) {
        let mut state = self.lock();
        let number = state.present();
        let preempt = &mut state.preempt;
        preempt.polled = number;
        let left = if preempt.suspects.contains(&number) { preempt.next() } else { 0 };
        preempt.set_to(left);
    }

    #[cold]
    fn after_poll(&self, waker: Option<Waker>) {
        if let Some(waker) = waker.filter(|_| budget::is_spent()) {
            // tokio would wake it once the task around the simulation has yielded, which is never.
            waker.wake();
        }
        let mut state = self.lock();
        let (number, again) = (state.present(), is_ready_again(&state));
        let preempt = &mut state.preempt;
        let done = preempt.set.saturating_sub(budget::spend());
        let mut suspended = None;
        if preempt.left > 0 {
            preempt.pass(done);
        } else if done > 0 {
            // It had been suspended, and has continued.
            suspended = Some(preempt.drawn);
            preempt.drawn = preempt.next();
            preempt.left = preempt.drawn;
            preempt.next = None;
            preempt.suspects.clear();
            preempt.pass(done);
        } else {
            let polled = preempt.polled;
            preempt.suspects.remove(&polled);
        }
        let now_suspended = again && preempt.left == 0;
        if now_suspended {
            preempt.suspects.insert(number);
        }
        preempt.set(&self.watching);
        if let Some(after) = suspended {
            state.tape.suspend(after);
            state.trace.add(u64::from(after) << 8 | SUSPENDED);
        }
        if now_suspended && state.record.is_some() {
            state.keep(self.clock.nanos(), What::Suspended);
        }
    }
}

impl State {
    /// The number of the task that takes the present step, unless it has ended in it.
    fn present(&self) -> u32 {
        let task = self.current.and_then(|slot| self.tasks.get(slot as usize));
        task.map_or(u32::MAX, |task| task.number)
    }
}

/// Whether the task that took this step is ready for another one.
fn is_ready_again(state: &State) -> bool {
    let Some(slot) = state.current else { return false };
    let Some(task) = state.tasks.get(slot as usize) else { return false };
    task.ready || task.runnable.is_some() || Engine::is_noted(slot)
}
