//! Recorded schedules.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A recorded schedule: a list of choices that can be replayed.
///
/// There is one choice for each step at which more than one task was ready: the number of the task
/// that took it. Tasks are numbered in the order in which they were spawned; 0 is the future that
/// was passed to the simulation.
///
/// The [`Display`](fmt::Display) form is a line of text, ready to paste: `t1:0.2.1x3.2` means task 0,
/// then task 2, then task 1 three times, then task 2. [`FromStr`] parses it.
///
/// A tape is valid for one program and one seed. If it does not fit the program, the run fails at the
/// first choice that cannot be made, with the number of that step.
///
/// # Examples
///
/// ```
/// use async_runtime_compat_sim::Tape;
///
/// let tape: Tape = "t1:0.2.1x3.2".parse()?;
/// assert_eq!(tape.len(), 6);
/// assert_eq!(tape.to_string(), "t1:0.2.1x3.2");
/// # Ok::<(), async_runtime_compat_sim::InvalidTape>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tape {
    choices: Vec<u32>,
}

const PREFIX: &str = "t1:";

impl Tape {
    pub(crate) fn push(&mut self, task: u32) {
        self.choices.push(task);
    }

    pub(crate) fn from_choices(choices: Vec<u32>) -> Tape {
        Tape { choices }
    }

    pub(crate) fn choices(&self) -> &[u32] {
        &self.choices
    }

    /// The number of choices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Whether there are no choices: there was never more than one ready task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        for (index, run) in self.choices.chunk_by(|a, b| a == b).enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{}", run[0])?;
            if run.len() > 1 {
                write!(f, "x{}", run.len())?;
            }
        }
        Ok(())
    }
}

impl FromStr for Tape {
    type Err = InvalidTape;

    fn from_str(text: &str) -> Result<Tape, InvalidTape> {
        let text = text.trim();
        let Some(body) = text.strip_prefix(PREFIX) else {
            return Err(InvalidTape(format!("a tape begins with `{PREFIX}`")));
        };
        let mut tape = Tape::default();
        if body.is_empty() {
            return Ok(tape);
        }
        for (index, item) in body.split('.').enumerate() {
            let (task, times) = item.split_once('x').unwrap_or((item, "1"));
            let (Ok(task), Ok(times @ 1..)) = (task.parse::<u32>(), times.parse::<u32>()) else {
                return Err(InvalidTape(format!(
                    "item {} is `{item}`: expected the number of a task, such as `3`, or `3x5` for \
                     five times task 3",
                    index + 1,
                )));
            };
            let longer = tape.choices.len() + times as usize;
            if longer > MAX_LEN {
                return Err(InvalidTape(format!("it has more than {MAX_LEN} choices")));
            }
            tape.choices.resize(longer, task);
        }
        Ok(tape)
    }
}

/// Keeps a damaged tape from exhausting the memory.
const MAX_LEN: usize = 1 << 28;

/// The text is not a [`Tape`].
///
/// The [`Display`](fmt::Display) form says where it is damaged, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTape(String);

impl fmt::Display for InvalidTape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a tape: {}", self.0)
    }
}

impl Error for InvalidTape {}
