//! The executor: one thread, one step at a time.

mod context;
mod cost;
mod drive;
mod faults;
mod hooks;
mod links;
mod nodes;
#[cfg(feature = "preempt")]
mod preempt;
#[cfg(not(feature = "preempt"))]
#[path = "engine/unpreempted.rs"]
mod preempt;
mod promised;
mod state;
mod time;
mod wake;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use async_runtime_compat::{BoxFuture, SpawnMeta};
use slab::Slab;

pub(crate) use self::context::running;
pub(crate) use self::drive::RunEnd;
use self::links::Cuts;
use self::nodes::Nodes;
use self::preempt::{Preempt, Watching};
use self::state::State;
pub(crate) use self::wake::is_simulated;
use crate::clock::{Clock, Nanos};
use crate::contain::{Payload, discard, into_message};
use crate::failure::FailureKind;
use crate::fault::Points;
use crate::goals::Goals;
use crate::liveness::Promises;
use crate::node::Home;
use crate::panics::Panics;
use crate::record::What;
use crate::rng::{SimRng, Trace, derive};
use crate::schedule::{Schedule, Slot};
use crate::tape::Tape;
use crate::task::{Origin, SimTask};
use crate::timers::Timers;
use crate::watch::Watches;

static ENGINES: AtomicU64 = AtomicU64::new(0);

/// The limits of one run, and what it tolerates.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) steps: u64,
    pub(crate) time: Nanos,
    pub(crate) leaks: bool,
    pub(crate) panics: bool,
    pub(crate) foreign_threads: bool,
    /// The probabilities that a buggify point is enabled, and that it fires then.
    pub(crate) buggify: (f64, f64),
    /// The probability that an operation is suspended although it is ready.
    pub(crate) preempt: Option<f64>,
    /// How much time a step takes, at least and at most.
    pub(crate) step_cost: Option<(Nanos, Nanos)>,
}

/// One run of a simulation.
pub(crate) struct Engine {
    /// Unique in the process.
    id: u64,
    seed: u64,
    limits: Limits,
    clock: Clock,
    state: Mutex<State>,
    /// Set once any node was killed; until then no task can be doomed. `Relaxed` suffices: a kill
    /// by another thread may take effect a step later, and has failed the run anyway.
    killed: AtomicBool,
    /// For runs that wait for other threads.
    woken: Condvar,
    /// Conditions checked after every step.
    watches: Watches,
    promises: Promises,
    goals: Goals,
    /// Whether there are any.
    watched: AtomicBool,
    #[cfg_attr(not(feature = "preempt"), expect(dead_code, reason = "for the feature"))]
    watching: Watching,
}

/// What went wrong, and a sentence about it.
type Wrong = (FailureKind, String);

/// The root is the first task there is.
const ROOT: Slot = 0;

