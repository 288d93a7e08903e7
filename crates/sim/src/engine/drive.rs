//! The main loop.

use std::collections::HashMap;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_runtime_compat::runtime::enter_context;

use super::context::{self, SimContext};
use super::cost;
use super::state::State;
use super::{Engine, ROOT, Wrong};
use crate::contain::{Payload, discard, into_message};
use crate::failure::{FailureKind, TaskReport};
use crate::goals::Goals;
use crate::node::Home;
use crate::panics::Caught;
use crate::record::{Record, What};
use crate::schedule::{Choice, Schedule};
use crate::tape::Tape;
use crate::task::Runnable;

/// The next thing to do.
pub(super) enum Next {
    Root,
    Task(Runnable),
    Drop(Runnable),
    /// The sleeps whose time has come.
    Wake,
    Wait,
    Stop,
}

/// Drops a root whose poll unwinds while it unwinds, as a local variable is.
struct Unwound<'a, F> {
    engine: &'a Engine,
    root: Pin<&'a mut Option<F>>,
    tasks: &'a mut Option<Vec<TaskReport>>,
}

impl<F> Drop for Unwound<'_, F> {
    fn drop(&mut self) {
        // Now: the root's destructors may wake some.
        *self.tasks = Some(self.engine.reports_but_root());
        // A second panic that left this destructor would abort the process.
        discard(catch_unwind(AssertUnwindSafe(|| self.root.set(None))));
    }
}

/// The outcome of a run.
pub(crate) struct RunEnd<T> {
    pub(crate) end: Result<T, Wrong>,
    /// The panic that the failure began with, if it is one.
    pub(crate) origin: Option<Caught>,
    pub(crate) steps: u64,
    pub(crate) elapsed: Duration,
    pub(crate) hash: u64,
    pub(crate) tape: Tape,
    pub(crate) tasks: Vec<TaskReport>,
    pub(crate) schedule: Schedule,
    pub(crate) profile: HashMap<u64, u64>,
    pub(crate) record: Option<Box<Record>>,
    pub(crate) goals: Goals,
}

