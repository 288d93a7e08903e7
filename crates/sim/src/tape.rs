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
/// After a `~` come the suspensions of [`Sim::preempt_ready`](crate::Sim), if there were
/// any: for each the number of operations since the one before that were left alone. `t1:0.2~3` means
/// that the fourth operation was suspended.
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
    /// How many ready operations were left alone before each that was suspended.
    suspensions: Vec<u32>,
}

const PREFIX: &str = "t1:";
/// What comes before the suspensions.
const SUSPENSIONS: char = '~';

impl Tape {
    pub(crate) fn push(&mut self, task: u32) {
        self.choices.push(task);
    }

    #[cfg(test)]
    pub(crate) fn from_choices(choices: Vec<u32>) -> Tape {
        Tape { choices, ..Tape::default() }
    }

    /// An operation was suspended, after so many that were not.
    #[cfg(feature = "preempt")]
    pub(crate) fn suspend(&mut self, after: u32) {
        self.suspensions.push(after);
    }

    pub(crate) fn suspensions(&self) -> &[u32] {
        &self.suspensions
    }

    /// The tape with only so many of its choices.
    pub(crate) fn cut(mut self, choices: usize) -> Tape {
        self.choices.truncate(choices);
        self
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
        write_items(&self.choices, f)?;
        if !self.suspensions.is_empty() {
            write!(f, "{SUSPENSIONS}")?;
            write_items(&self.suspensions, f)?;
        }
        Ok(())
    }
}

fn write_items(items: &[u32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, run) in items.chunk_by(|a, b| a == b).enumerate() {
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

impl FromStr for Tape {
    type Err = InvalidTape;

    fn from_str(text: &str) -> Result<Tape, InvalidTape> {
        let text = text.trim();
        let Some(body) = text.strip_prefix(PREFIX) else {
            return Err(InvalidTape(format!("a tape begins with `{PREFIX}`")));
        };
        let (choices, suspensions) = body.split_once(SUSPENSIONS).unwrap_or((body, ""));
        Ok(Tape { choices: parse_items(choices)?, suspensions: parse_items(suspensions)? })
    }
}

fn parse_items(text: &str) -> Result<Vec<u32>, InvalidTape> {
    let mut items = Vec::new();
    if text.is_empty() {
        return Ok(items);
    }
    for (index, item) in text.split('.').enumerate() {
        let (number, times) = item.split_once('x').unwrap_or((item, "1"));
        let (Ok(number), Ok(times @ 1..)) = (number.parse::<u32>(), times.parse::<u32>()) else {
            return Err(InvalidTape(format!(
                "item {} is `{item}`: expected the number of a task, such as `3`, or `3x5` for \
                 five times task 3",
                index + 1,
            )));
        };
        let longer = items.len() + times as usize;
        if longer > MAX_LEN {
            return Err(InvalidTape(format!("it has more than {MAX_LEN} choices")));
        }
        items.resize(longer, number);
    }
    Ok(items)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspensions_survive_the_text() {
        for text in ["t1:", "t1:0.2.1x3.2", "t1:0.2~3.0x2.12", "t1:~7"] {
            assert_eq!(text.parse::<Tape>().unwrap().to_string(), text);
        }
        let tape: Tape = "t1:0.2.2~3.0x2".parse().unwrap();
        assert_eq!((tape.choices(), tape.suspensions()), (&[0, 2, 2][..], &[3, 0, 0][..]));
        assert_eq!(tape.cut(1).to_string(), "t1:0~3.0x2");
        assert!("t1:0~x".parse::<Tape>().unwrap_err().to_string().contains("item 1 is `x`"));
    }
}
