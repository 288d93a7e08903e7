//! The executor: one thread, one step at a time.

mod nodes;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use async_task::Runnable;
use slab::Slab;

use self::nodes::Nodes;
use super::clock::{Clock, Key, Nanos, NodeClock, Shown, Timers};
use super::failure::{FailureKind, TaskReport, Waking};
use super::fault::Points;
use super::node::Home;
use super::record::{Known, Record, What};
use super::rng::{SimRng, Trace, derive};
use super::schedule::{Choice, Ready, Schedule, Slot};
use super::tape::Tape;
use super::task::SimTask;
use super::watch::Watches;
use crate::backend::{Ending, Output, discard};
use crate::error::message_of;
use crate::origin::Place;

thread_local! {
    /// The engine that runs on this thread, if any.
    static HERE: Here = const {
        Here { engine: Cell::new(0), woken: ManuallyDrop::new(RefCell::new(Vec::new())) }
    };
    /// The same, for those who want more of it than to know it.
    static ENGINE: RefCell<Option<Arc<Engine>>> = const { RefCell::new(None) };
}

/// The engine that runs on this thread, if any.
pub(super) fn running() -> Option<Arc<Engine>> {
    if HERE.try_with(|here| here.engine.get() == 0).unwrap_or(true) {
        return None;
    }
    ENGINE.try_with(|engine| engine.borrow().clone()).ok()?
}

/// What a thread knows of the engine that runs on it.
struct Here {
    /// 0 is none.
    engine: Cell<u64>,
    /// What was woken in the present step. Locking the engine for each would cost more than the
    /// rest of waking.
    ///
    /// A variable with a destructor would be asked at each use whether it is still there. This one
    /// is empty, without memory of its own, when no engine runs.
    woken: ManuallyDrop<RefCell<Vec<Woken>>>,
}

/// Who was woken. The root has no [`Runnable`].
type Woken = (Slot, Option<Runnable>);

static ENGINES: AtomicU64 = AtomicU64::new(0);

/// What one run of a simulation may do.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) steps: u64,
    pub(super) time: Nanos,
    pub(super) leaks: bool,
    pub(super) panics: bool,
    pub(super) foreign_threads: bool,
    /// The chances of a buggify point: to be enabled, and to fire then.
    pub(super) buggify: (f64, f64),
}

/// One run of a simulation.
pub(super) struct Engine {
    /// Not that of any other engine of the process.
    id: u64,
    seed: u64,
    limits: Limits,
    clock: Clock,
    state: Mutex<State>,
    /// Whether any node has been. Otherwise nobody need look whether his was.
    killed: AtomicBool,
    /// For runs that wait for other threads.
    woken: Condvar,
    /// What is looked at after every step.
    watches: Watches,
    /// Whether there is any.
    watched: AtomicBool,
}

struct State {
    tasks: Slab<Task>,
    schedule: Schedule,
    timers: Timers,
    nodes: Nodes,
    points: Points,
    tape: Tape,
    trace: Trace,
    /// Who takes the present step.
    current: Option<Slot>,
    /// Whose tasks are being dropped, because he was killed.
    dropping: Option<Home>,
    steps: u64,
    spawned: u32,
    /// How many generators were made, by label.
    generators: HashMap<String, u64>,
    /// The steps of the tasks that have ended, by path.
    profile: Option<HashMap<u64, u64>>,
    record: Option<Box<Record>>,
    /// Who took the present step, if that was its last one and somebody will ask.
    gone: Option<String>,
    failure: Option<Wrong>,
    /// Another thread has done something since it was last looked at.
    poked: bool,
    /// Nothing is run any more.
    closed: bool,
}

