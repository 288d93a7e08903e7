//! Which of the ready tasks goes next.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::tape::{InvalidTape, Tape};

/// How a simulation chooses which of the ready tasks takes the next step. A step is one poll.
///
/// The [`Display`](fmt::Display) form is a name such as `random`, `pct(depth=3)` or
/// `replay(t1:0.1)`; [`FromStr`] reads it back, and takes `pct` without a depth for `pct(depth=3)`
/// and `dfs` for `dfs(max_preemptions=2)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Each ready task with the same chance.
    Random,
    /// Probabilistic concurrency testing: the ready task of the highest priority, where priorities
    /// are random and `depth - 1` of the steps, chosen at random, lower that of the task which is
    /// about to take them.
    ///
    /// In a program of n tasks and k steps it finds a bug that takes `depth` ordering constraints
    /// with a chance of at least 1 / (n · k<sup>depth - 1</sup>). See Burckhardt, Kothari,
    /// Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding
    /// Bugs, ASPLOS 2010.
    ///
    /// [`explore`](crate::sim::Sim::explore) learns k from a schedule of its own, which does not
    /// count. A single [`run`](crate::sim::Sim::run) cannot, and takes it for 256.
    ///
    /// A task that waits by spinning on [`yield_now`](crate::yield_now) keeps its priority, and may
    /// spin until the step limit.
    Pct {
        /// The number of ordering constraints, at least 1.
        depth: u32,
    },
    /// A uniform random walk: each ready task with a chance that is in proportion to the steps
    /// that it still has to take, so that each interleaving of tasks that do not wait for each
    /// other has the same chance. See Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform
    /// Concurrency Testing, ASPLOS 2025.
    ///
    /// [`explore`](crate::sim::Sim::explore) counts the steps in a schedule of its own, which does
    /// not count. In a single [`run`](crate::sim::Sim::run) they are unknown, and this is
    /// [`Random`](Strategy::Random).
    Urw,
    /// The task that has been ready for longest, as most runtimes do.
    RoundRobin,
    /// All schedules in which a task that could go on is preempted at most so often.
    ///
    /// [`explore`](crate::sim::Sim::explore) goes through them one after the other, on one thread,
    /// and says when there is none left. A single [`run`](crate::sim::Sim::run) is the first one.
    Dfs {
        /// How often a task that could go on may have to wait for another.
        max_preemptions: u32,
    },
    /// The schedule that a [`Failure`](crate::sim::Failure) has recorded.
    Replay(Tape),
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
            _ => Err(InvalidStrategy::new(text, "there is none of that name")),
        }
    }
}

/// A text is not the name of a [`Strategy`].
///
/// The [`Display`](fmt::Display) form says what is wrong and lists what is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidStrategy(String);

impl InvalidStrategy {
    fn new(text: &str, what: &str) -> InvalidStrategy {
        InvalidStrategy(format!(
            "`{text}` is not a strategy: {what}; there are `random`, `pct(depth=3)`, `urw`, \
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
