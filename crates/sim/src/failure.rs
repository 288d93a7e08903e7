//! Why a run failed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use async_runtime_compat::TaskId;

use crate::panics::Caught;
use crate::strategy::Strategy;
use crate::tape::Tape;

/// Why a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The future that was passed to the simulation panicked, or a task did whose panic no join
    /// received.
    Panic,
    /// Deadlock: no task was ready, and no timer was pending.
    Stall,
    /// The limit of [`Sim::max_steps`](crate::Sim::max_steps) was reached.
    StepLimit,
    /// The limit of [`Sim::max_time`](crate::Sim::max_time) was reached.
    TimeLimit,
    /// Tasks were still alive at the end.
    Leak,
    /// Another thread woke a task of the simulation, spawned one, or used its timer.
    ForeignThread,
    /// The simulation's thread used something that takes real time: a timer of another runtime, or a
    /// thread pool.
    RealTime,
    /// A recorded schedule does not fit the program.
    Diverged,
    /// The same seed and the same choices gave a different run.
    Nondeterminism,
    /// An invariant was violated, or an awaited condition did not hold in time.
    Invariant,
    /// The future that was passed to [`check`](crate::check()) returned an error.
    Error,
    /// No run failed, but a fault that the [`Check`](crate::Check::faults) asked for was injected in
    /// none of them.
    NoFault,
    /// No run of a check has reached a place that some run has to
    /// [reach](crate::SimRuntime::sometimes). No run has failed.
    Unreached,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FailureKind::Panic => "panic",
            FailureKind::Stall => "deadlock",
            FailureKind::StepLimit => "step limit",
            FailureKind::TimeLimit => "time limit",
            FailureKind::Leak => "tasks left over",
            FailureKind::ForeignThread => "foreign thread",
            FailureKind::RealTime => "real time",
            FailureKind::Diverged => "diverged from the tape",
            FailureKind::Nondeterminism => "not deterministic",
            FailureKind::Invariant => "invariant",
            FailureKind::Error => "error",
            FailureKind::NoFault => "no fault",
            FailureKind::Unreached => "never reached",
        })
    }
}

/// A run that failed.
///
/// The [`Display`](fmt::Display) form says what failed, the seed, the strategy and the tape, and
/// lists the tasks that were alive, by name and spawn location.
#[derive(Clone)]
pub struct Failure(Box<Details>);

#[derive(Clone)]
pub(crate) struct Details {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    /// The panic that it began with, if it is one.
    pub(crate) origin: Option<Caught>,
    pub(crate) seed: u64,
    pub(crate) strategy: Strategy,
    pub(crate) tape: Tape,
    pub(crate) steps: u64,
    pub(crate) elapsed: Duration,
    pub(crate) tasks: Vec<TaskReport>,
}

impl Failure {
    pub(crate) fn new(details: Details) -> Failure {
        Failure(Box::new(details))
    }

    /// Adds the failure that was found first and did not happen again.
    pub(crate) fn but_for(mut self, other: &Failure) -> Failure {
        let found = format!("\n    first found as {}: {}", other.kind(), other.message());
        self.0.message.push_str(&found);
        self
    }

    /// Why the run failed.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// A description: the panic's message, for example.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where the panic happened that the run failed with, as `file:line:column`, even if a join
    /// passed it on.
    ///
    /// `None` if it did not panic, and for [`Sim::run`](crate::Sim::run) and
    /// [`explore`](crate::Sim::explore) in a process that has run no [`Check`](crate::Check) and no
    /// [`timeline`](crate::Sim::timeline): these install a panic hook, which notes the place.
    #[must_use]
    pub fn panicked_at(&self) -> Option<&str> {
        self.0.origin.as_ref()?.location.as_deref()
    }

    pub(crate) fn origin(&self) -> Option<&Caught> {
        self.0.origin.as_ref()
    }

    /// The seed of the run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The strategy of the run.
    #[must_use]
    pub fn strategy(&self) -> &Strategy {
        &self.0.strategy
    }