struct Task {
    slot: Slot,
    number: u32,
    home: Home,
    /// Its node has been killed, and it is to be dropped, not to be made ready.
    doomed: bool,
    path: u64,
    children: u64,
    name: Option<Cow<'static, str>>,
    place: Place,
    steps: u64,
    /// `None` while it waits, and for the root.
    runnable: Option<Runnable>,
    /// To get hold of it when it waits and the run is over. `None` for the root.
    waker: Option<Waker>,
    ready: bool,
    woken_by: Waking,
    woken_at: Nanos,
}

impl Task {
    fn ready(&self, slot: Slot) -> Ready {
        Ready { slot, number: self.number, path: self.path, steps: self.steps }
    }
}

/// What went wrong, and a sentence about it.
type Wrong = (FailureKind, String);

/// The root is the first task there is.
const ROOT: Slot = 0;

/// What is to be done next.
enum Next {
    Root,
    Task(Runnable),
    Drop(Runnable),
    /// Those whose time has come.
    Wake,
    Wait,
    Stop,
}

/// What a run has come to.
pub(super) struct Outcome<T> {
    pub(super) end: Result<T, Wrong>,
    pub(super) steps: u64,
    pub(super) elapsed: Duration,
    pub(super) hash: u64,
    pub(super) tape: Tape,
    pub(super) tasks: Vec<TaskReport>,
    pub(super) schedule: Schedule,
    pub(super) profile: HashMap<u64, u64>,
    pub(super) record: Option<Box<Record>>,
}

impl Engine {
    pub(super) fn new(seed: u64, schedule: Schedule, limits: Limits, profile: bool) -> Arc<Engine> {
        Arc::new(Engine {
            id: ENGINES.fetch_add(1, Ordering::Relaxed) + 1,
            seed,
            limits,
            clock: Clock::new(),
            state: Mutex::new(State {
                tasks: Slab::new(),
                schedule,
                timers: Timers::default(),
                nodes: Nodes::default(),
                points: Points::default(),
                tape: Tape::default(),
                trace: Trace::new(seed),
                current: None,
                dropping: None,
                steps: 0,
                spawned: 0,
                generators: HashMap::new(),
                profile: profile.then(HashMap::new),
                record: None,
                gone: None,
                failure: None,
                poked: false,
                closed: false,
            }),
            killed: AtomicBool::new(false),
            woken: Condvar::new(),
            watches: Watches::default(),
            watched: AtomicBool::new(false),
        })
    }

