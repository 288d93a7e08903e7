//! The strategies at work: which tasks are ready, and which goes next.

mod dfs;
mod guided;
mod pct;
mod queue;
mod replay;
mod walk;

use std::collections::HashMap;
use std::sync::Arc;

use crate::rng::SimRng;
use crate::strategy::Strategy;

pub(crate) use dfs::Search;
pub(crate) use guided::{Cost, Plan};

/// The index of a live task. Reused afterwards.
pub(crate) type Slot = u32;

/// What a strategy knows of a ready task.
#[derive(Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) slot: Slot,
    /// Tasks are numbered in the order in which they were spawned.
    pub(crate) number: u32,
    /// Its position in the tree of tasks, the same in every schedule.
    pub(crate) path: u64,
    /// How many steps it has taken.
    pub(crate) steps: u64,
}

/// Knowledge of the program from an earlier run.
#[derive(Clone, Default)]
pub(crate) struct Profile {
    /// How many steps there are, if that is known.
    pub(crate) steps: Option<u64>,
    /// How many steps each task takes, by path.
    pub(crate) tasks: Arc<HashMap<u64, u64>>,
}

/// The ready tasks, and how to choose among them.
pub(crate) enum Schedule {
    Random(walk::Random),
    Urw(walk::Urw),
    Pct(pct::Pct),
    RoundRobin(queue::RoundRobin),
    Dfs(dfs::Dfs),
    Replay(replay::Replay),
    Guided(guided::Guided),
}

/// The next step.
pub(crate) enum Choice {
    /// `chosen` is whether more than one task was ready.
    Task {
        slot: Slot,
        chosen: bool,
    },
    Nothing,
    /// The schedule to follow does not fit the program.
    Diverged(String),
}

macro_rules! each {
    ($schedule:expr, $it:ident => $value:expr) => {
        match $schedule {
            Schedule::Random($it) => $value,
            Schedule::Urw($it) => $value,
            Schedule::Pct($it) => $value,
            Schedule::RoundRobin($it) => $value,
            Schedule::Dfs($it) => $value,
            Schedule::Replay($it) => $value,
            Schedule::Guided($it) => $value,
        }
    };
}

impl Schedule {
    pub(crate) fn new(strategy: &Strategy, seed: u64, profile: Profile) -> Schedule {
        let rng = SimRng::new(seed).fork("schedule");
        match strategy {
            Strategy::Random => Schedule::Random(walk::Random::new(rng)),
            Strategy::Urw => Schedule::Urw(walk::Urw::new(rng, profile.tasks)),
            Strategy::Pct { depth } => Schedule::Pct(pct::Pct::new(rng, *depth, profile.steps)),
            Strategy::RoundRobin => Schedule::RoundRobin(queue::RoundRobin::default()),
            Strategy::Dfs { max_preemptions } => {
                Schedule::Dfs(dfs::Dfs::new(Search::new(*max_preemptions)))
            }
            Strategy::Replay(tape) => Schedule::Replay(replay::Replay::new(tape)),
        }
    }

    pub(crate) fn search(search: Search) -> Schedule {
        Schedule::Dfs(dfs::Dfs::new(search))
    }

    /// Follows a plan as far as possible.
    ///
    /// The plan is for all steps, or only for those with a choice. The suspensions are those of a
    /// tape.
    pub(crate) fn guided(plan: Plan, choices_only: bool, suspensions: &[u32]) -> Schedule {
        Schedule::Guided(guided::Guided::new(plan, choices_only, suspensions))
    }

    /// Takes the suspensions of ready operations that were planned; `None` if they are to be drawn.
    pub(crate) fn take_suspensions(&mut self) -> Option<Vec<u32>> {
        match self {
            Schedule::Replay(replay) => Some(replay.take_suspensions()),
            Schedule::Guided(guided) => Some(guided.take_suspensions()),
            _ => None,
        }
    }

    /// The turns taken while following a plan; empty for other schedules.
    pub(crate) fn into_taken(self) -> Plan {
        match self {
            Schedule::Guided(guided) => guided.into_taken(),
            _ => Plan::new(),
        }
    }

    /// The cost of following the plan; zero for other schedules.
    pub(crate) fn cost(&self) -> Cost {
        match self {
            Schedule::Guided(guided) => guided.cost(),
            _ => Cost::default(),
        }
    }

    /// An empty placeholder.
    pub(crate) fn done() -> Schedule {
        Schedule::RoundRobin(queue::RoundRobin::default())
    }

    /// The search after this run, if this belongs to one.
    pub(crate) fn into_search(self) -> Option<Search> {
        match self {
            Schedule::Dfs(dfs) => Some(dfs.into_search()),
            _ => None,
        }
    }

    /// A task became ready.
    #[inline]
    pub(crate) fn push(&mut self, task: Ready) {
        each!(self, it => it.push(task));
    }

    /// Takes the task for the next step.
    #[inline]
    pub(crate) fn pick(&mut self) -> Choice {
        each!(self, it => it.pick())
    }

    /// A ready task has to wait, or is gone.
    pub(crate) fn remove(&mut self, task: Ready) {
        each!(self, it => it.remove(task));
    }

    /// A task ended.
    pub(crate) fn forget(&mut self, number: u32) {
        if let Schedule::Pct(pct) = self {
            pct.forget(number);
        }
    }

    /// How many choices are left of a tape; 0 for other schedules.
    pub(crate) fn left_over(&self) -> usize {
        match self {
            Schedule::Replay(replay) => replay.left_over(),
            _ => 0,
        }
    }
}
