//! The names of the strategies.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::tape::{InvalidTape, Tape};

/// How a simulation chooses the ready task that takes the next step. A step is one poll.
///
/// The [`Display`](fmt::Display) form is a name such as `random`, `pct(depth=3)` or
/// `replay(t1:0.1)`. [`FromStr`] parses it, and reads `pct` without a depth as `pct(depth=3)`, and
/// `dfs` as `dfs(max_preemptions=2)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Any ready task, all equally likely.
    Random,
    /// Probabilistic concurrency testing: the ready task with the highest priority. Priorities are
    /// random, and each of `depth - 1` randomly chosen steps first lowers the priority of the task
    /// that is about to take it.
    ///
    /// In a program of n tasks and k steps it finds a bug that needs `depth` ordering constraints
    /// with a probability of at least 1 / (n · k<sup>depth - 1</sup>). See Burckhardt, Kothari,
    /// Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding
    /// Bugs, ASPLOS 2010.
    ///
    /// [`explore`](crate::Sim::explore) learns k from a schedule of its own, which does not count. A
    /// single [`run`](crate::Sim::run) cannot, and assumes 256.
    ///
    /// A task that waits by spinning on [`yield_now`](async_runtime_compat::yield_now) keeps its
    /// priority, and may spin until the step limit.
    Pct {
        /// The number of ordering constraints, at least 1.
        depth: u32,
    },
    /// A uniform random walk: each ready task with a probability in proportion to its remaining
    /// steps, so that all interleavings of tasks that do not wait for each other are equally likely.
    /// See Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025.
    ///
    /// [`explore`](crate::Sim::explore) counts the steps in a schedule of its own, which does not
    /// count. In a single [`run`](crate::Sim::run) they are unknown, and this is
    /// [`Random`](Strategy::Random).
    Urw,
    /// The task that has been ready the longest, as on most runtimes.
    RoundRobin,
    /// Every schedule with at most so many preemptions: steps at which a task that could continue
    /// has to wait for another one.
    ///
    /// [`explore`](crate::Sim::explore) runs them one after the other, on one thread, and reports
    /// when none is left. A single [`run`](crate::Sim::run) is the first one.
    Dfs {
        /// The number of preemptions.
        max_preemptions: u32,
    },
    /// The schedule recorded by a [`Failure`](crate::Failure).
    Replay(Tape),
}

impl Strategy {
    /// # Panics
    ///
    /// If a parameter is out of range.
    #[track_caller]
    pub(crate) fn check(&self) {
        assert!(
            !matches!(self, Strategy::Pct { depth: 0 }),
            "the depth of PCT is a number of ordering constraints, and at least 1"
        );
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::Random => f.pad("random"),
            Strategy::Pct { depth } => write!(f, "pct(depth={depth})"),
            Strategy::Urw => f.pad("urw"),
            Strategy::RoundRobin => f.pad("round-robin"),
            Strategy::Dfs { max_preemptions } => {
                write!(f, "dfs(max_preemptions={max_preemptions})")
            }
            Strategy::Replay(tape) => write!(f, "replay({tape})"),
        }
    }
}

impl FromStr for Strategy {
    type Err = InvalidStrategy;

    fn from_str(text: &str) -> Result<Strategy, InvalidStrategy> {
        let text = text.trim();
        let (name, argument) = match text.split_once('(') {
            Some((name, rest)) => {
                let Some(argument) = rest.strip_suffix(')') else {
                    return Err(InvalidStrategy::new(text, "the `)` is missing"));
                };
                (name.trim_end(), Some(argument.trim()))
            }
            None => (text, None),
        };
        let number = |key: &str, default: u32, least: u32| {
            let Some(argument) = argument else { return Ok(default) };
            let value = argument.split_once('=').filter(|(name, _)| name.trim() == key);
            match value.map(|(_, value)| value.trim().parse()) {
                Some(Ok(value)) if value >= least => Ok(value),
                _ => Err(InvalidStrategy::new(
                    text,
                    &format!("expected `{name}({key}=n)` with a whole number n from {least}"),
                )),
            }
        };
        let plain = |strategy| match argument {
            None => Ok(strategy),
            Some(_) => Err(InvalidStrategy::new(text, &format!("`{name}` takes no argument"))),
        };
        match name {
            "random" => plain(Strategy::Random),
            "urw" => plain(Strategy::Urw),
            "round-robin" => plain(Strategy::RoundRobin),
            "pct" => Ok(Strategy::Pct { depth: number("depth", 3, 1)? }),
            "dfs" => Ok(Strategy::Dfs { max_preemptions: number("max_preemptions", 2, 0)? }),
            "replay" => match argument.unwrap_or_default().parse() {
                Ok(tape) => Ok(Strategy::Replay(tape)),
                Err(error) => Err(InvalidStrategy::tape(text, &error)),
            },
            _ => Err(InvalidStrategy::new(text, "unknown name")),
        }
    }
}

/// The text is not the name of a [`Strategy`].
///
/// The [`Display`](fmt::Display) form says why, and lists the accepted names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidStrategy(String);

impl InvalidStrategy {
    fn new(text: &str, what: &str) -> InvalidStrategy {
        InvalidStrategy(format!(
            "`{text}` is not a strategy: {what}; the strategies are `random`, `pct(depth=3)`, `urw`, \
             `round-robin`, `dfs(max_preemptions=2)` and `replay(tape)`"
        ))
    }

    fn tape(text: &str, error: &InvalidTape) -> InvalidStrategy {
        InvalidStrategy(format!("`{text}` is not a strategy: {error}"))
    }
}

impl fmt::Display for InvalidStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidStrategy {}