    /// Keeps a record of all that happens from now on.
    pub(super) fn keep_record(&self) {
        self.lock().record = Some(Box::default());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    #[inline]
    pub(super) fn now(&self, home: Home) -> Instant {
        self.clock.instant(self.shown(home))
    }

    /// What the clock shows that something goes by.
    #[inline]
    pub(super) fn shown(&self, home: Home) -> Shown {
        let shown = self.by_node(home, NodeClock::shows);
        shown.unwrap_or_else(|| self.clock.shown())
    }

    pub(super) fn system_time(&self, home: Home) -> SystemTime {
        let shown = self.by_node(home, |clock, now| clock.system_time(now));
        shown.unwrap_or_else(|| self.clock.system_time())
    }

    pub(super) fn rng(&self, home: Home, label: &str) -> SimRng {
        let mut state = self.lock();
        let label = &*state.label(home, label);
        let made = match state.generators.get_mut(label) {
            Some(made) => made,
            None => state.generators.entry(label.to_owned()).or_default(),
        };
        *made += 1;
        SimRng::new(derive(self.seed, label, *made))
    }

    pub(super) fn buggify(&self, home: Home, label: &str, fires: Option<f64>) -> bool {
        let (enabled, usually) = self.limits.buggify;
        let mut state = self.lock();
        let scoped = state.label(home, label);
        state.points.fires(self.seed, label, &scoped, enabled, fires.unwrap_or(usually))
    }

    /// Notes that something was done on the simulation's thread that it does not control.
    pub(super) fn left(&self, what: &str) {
        if self.limits.foreign_threads {
            return;
        }
        let mut state = self.lock();
        let who = match state.current {
            Some(slot) if !state.closed => state.describe(slot),
            _ => "code outside of any task".to_owned(),
        };
        let message = format!(
            "{who} used {what}: it takes real time, of which the simulation knows nothing. Use the \
             simulated runtime, as it was passed in or by `current`, or accept it with \
             `Sim::foreign_threads`"
        );
        state.fail(FailureKind::RealTime, message);
    }

    /// Whether this is the thread that the simulation runs on.
    #[inline]
    fn is_here(&self) -> bool {
        HERE.try_with(|here| here.engine.get()).is_ok_and(|engine| engine == self.id)
    }

    /// Notes that another thread has done something here.
    fn check_thread(&self, state: &mut State, what: impl FnOnce(&State) -> String) {
        if self.is_here() {
            return;
        }
        if !self.limits.foreign_threads && !state.closed {
            let thread = thread::current();
            let name = thread.name().unwrap_or("without a name");
            let what = what(state);
            state.fail(
                FailureKind::ForeignThread,
                format!(
                    "{what} by the thread {name}, which the simulation does not control: what it \
                     does when is different in each run. Spawn its work on the simulated runtime, \
                     or accept it with `Sim::foreign_threads`"
                ),
            );
        }
        self.poke(state);
    }

    /// Lets the simulation's thread look again, if it waits for others.
    fn poke(&self, state: &mut State) {
        state.poked = true;
        self.woken.notify_one();
    }

    /// Spawns a task; gives the future back if nothing is run any more.
    pub(super) fn spawn<T, F>(
        self: &Arc<Self>,
        home: Home,
        name: Option<Cow<'static, str>>,
        place: Place,
        future: F,
    ) -> Result<async_task::Task<Output<T>>, F>
    where
        T: Send + 'static,
        F: Future + Send + 'static,
        F::Output: Ending<T>,
    {
        let mut state = self.lock();
        if state.closed || state.nodes.is_dead(home) {
            return Err(future);
        }
        self.check_thread(&mut state, |_| format!("a task was spawned at {place}"));
        let slot = state.insert(home, name, place, self.clock.nanos());
        drop(state);

        let engine = self.clone();
        let schedule = move |runnable| engine.wake(slot, Some(runnable));
        let (runnable, task) =
            async_task::spawn(SimTask::new(future, self.clone(), slot), schedule);
        let waker = runnable.waker();
        let mut state = self.lock();
        let closed = state.closed;
        match state.tasks.get_mut(slot as usize) {
            Some(task) if !closed && !task.doomed => task.waker = Some(waker),
            _ => {
                // By the simulation's thread, while this is another one.
                drop(state);
                drop((runnable, waker));
                return Ok(task);
            }
        }
        state.make_ready(slot, Some(runnable));
        if !self.is_here() {
            // Not before: it would look, find nothing, and wait for ever.
            self.poke(&mut state);
        }
        drop(state);
        Ok(task)
    }

    /// A task was woken; without a `Runnable`, the root.
    fn wake(&self, slot: Slot, runnable: Option<Runnable>) {
        let runnable = match self.note_wake(slot, runnable) {
            Ok(()) => return,
            Err(runnable) => runnable,
        };
        let mut state = self.lock();
        if state.closed || state.tasks.get(slot as usize).is_none_or(|task| task.doomed) {
            drop(state);
            // Its future is dropped with it.
            drop(runnable);
            return;
        }
        self.check_thread(&mut state, |state| match slot {
            ROOT => "the simulation's own future was woken".to_owned(),
            slot => format!("{} was woken", state.describe(slot)),
        });
        let by = self.waking(&state);
        state.wake(slot, runnable, by, self.clock.nanos());
    }

    /// Leaves a note for the next step, if this is the thread that takes it.
    ///
    /// Not once a node has been killed: what is woken then may have to be dropped, at once.
    #[inline]
    fn note_wake(&self, slot: Slot, runnable: Option<Runnable>) -> Result<(), Option<Runnable>> {
        if self.killed.load(Ordering::Relaxed) {
            return Err(runnable);
        }
        let mut runnable = Some(runnable);
        let noted = HERE.try_with(|here| {
            if here.engine.get() == self.id {
                here.woken.borrow_mut().push((slot, runnable.take().flatten()));
            }
        });
        match runnable {
            None if noted.is_ok() => Ok(()),
            runnable => Err(runnable.flatten()),
        }
    }

    fn waking(&self, state: &State) -> Waking {
        if !self.is_here() {
            return Waking::Outside;
        }
        match state.current {
            Some(slot) => match state.tasks.get(slot as usize) {
                Some(task) => Waking::Task(task.number),
                // It has ended since.
                None => Waking::Outside,
            },
            None => Waking::Timer,
        }
    }

    /// Does what was noted in the present step.
    #[inline]
    fn settle(&self, state: &mut State) {
        let _ = HERE.try_with(|here| {
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

    /// A task has been dropped.
    pub(super) fn ended(&self, slot: Slot) {
        let mut state = self.lock();
        if state.current == Some(slot) && self.watched.load(Ordering::Relaxed) {
            state.gone = Some(state.describe(slot));
        }
        let Some(task) = state.tasks.try_remove(slot as usize) else { return };
        if task.ready {
            state.schedule.remove(task.ready(slot));
        }
        state.schedule.forget(task.number);
        let number = task.number;
        state.event(u64::from(number) << 8 | 2, self.clock.nanos(), || What::Ended(number));
        if let Some(profile) = &mut state.profile {
            profile.insert(task.path, task.steps);
        }
        drop(state);
        drop(task);
    }

    /// A task panicked, and no join has delivered it.
    pub(super) fn panicked(&self, message: String) {
        if !self.limits.panics {
            self.lock().fail(FailureKind::Panic, message);
        }
    }

    /// A task has panicked, whoever may join it.
    pub(super) fn caught(&self, message: &str) {
        let mut state = self.lock();
        if state.record.is_some() {
            state.keep(self.clock.nanos(), What::Panicked(message.to_owned()));
        }
    }

    pub(super) fn fail(&self, kind: FailureKind, message: String) {
        self.lock().fail(kind, message);
    }

    /// Something that the program says of itself.
    pub(super) fn note(&self, text: Cow<'static, str>) {
        let mut state = self.lock();
        let word = derive(0, &text, 0) << 8 | 6;
        state.event(word, self.clock.nanos(), || What::Noted(text.into_owned()));
    }

    pub(super) fn describe(&self, slot: Slot) -> String {
        self.lock().describe(slot)
    }

    pub(super) fn watches(&self) -> &Watches {
        self.watched.store(true, Ordering::Relaxed);
        &self.watches
    }

    /// Looks at what is to be looked at after every step.
    #[inline]
    fn after_step(&self) {
        if self.watched.load(Ordering::Relaxed) {
            self.look();
        }
    }

    #[cold]
    fn look(&self) {
        // The state is not locked: this runs code of the user's.
        let broken = self.watches.look();
        let mut state = self.lock();
        let gone = state.gone.take();
        if let Some(what) = broken {
            let slot = state.current.unwrap_or(ROOT);
            let who = gone.unwrap_or_else(|| state.describe(slot));
            let message = format!("{what} after step {}, which {who} took", state.steps);
            state.fail(FailureKind::Invariant, message);
        }
    }

    /// Lets the waker wait for the time.
    pub(super) fn sleep(&self, key: &mut Option<Key>, at: Nanos, waker: &Waker) {
        let waker = waker.clone();
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return;
        }
        self.check_thread(&mut state, |_| "a sleep was polled".to_owned());
        state.trace.mix(at);
        if state.record.is_some() {
            state.keep(self.clock.nanos(), What::Slept(at));
        }
        let replaced = state.timers.register(key, at, Home::NONE.node, waker);
        drop(state);
        drop(replaced);
    }

    pub(super) fn forget_sleep(&self, key: Key) {
        let waker = self.lock().timers.remove(key);
        drop(waker);
    }

    /// Runs the future, and what it spawns, to its end.
    pub(super) fn run<F: Future>(
        self: &Arc<Self>,
        place: Place,
        root: impl FnOnce() -> F,
    ) -> Outcome<F::Output> {
        let outer = HERE.with(|here| (here.engine.replace(self.id), here.woken.take()));
        let outer_engine = ENGINE.replace(Some(self.clone()));
        let (end, tasks) = crate::runtime::hiding(|| self.run_here(place, root));
        let failure = crate::runtime::hiding(|| self.close());
        ENGINE.set(outer_engine);
        HERE.with(|here| {
            here.engine.set(outer.0);
            here.woken.replace(outer.1);
        });

        let mut state = self.lock();
        Outcome {
            end: match failure {
                Some(failure) => Err(failure),
                None => end,
            },
            steps: state.steps,
            elapsed: Duration::from_nanos(self.clock.nanos()),
            hash: std::hash::Hasher::finish(&state.trace),
            tape: mem::take(&mut state.tape),
            tasks,
            schedule: mem::replace(&mut state.schedule, Schedule::done()),
            profile: state.profile.take().unwrap_or_default(),
            record: state.record.take(),
        }
    }

    fn run_here<F: Future>(
        self: &Arc<Self>,
        place: Place,
        root: impl FnOnce() -> F,
    ) -> (Result<F::Output, Wrong>, Vec<TaskReport>) {
        let panicked = |payload: crate::error::Payload| {
            let message = message_of(&*payload);
            discard(payload);
            let message = message.unwrap_or_else(|| "a payload that is not a string".to_owned());
            self.caught(&message);
            (FailureKind::Panic, message)
        };
        {
            let mut state = self.lock();
            state.insert(Home::NONE, None, place, 0);
            state.current = Some(ROOT);
        }
        let root = match catch_unwind(AssertUnwindSafe(root)) {
            Ok(root) => root,
            Err(payload) => return (Err(panicked(payload)), self.reports()),
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
                    runnable.run();
                    self.after_step();
                }
                Next::Drop(runnable) => discard(runnable),
                Next::Root => {
                    let mut cx = Context::from_waker(&waker);
                    let polled = catch_unwind(AssertUnwindSafe(|| {
                        root.as_mut().as_pin_mut().map(|future| future.poll(&mut cx))
                    }));
                    end = match polled {
                        Ok(Some(Poll::Ready(output))) => Some(Ok(output)),
                        Ok(_) => {
                            self.after_step();
                            continue;
                        }
                        Err(payload) => {
                            // As they were then: the destructors that come next may wake some.
                            tasks = Some(self.reports());
                            Some(Err(panicked(payload)))
                        }
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
        // Before the other tasks, and where a panic of its destructor does no harm.
        discard(catch_unwind(AssertUnwindSafe(|| root.set(None))));
        let end = match (self.lock().failure.clone(), end) {
            (None, Some(end)) | (Some(_), Some(end @ Err(_))) => end,
            (Some(failure), _) => Err(failure),
            (None, None) => unreachable!("it stops when it is done, or with a failure"),
        };
        (end, tasks)
    }

    fn reports(&self) -> Vec<TaskReport> {
        let mut state = self.lock();
        self.settle(&mut state);
        state.reports()
    }

    fn next(&self, done: bool, due: &mut Vec<Waker>) -> Next {
        let mut state = self.lock();
        let state = &mut *state;
        self.settle(state);
        state.current = None;
        if state.failure.is_some() {
            return Next::Stop;
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
            unreachable!("what ends is removed from the schedule")
        };
        task.steps += 1;
        task.ready = false;
        if chosen {
            state.tape.push(task.number);
        }
        let (number, runnable, doomed) = (task.number, task.runnable.take(), task.doomed);
        state.current = Some(slot);
        let now = self.clock.nanos();
        state.event(u64::from(number) << 8 | 1, now, || What::Step(number));
        match runnable {
            // Another thread killed its node after it was woken.
            Some(runnable) if doomed => Next::Drop(runnable),
            Some(runnable) => Next::Task(runnable),
            None => Next::Root,
        }
    }

    /// Nothing is ready.
    fn idle(&self, state: &mut State, done: bool, due: &mut Vec<Waker>) -> Next {
        if done {
            let left = state.tasks.len();
            if left > 0 && !self.limits.leaks {
                let tasks = if left == 1 { "a task was" } else { "tasks were" };
                state.fail(
                    FailureKind::Leak,
                    format!(
                        "{tasks} still alive at the end: join or abort what is spawned, or accept \
                         it with `Sim::allow_leaks`"
                    ),
                );
            }
            let left = state.schedule.left_over();
            if left > 0 {
                let message = format!("the program ended with {left} choices left on the tape");
                state.fail(FailureKind::Diverged, message);
            }
            return Next::Stop;
        }
        let Some(deadline) = state.timers.next() else {
            if self.limits.foreign_threads {
                return Next::Wait;
            }
            let mut message =
                "nothing is ready, and no sleep is pending: whoever is to wake these \
                               tasks waits himself, or is gone"
                    .to_owned();
            let paused = state.nodes.paused();
            if !paused.is_empty() {
                message.push_str("; still paused: ");
                message.push_str(&paused.join(", "));
            }
            state.fail(FailureKind::Stall, message);
            return Next::Stop;
        };
        if deadline > self.limits.time {
            let limit = Duration::from_nanos(self.limits.time);
            state.fail(FailureKind::TimeLimit, format!("the limit of {limit:?} was reached"));
            return Next::Stop;
        }
        // Another thread may have looked at the clock before, and registered its sleep only now.
        let deadline = deadline.max(self.clock.nanos());
        self.clock.advance(deadline);
        state.event(deadline << 8 | 3, deadline, || What::Time);
        state.timers.take_due(deadline, due);
        Next::Wake
    }

    /// Waits until another thread has done something.
    fn wait_for_threads(&self) {
        // Not by looking at the tasks: there may be very many, for each of whom this wakes up.
        let nothing = |state: &mut State| !mem::take(&mut state.poked);
        let waited = self.woken.wait_while(self.lock(), nothing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Drops what is left. Gives what has gone wrong by then.
    fn close(&self) -> Option<Wrong> {
        let mut state = self.lock();
        let failure = state.failure.clone();
        state.closed = true;
        let sleeping = state.timers.clear();
        let watches = self.watches.take();
        // They may hold the engine.
        let mains = state.nodes.close();
        let ready: Vec<_> = state.tasks.iter_mut().map(|(_, task)| task.runnable.take()).collect();
        let waiting: Vec<_> =
            state.tasks.iter_mut().filter_map(|(_, task)| task.waker.take()).collect();
        drop(state);
        // All of these run code of the user's. A task that is woken now is dropped.
        discard(sleeping);
        watches.into_iter().for_each(discard);
        discard(ready);
        mains.into_iter().for_each(discard);
        waiting.into_iter().for_each(Waker::wake);
        // What was woken is dropped, which may wake more.
        loop {
            let woken = HERE.with(|here| here.woken.take());
            if woken.is_empty() {
                break;
            }
            discard(woken);
        }
        // A panic that nobody has joined is one, even if its output was dropped only now.
        failure.or_else(|| self.lock().failure.clone())
    }
}

impl State {
    fn fail(&mut self, kind: FailureKind, message: String) {
        self.failure.get_or_insert((kind, message));
    }

    /// Something that makes this run another than one in which it does not happen.
    #[inline]
    fn event(&mut self, word: u64, now: Nanos, what: impl FnOnce() -> What) {
        self.trace.add(word);
        if self.record.is_some() {
            self.keep(now, what());
        }
    }

    #[cold]
    fn keep(&mut self, now: Nanos, what: What) {
        if let Some(record) = self.record.as_mut().filter(|_| !self.closed) {
            record.push(self.steps, now, what);
        }
    }

    /// A label as a part of the program is known by it: that of a node is another one.
    fn label<'a>(&self, home: Home, label: &'a str) -> Cow<'a, str> {
        match self.nodes.name(home.node) {
            Some(node) => Cow::Owned(format!("{node}\0{label}")),
            None => Cow::Borrowed(label),
        }
    }

    fn insert(
        &mut self,
        home: Home,
        name: Option<Cow<'static, str>>,
        place: Place,
        now: Nanos,
    ) -> Slot {
        let number = self.spawned;
        self.spawned += 1;
        let (parent, path) = match self.current.and_then(|slot| self.tasks.get_mut(slot as usize)) {
            Some(parent) => {
                parent.children += 1;
                (Waking::Spawn(parent.number), derive(parent.path, "", parent.children))
            }
            None => (Waking::Outside, u64::from(number)),
        };
        let node = self.record.as_ref().and_then(|_| self.nodes.name(home.node).cloned());
        let spawned = || What::Spawned(number, Known { name: name.clone(), node, place });
        self.event(u64::from(number) << 8, now, spawned);
        let entry = self.tasks.vacant_entry();
        let slot = Slot::try_from(entry.key()).expect("there is no memory for so many tasks");
        entry.insert(Task {
            slot,
            number,
            home,
            doomed: false,
            path,
            children: 0,
            name,
            place,
            steps: 0,
            runnable: None,
            waker: None,
            ready: false,
            woken_by: parent,
            woken_at: now,
        });
        slot
    }

    #[inline]
    fn wake(&mut self, slot: Slot, runnable: Option<Runnable>, by: Waking, now: Nanos) {
        let Some(task) = self.tasks.get_mut(slot as usize) else { return };
        // The root is woken as often as its waker is called.
        if !task.ready {
            (task.woken_by, task.woken_at) = (by, now);
            let number = task.number;
            self.trace.mix(u64::from(number) << 8 | 4);
            if self.record.is_some() {
                self.keep(now, What::Woke(number));
            }
            self.make_ready(slot, runnable);
        }
    }

    #[inline]
    fn make_ready(&mut self, slot: Slot, runnable: Option<Runnable>) {
        let Some(task) = self.tasks.get_mut(slot as usize) else { return };
        task.runnable = runnable;
        if task.home.is_node() && self.nodes.hold(task.home.node, slot) {
            return;
        }
        task.ready = true;
        let ready = task.ready(slot);
        self.schedule.push(ready);
    }

    fn describe(&self, slot: Slot) -> String {
        let Some(task) = self.tasks.get(slot as usize) else { return "a task".to_owned() };
        let name = task.name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
        let node = self.nodes.name(task.home.node);
        let node = node.map(|node| format!(" on node '{node}'")).unwrap_or_default();
        format!("task {}{name}{node}, spawned at {},", task.number, task.place)
    }

    fn reports(&self) -> Vec<TaskReport> {
        let mut reports: Vec<_> = self
            .tasks
            .iter()
            .map(|(_, task)| TaskReport {
                number: task.number,
                name: task.name.clone(),
                node: self.nodes.name(task.home.node).map(ToString::to_string),
                paused: self.nodes.is_paused(task.home.node),
                place: task.place,
                steps: task.steps,
                ready: task.runnable.is_some() || task.ready,
                woken_by: task.woken_by,
                woken_at: Duration::from_nanos(task.woken_at),
            })
            .collect();
        reports.sort_by_key(TaskReport::number);
        reports
    }
}

struct RootWaker(Arc<Engine>);

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.0.wake(ROOT, None);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake(ROOT, None);
    }
}