impl Engine {
    pub(crate) fn new(
        seed: u64,
        mut schedule: Schedule,
        limits: Limits,
        points: Points,
        profile: bool,
    ) -> Arc<Engine> {
        let preempt = Preempt::new(seed, limits.preempt, &mut schedule);
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
                points,
                cuts: Cuts::default(),
                preempt,
                cost: 0,
                tape: Tape::default(),
                trace: Trace::new(seed),
                current: None,
                acting: None,
                dropping: None,
                steps: 0,
                spawned: 0,
                reserved: BTreeSet::new(),
                foreign: HashMap::new(),
                generators: HashMap::new(),
                profile: profile.then(HashMap::new),
                record: None,
                gone: None,
                panics: Panics::default(),
                failure: None,
                poked: false,
                closed: false,
                buried: Vec::new(),
            }),
            killed: AtomicBool::new(false),
            woken: Condvar::new(),
            watches: Watches::default(),
            promises: Promises::default(),
            goals: Goals::default(),
            watched: AtomicBool::new(false),
            watching: Watching::default(),
        })
    }

    /// Records every event from now on.
    pub(crate) fn keep_record(&self) {
        self.lock().record = Some(Box::default());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock, so no panic can poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn rng(&self, home: Home, label: &str) -> SimRng {
        let mut state = self.lock();
        let label = &*state.label(home, label);
        let made = match state.generators.get_mut(label) {
            Some(made) => made,
            None => state.generators.entry(label.to_owned()).or_default(),
        };
        *made += 1;
        SimRng::new(derive(self.seed, label, *made))
    }

    /// Spawns a task, detached. The future is dropped if the run, or the node's life, is over;
    /// `contained` is whether it unwinds nowhere.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        home: Home,
        meta: SpawnMeta<'_>,
        contained: bool,
        future: BoxFuture<'static, ()>,
    ) {
        let location = meta.location();
        let mut state = self.lock();
        if state.closed || state.nodes.is_dead(home) {
            drop(state);
            return discard(future);
        }
        self.check_thread(&mut state, |_| format!("a task was spawned at {location}"));
        let number = state.number(meta.id());
        if let Some(id) = state.id(number) {
            meta.identify(id);
        }
        let slot = state.insert(home, number, meta.to_name(), location, self.clock.nanos());

        // Under the lock: none of this runs user code, and no other thread must find the task
        // without its handle.
        let origin = Origin { engine: self.clone(), slot };
        let future = SimTask::new(future, contained, self.clone(), slot);
        let task = async_task::Builder::new().metadata(origin);
        let (runnable, handle) = task.spawn(|_| future, wake::wake_task);
        state.start(slot, handle, runnable);
    }

    /// A task's future was dropped.
    pub(crate) fn ended(&self, slot: Slot) {
        let mut state = self.lock();
        if state.current == Some(slot) && self.watched.load(Ordering::Relaxed) {
            state.gone = Some(state.describe(slot));
        }
        let Some(mut task) = state.tasks.try_remove(slot as usize) else { return };
        if task.ready {
            state.schedule.remove(task.ready(slot));
        }
        state.schedule.forget(task.number);
        let number = task.number;
        state.foreign.remove(&number);
        state.event(u64::from(number) << 8 | 2, self.clock.nanos(), || What::Ended(number));
        if let Some(profile) = &mut state.profile {
            profile.insert(task.path, task.steps);
        }
        drop(state);
        // Its future is gone, so there is nothing to cancel.
        if let Some(handle) = task.handle.take() {
            handle.detach();
        }
    }

    /// A task that nobody can join panicked.
    pub(crate) fn task_panicked(&self, slot: Slot, payload: Payload) {
        let message = into_message(payload);
        let task = self.lock().describe(slot);
        self.caught(&task, &message);
        self.unjoined(&task, &message);
    }

    /// A panic that no join received.
    fn unjoined(&self, task: &str, message: &str) {
        if !self.limits.panics {
            let message = format!("{task} panicked, and nobody joined it: {message}");
            self.lock().fail(FailureKind::Panic, message);
        }
    }

    /// A task panicked, whether or not it is joined.
    fn caught(&self, task: &str, message: &str) {
        let mut state = self.lock();
        let task = task.trim_end_matches(',').to_owned();
        let caught = state.panics.push(task, message.to_owned()).clone();
        let what = match caught.location {
            Some(location) => format!("{message} (at {location})"),
            None => message.to_owned(),
        };
        state.keep(self.clock.nanos(), What::Panicked(what));
    }

    pub(crate) fn fail(&self, kind: FailureKind, message: String) {
        self.lock().fail(kind, message);
    }

    /// Adds a note of the program's to the trace.
    pub(crate) fn note(&self, text: Cow<'static, str>) {
        let mut state = self.lock();
        let word = derive(0, &text, 0) << 8 | 6;
        state.event(word, self.clock.nanos(), || What::Noted(text.into_owned()));
    }

    pub(crate) fn watches(&self) -> &Watches {
        self.watched.store(true, Ordering::Relaxed);
        &self.watches
    }

    pub(crate) fn promises(&self) -> &Promises {
        self.watched.store(true, Ordering::Relaxed);
        &self.promises
    }

    pub(crate) fn goals(&self) -> &Goals {
        &self.goals
    }

    /// Checks the conditions that are checked after every step.
    #[inline]
    fn after_step(&self) {
        if self.watched.load(Ordering::Relaxed) {
            self.look();
        }
    }

    #[cold]
    fn look(&self) {
        // The state is not locked: this runs user code.
        let broken = self.watches.look();
        let late = self.promises.look(self.clock.nanos());
        let mut state = self.lock();
        let gone = state.gone.take();
        if let Some(what) = broken {
            let slot = state.current.unwrap_or(ROOT);
            let who = gone.unwrap_or_else(|| state.describe(slot));
            let message = format!("{what} after step {}, which {who} took", state.steps);
            state.fail(FailureKind::Invariant, message);
        }
        if let Some(late) = late {
            state.fail(FailureKind::Invariant, late);
        }
    }
}