impl Engine {
    /// Runs the future, and what it spawns, to its end.
    pub(crate) fn run<F: Future>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        root: impl FnOnce() -> F,
    ) -> RunEnd<F::Output> {
        let interrupted = self.enter();
        let outer = context::replace(Some(self.clone()));
        // One context for the whole run. It hides runtimes that were entered outside.
        let entered = enter_context(Arc::new(SimContext(self.clone())));
        let (end, tasks) = self.with_budget(|| self.run_here(location, root));
        let failure = self.close();
        drop(entered);
        context::replace(outer);
        Engine::leave(interrupted);
        // Woken by the last of it.
        self.bury();

        let mut state = self.lock();
        let state = &mut *state;
        state.preempt.finish(&mut state.tape);
        let end = match failure {
            Some(failure) => Err(failure),
            None => end,
        };
        let message = end.as_ref().err().map(|(_, message)| message);
        RunEnd {
            origin: message.and_then(|message| state.panics.take_origin(message)),
            end,
            steps: state.steps,
            elapsed: Duration::from_nanos(self.clock.nanos()),
            hash: std::hash::Hasher::finish(&state.trace),
            tape: {
                let faults = state.points.take_injected();
                mem::take(&mut state.tape).with_faults(faults)
            },
            tasks,
            schedule: mem::replace(&mut state.schedule, Schedule::done()),
            profile: state.profile.take().unwrap_or_default(),
            record: state.record.take(),
            goals: self.goals.take(),
        }
    }

    fn run_here<F: Future>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        root: impl FnOnce() -> F,
    ) -> (Result<F::Output, Wrong>, Vec<TaskReport>) {
        let panicked = |payload: Payload| {
            let message = into_message(payload);
            self.caught(&format!("task 0, started at {location}"), &message);
            (FailureKind::Panic, message)
        };
        {
            let mut state = self.lock();
            let number = state.number(None);
            state.insert(Home::NONE, number, None, location, 0);
            (state.current, state.acting) = (Some(ROOT), Some(number));
        }
        let root = match catch_unwind(AssertUnwindSafe(root)) {
            Ok(root) => root,
            Err(payload) => return (Err(panicked(payload)), self.reports_but_root()),
        };
        let mut root = pin!(Some(root));
        self.lock().make_ready(ROOT, None);
        let waker = Waker::from(Arc::new(RootWaker(self.clone())));
        let mut end = None;
        let mut tasks = None;
        let mut due = Vec::new();
        loop {
            match self.next(end.is_some(), &mut due) {
                Next::Task(runnable) => {
                    self.poll(runnable, Runnable::waker, Runnable::run);
                    self.after_step();
                }
                Next::Drop(runnable) => discard(runnable),
                Next::Root => {
                    let mut cx = Context::from_waker(&waker);
                    let polled = catch_unwind(AssertUnwindSafe(|| {
                        let mut unwound =
                            Unwound { engine: self, root: root.as_mut(), tasks: &mut tasks };
                        let root = unwound.root.as_mut().as_pin_mut();
                        let polled = root.map(|future| {
                            self.poll(future, |_| waker.clone(), |future| future.poll(&mut cx))
                        });
                        // It is for a poll that unwinds.
                        mem::forget(unwound);
                        polled
                    }));
                    end = match polled {
                        Ok(Some(Poll::Ready(output))) => Some(Ok(output)),
                        Ok(_) => {
                            self.after_step();
                            continue;
                        }
                        Err(payload) => Some(Err(panicked(payload))),
                    };
                    let panic = matches!(end, Some(Err(_)));
                    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| root.set(None))) {
                        let payload = panicked(payload);
                        end = end.filter(Result::is_err).or(Some(Err(payload)));
                    }
                    self.ended(ROOT);
                    if panic {
                        break;
                    }
                    self.after_step();
                }
                Next::Wake => due.drain(..).for_each(Waker::wake),
                Next::Wait => self.wait_for_threads(),
                Next::Stop => break,
            }
        }
        let tasks = tasks.unwrap_or_else(|| self.reports());
        // Before the other tasks, and catching a panic of its destructor.
        discard(catch_unwind(AssertUnwindSafe(|| root.set(None))));
        let end = match (self.lock().failure.clone(), end) {
            (None, Some(end)) | (Some(_), Some(end @ Err(_))) => end,
            (Some(failure), _) => Err(failure),
            (None, None) => {
                unreachable!("the loop stops when the root has ended, or with a failure")
            }
        };
        (end, tasks)
    }

    fn reports(&self) -> Vec<TaskReport> {
        let mut state = self.lock();
        self.settle(&mut state);
        state.reports()
    }

    /// Once the root has panicked it is not alive.
    fn reports_but_root(&self) -> Vec<TaskReport> {
        let mut reports = self.reports();
        reports.retain(|task| task.number() > 0);
        reports
    }

    fn next(&self, done: bool, due: &mut Vec<Waker>) -> Next {
        let mut state = self.lock();
        let state = &mut *state;
        self.settle(state);
        (state.current, state.acting) = (None, None);
        if state.failure.is_some() {
            return Next::Stop;
        }
        if let Some(runnable) = state.buried.pop() {
            return Next::Drop(runnable);
        }
        if let Some(next) = self.charge(state, due) {
            return next;
        }
        let (slot, chosen) = match state.schedule.pick() {
            Choice::Task { slot, chosen } => (slot, chosen),
            Choice::Nothing => return self.idle(state, done, due),
            Choice::Diverged(why) => {
                let step = state.steps + 1;
                state.fail(FailureKind::Diverged, format!("at step {step}, {why}"));
                return Next::Stop;
            }
        };
        if state.steps == self.limits.steps {
            let message = format!("the limit of {} steps was reached", self.limits.steps);
            state.fail(FailureKind::StepLimit, message);
            return Next::Stop;
        }
        state.steps += 1;
        let Some(task) = state.tasks.get_mut(slot as usize) else {
            unreachable!("tasks that end are removed from the schedule")
        };
        task.steps += 1;
        if let Some(range) = self.limits.step_cost {
            state.cost = cost::drawn(self.seed, task, range);
        }
        task.ready = false;
        if chosen {
            state.tape.push(task.number);
        }
        let (number, runnable, doomed) = (task.number, task.runnable.take(), task.doomed);
        (state.current, state.acting) = (Some(slot), Some(number));
        let now = self.clock.nanos();
        state.event(u64::from(number) << 8 | 1, now, || What::Step(number));
        match runnable {
            // Another thread killed the task's node after it was woken.
            Some(runnable) if doomed => Next::Drop(runnable),
            Some(runnable) => Next::Task(runnable),
            None => Next::Root,
        }
    }

    /// No task is ready.
    fn idle(&self, state: &mut State, done: bool, due: &mut Vec<Waker>) -> Next {
        if done {
            let left = state.tasks.len();
            if left > 0 && !self.limits.leaks {
                let tasks = if left == 1 { "a task was" } else { "tasks were" };
                state.fail(
                    FailureKind::Leak,
                    format!(
                        "{tasks} still alive at the end: join or abort every task, or accept leaks \
                         with `Sim::allow_leaks`"
                    ),
                );
            }
            if let Some(name) = self.unfulfilled() {
                let message = format!("`{name}`: the run ended while the conclusion was awaited");
                state.fail(FailureKind::Invariant, message);
            }
            let left = state.schedule.left_over() + state.preempt.left_over();
            if left > 0 {
                let message = format!("the program ended with {left} choices left on the tape");
                state.fail(FailureKind::Diverged, message);
            }
            if let Some(fault) = state.points.left_over() {
                let message = format!("the program ended before the fault {fault} of the tape");
                state.fail(FailureKind::Diverged, message);
            }
            return Next::Stop;
        }
        let deadline = state.timers.next();
        if self.is_late(state, deadline) {
            return Next::Stop;
        }
        let Some(deadline) = deadline else {
            if self.limits.foreign_threads {
                return Next::Wait;
            }
            let mut message = "nothing is ready and no timer is pending".to_owned();
            let held = state.nodes.held();
            if !held.is_empty() {
                message.push_str("; still paused: ");
                message.push_str(&held.join(", "));
            }
            state.fail(FailureKind::Stall, message);
            return Next::Stop;
        };
        if deadline > self.limits.time {
            let limit = Duration::from_nanos(self.limits.time);
            state.fail(FailureKind::TimeLimit, format!("the limit of {limit:?} was reached"));
            return Next::Stop;
        }
        // Another thread may have read the clock earlier, and registered its sleep only now.
        let deadline = deadline.max(self.clock.nanos());
        self.clock.advance(deadline);
        state.event(deadline << 8 | 3, deadline, || What::Time);
        state.timers.take_due(deadline, due);
        Next::Wake
    }

    /// Waits until another thread has acted on the simulation.
    fn wait_for_threads(&self) {
        // Not by looking at the tasks: there may be very many, each of which wakes this thread.
        let nothing = |state: &mut State| !mem::take(&mut state.poked);
        let waited = self.woken.wait_while(self.lock(), nothing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Drops everything that is left. Returns the failure, if there was one by then.
    fn close(&self) -> Option<Wrong> {
        let mut state = self.lock();
        let failure = state.failure.clone();
        state.closed = true;
        let sleeping = state.timers.clear();
        let watches = self.watches.take();
        let promises = self.promises.take();
        // The programs of nodes may hold the engine.
        let mains = state.nodes.close();
        let hooks = state.nodes.take_hooks();
        let ready: Vec<_> = state.tasks.iter_mut().map(|(_, task)| task.runnable.take()).collect();
        let waiting: Vec<_> =
            state.tasks.iter_mut().filter_map(|(_, task)| task.handle.take()).collect();
        drop(state);
        // All of these run user code. A task that is woken now is dropped.
        discard(sleeping);
        watches.into_iter().for_each(discard);
        promises.into_iter().for_each(discard);
        discard(ready);
        mains.into_iter().for_each(discard);
        hooks.into_iter().for_each(discard);
        // Cancels them, which schedules those that wait.
        waiting.into_iter().for_each(discard);
        // Dropping what was woken may wake more.
        loop {
            self.bury();
            let woken = Engine::take_woken();
            if woken.is_empty() {
                break;
            }
            discard(woken);
        }
        // A panic that nobody joined counts even if the task's output was dropped only now.
        failure.or_else(|| self.lock().failure.clone())
    }
}

struct RootWaker(Arc<Engine>);

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.0.wake_root();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_root();
    }
}
