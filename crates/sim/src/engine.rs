//! The executor: one thread, one step at a time.

mod drive;
mod nodes;
mod state;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Instant, SystemTime};

use async_task::Runnable;
use slab::Slab;

pub(super) use self::drive::Outcome;
use self::nodes::Nodes;
use self::state::State;
use super::clock::{Clock, Key, Nanos, NodeClock, Shown, Timers};
use super::failure::{FailureKind, Waking};
use super::fault::Points;
use super::node::Home;
use super::record::What;
use super::rng::{SimRng, Trace, derive};
use super::schedule::{Schedule, Slot};
use super::tape::Tape;
use super::task::SimTask;
use super::watch::Watches;
use crate::backend::{Ending, Output};
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

/// What went wrong, and a sentence about it.
type Wrong = (FailureKind, String);

/// The root is the first task there is.
const ROOT: Slot = 0;

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
}