    /// The schedule up to the failure. [`Strategy::Replay`] with the same seed repeats it.
    #[must_use]
    pub fn tape(&self) -> &Tape {
        &self.0.tape
    }

    /// How many steps were taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.steps
    }

    /// How much virtual time had passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The tasks that were alive, in the order in which they were spawned.
    #[must_use]
    pub fn tasks(&self) -> &[TaskReport] {
        &self.0.tasks
    }
}

/// How many tasks the report lists.
const LISTED: usize = 20;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &*self.0;
        writeln!(f, "{}: {}", it.kind, it.message)?;
        if let Some(Caught { task, location: Some(location), .. }) = &it.origin {
            writeln!(f, "  panicked  at {location}, in {task}")?;
        }
        writeln!(f, "  seed      {}", it.seed)?;
        writeln!(f, "  strategy  {}", it.strategy)?;
        writeln!(f, "  step      {}, after {:?} of virtual time", it.steps, it.elapsed)?;
        write!(f, "  tape      {}", it.tape)?;
        if !it.tasks.is_empty() {
            let plural = if it.tasks.len() == 1 { "" } else { "s" };
            write!(f, "\n  alive     {} task{plural}", it.tasks.len())?;
        }
        for task in it.tasks.iter().take(LISTED) {
            write!(f, "\n    {task}")?;
        }
        if it.tasks.len() > LISTED {
            write!(f, "\n    and {} more", it.tasks.len() - LISTED)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failure {}

/// A task that was alive when a run failed.
#[derive(Clone, Debug)]
pub struct TaskReport {
    pub(crate) number: u32,
    pub(crate) id: Option<TaskId>,
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) node: Option<String>,
    pub(crate) paused: bool,
    pub(crate) location: &'static Location<'static>,
    pub(crate) steps: u64,
    pub(crate) ready: bool,
    pub(crate) woken_by: Waking,
    pub(crate) woken_at: Duration,
}

impl TaskReport {
    /// Tasks are numbered in the order in which they were spawned; 0 is the future that was passed
    /// to the simulation.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The task's id; `None` for the future that was passed to the simulation.
    ///
    /// It is the task's number, so that an id in a log or in a [`JoinError`](async_runtime_compat::JoinError) tells
    /// which task of the report it is. Only a task that was spawned on another thread, through
    /// [`Identified`](async_runtime_compat::decorate::Identified), keeps the id that it got there.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.id
    }

    /// The name that the task was [spawned with](async_runtime_compat::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The name of the node that the task belongs to, if any.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// The location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.location
    }

    /// How many steps the task had taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether the task was ready; otherwise it was waiting to be woken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether the task's node was paused or frozen, so that it had to wait even if it was ready.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// What woke the task last.
    #[must_use]
    pub fn woken_by(&self) -> Waking {
        self.woken_by
    }

    /// When the task was last woken, in virtual time since the start.
    #[must_use]
    pub fn woken_at(&self) -> Duration {
        self.woken_at
    }
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.number)?;
        if let Some(name) = &self.name {
            write!(f, " '{name}'")?;
        }
        if let Some(node) = &self.node {
            write!(f, " on node '{node}'")?;
        }
        let (state, plural) =
            (if self.ready { "ready" } else { "blocked" }, if self.steps == 1 { "" } else { "s" });
        let state = if self.paused { format!("paused, {state}") } else { state.to_owned() };
        write!(f, ", spawned at {}: {state} after {} step{plural}", self.location, self.steps)?;
        write!(f, ", last woken {} at {:?}", self.woken_by, self.woken_at)
    }
}

/// What woke a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waking {
    /// Nothing, since the task with that number spawned it.
    Spawn(u32),
    /// The task with that number, perhaps itself.
    Task(u32),
    /// A sleep that ended.
    Timer,
    /// A thread other than the simulation's, or code outside of any task.
    Outside,
}

impl fmt::Display for Waking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waking::Spawn(number) => write!(f, "when task {number} spawned it"),
            Waking::Task(number) => write!(f, "by task {number}"),
            Waking::Timer => f.write_str("by a timer"),
            Waking::Outside => f.write_str("from outside"),
        }
    }
}
