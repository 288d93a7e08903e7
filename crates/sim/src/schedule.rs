//! The strategies at work: what is ready, and who goes next.

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

/// Where a task is kept while it lives. Reused afterwards.
pub(crate) type Slot = u32;

/// A task, as a strategy sees it.
#[derive(Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) slot: Slot,
    /// Tasks are numbered in the order in which they were spawned.
    pub(crate) number: u32,
    /// Where it stands in the tree of tasks, the same in every schedule.
    pub(crate) path: u64,
    /// How many steps it has taken.
    pub(crate) steps: u64,
}

/// What a schedule needs to know of the program before it starts.
#[derive(Clone, Default)]
pub(crate) struct Profile {
    /// How many steps there are; `None` if nobody knows.
    pub(crate) steps: Option<u64>,
    /// How many each task takes, by its path.
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

/// What is next.
pub(crate) enum Choice {
    /// Whether there was another one.
    Task {
        slot: Slot,
        chosen: bool,
    },
    Nothing,
    /// The schedule that was to be followed does not fit the program.
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

    /// One that follows a plan as far as it can be followed.
    ///
    /// The plan is one for all steps, or for those at which there is a choice.
    pub(crate) fn guided(plan: Plan, choices_only: bool) -> Schedule {
        Schedule::Guided(guided::Guided::new(plan, choices_only))
    }

    /// Who went when a plan was followed, if that is what this is.
    pub(crate) fn into_taken(self) -> Plan {
        match self {
            Schedule::Guided(guided) => guided.into_taken(),
            _ => Plan::new(),
        }
    }

    /// What following the plan has cost, if that is what this is.
    pub(crate) fn cost(&self) -> Cost {
        match self {
            Schedule::Guided(guided) => guided.cost(),
            _ => Cost::default(),
        }
    }

    /// One that is over.
    pub(crate) fn done() -> Schedule {
        Schedule::RoundRobin(queue::RoundRobin::default())
    }

    /// What a search has learnt from the run.
    pub(crate) fn into_search(self) -> Option<Search> {
        match self {
            Schedule::Dfs(dfs) => Some(dfs.into_search()),
            _ => None,
        }
    }

    /// A task has become ready.
    #[inline]
    pub(crate) fn push(&mut self, task: Ready) {
        each!(self, it => it.push(task));
    }

    /// Takes the task that goes next.
    #[inline]
    pub(crate) fn pick(&mut self) -> Choice {
        each!(self, it => it.pick())
    }

    /// A ready task must wait, or is gone.
    pub(crate) fn remove(&mut self, task: Ready) {
        each!(self, it => it.remove(task));
    }

    /// A task has ended.
    pub(crate) fn forget(&mut self, number: u32) {
        if let Schedule::Pct(pct) = self {
            pct.forget(number);
        }
    }

    /// The rest of a tape that was longer than the program, if that is what this is.
    pub(crate) fn left_over(&self) -> usize {
        match self {
            Schedule::Replay(replay) => replay.left_over(),
            _ => 0,
        }
    }
}
