//! Recorded schedules.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::fault::Fault;

/// A recorded run: its schedule and its faults, which can be replayed.
///
/// There is one choice for each step at which more than one task was ready: the number of the task
/// that took it. Tasks are numbered in the order in which they were spawned; 0 is the future that
/// was passed to the simulation.
///
/// If the program reached any point at which a [`Fault`] can be injected, those that were are on the
/// tape, too, and a replay injects these and no others. That goes for
/// [buggify points](crate::SimRuntime::buggify), for what is done to a [`Node`](crate::Node) (killing,
/// crashing, restarting, pausing and freezing it, and setting its clocks wrong), and for the faults of a
/// [`Storm`](crate::Storm), partitions included. A call whose fault is not on the tape does nothing.
/// Faults are ended as the program says: starting a dead node, resuming a paused one, thawing a frozen
/// one, healing a partition and setting a clock right are events, but not on the tape.
///
/// The [`Display`](fmt::Display) form is a line of text, ready to paste: `t1:0.2.1x3.2` means task 0,
/// then task 2, then task 1 three times, then task 2. `t2:0.2;f:kv get#3,kill@a#1` is a tape with
/// faults: at the third visit of the point `kv get` one is injected, and the node `a` is killed the
/// first time that the program does so. With a tape that begins with `t1:`, the seed decides on
/// faults. [`FromStr`] parses both.
///
/// After a `~` come the suspensions of `Sim::preempt_ready`, if there were any: for each the number of
/// operations since the one before that were left alone. `t1:0.2~3` means that the fourth operation was
/// suspended, and `t2:0.2~3;f:kv get#3` that a fault was injected, too.
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
    /// `None` if the seed decides on them.
    faults: Option<Arc<[Fault]>>,
    /// How many ready operations were left alone before each that was suspended.
    suspensions: Vec<u32>,
}

/// Without faults, and with them.
const PREFIX: &str = "t1:";
const FAULTY: &str = "t2:";
/// What comes before the suspensions, and before the faults.
const SUSPENSIONS: char = '~';
const FAULTS: &str = "f:";

impl Tape {
    pub(crate) fn push(&mut self, task: u32) {
        self.choices.push(task);
    }

    #[cfg(test)]
    pub(crate) fn from_choices(choices: Vec<u32>) -> Tape {
        Tape { choices, ..Tape::default() }
    }

    pub(crate) fn with_faults(self, faults: Option<Vec<Fault>>) -> Tape {
        Tape { faults: faults.map(Arc::from), ..self }
    }

    /// Its first choices, with all of its suspensions and faults.
    pub(crate) fn cut(&self, choices: usize) -> Tape {
        Tape { choices: self.choices[..choices].to_vec(), ..self.clone() }
    }

    /// The faults to inject; `None` if the seed decides.
    pub(crate) fn only(&self) -> Option<Arc<[Fault]>> {
        self.faults.clone()
    }

    /// An operation was suspended, after so many that were not.
    #[cfg(any(feature = "preempt", test))]
    pub(crate) fn suspend(&mut self, after: u32) {
        self.suspensions.push(after);
    }

    pub(crate) fn suspensions(&self) -> &[u32] {
        &self.suspensions
    }

    pub(crate) fn choices(&self) -> &[u32] {
        &self.choices
    }

    /// The faults on the tape, in the order in which they were injected.
    ///
    /// There are none either on a tape that leaves them to the seed.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        self.faults.as_deref().unwrap_or_default()
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
        f.write_str(if self.faults.is_some() { FAULTY } else { PREFIX })?;
        write_items(&self.choices, f)?;
        if !self.suspensions.is_empty() {
            write!(f, "{SUSPENSIONS}")?;
            write_items(&self.suspensions, f)?;
        }
        let Some(faults) = &self.faults else { return Ok(()) };
        write!(f, ";{FAULTS}")?;
        for (index, fault) in faults.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{fault}")?;
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
        let (body, faults) = match (text.strip_prefix(PREFIX), text.strip_prefix(FAULTY)) {
            (Some(body), _) => (body, None),
            (None, Some(body)) => {
                let (schedule, faults) = body.split_once(';').unwrap_or((body, FAULTS));
                (schedule, Some(parse_faults(faults)?))
            }
            (None, None) => {
                let why =
                    format!("a tape begins with `{PREFIX}`, or with `{FAULTY}` if it has faults");
                return Err(InvalidTape(why));
            }
        };
        let (choices, suspensions) = body.split_once(SUSPENSIONS).unwrap_or((body, ""));
        let (choices, suspensions) = (parse_items(choices)?, parse_items(suspensions)?);
        Ok(Tape { choices, suspensions, ..Tape::default() }.with_faults(faults))
    }
}

fn parse_faults(text: &str) -> Result<Vec<Fault>, InvalidTape> {
    let Some(list) = text.strip_prefix(FAULTS) else {
        return Err(InvalidTape(format!(
            "`{text}` should be a list of faults: `{FAULTS}kv get#3`"
        )));
    };
    let entries = list.split(',').filter(|_| !list.is_empty());
    let parse = |entry: &str| {
        entry.parse().map_err(|()| {
            InvalidTape(format!(
                "`{entry}` is not a fault: expected a label and which visit it was, such as \
                 `kv get#3`, or `kill@a#1` on the node `a`"
            ))
        })
    };
    entries.map(parse).collect()
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
    fn both_kinds_of_tape_survive_their_text() {
        for text in [
            "t1:",
            "t1:0.2.1x3.2",
            "t2:;f:",
            "t2:0.2;f:kv get#3",
            "t2:1x4;f:a#1=50,kill@b#2",
            "t1:0.2~3.0x2.12",
            "t1:~7",
            "t2:~7;f:",
            "t2:0.2~3.0x2;f:a~b#1,kill@b#2",
        ] {
            assert_eq!(text.parse::<Tape>().unwrap().to_string(), text);
        }
        assert_eq!("t2:0.2".parse::<Tape>().unwrap().to_string(), "t2:0.2;f:");
        let tape: Tape = "t2:0~4;f:a#1=50,kill@b#2".parse().unwrap();
        assert_eq!(tape.faults()[1].to_string(), "kill@b#2");
        assert_eq!((tape.len(), tape.faults()[0].amount()), (1, Some(50)));
        assert_eq!(tape.suspensions(), [4]);
    }

    #[test]
    fn a_tape_that_is_cut_keeps_suspensions_and_faults() {
        let tape: Tape = "t1:0.2.2~3.0x2".parse().unwrap();
        assert_eq!((tape.choices(), tape.suspensions()), (&[0, 2, 2][..], &[3, 0, 0][..]));
        assert_eq!(tape.cut(1).to_string(), "t1:0~3.0x2");
        let tape: Tape = "t2:0.2.2~3;f:kill@b#2".parse().unwrap();
        assert_eq!(tape.cut(2).to_string(), "t2:0.2~3;f:kill@b#2");
    }

    #[test]
    fn a_damaged_tape_says_where() {
        for (text, words) in [
            ("t3:0", "begins with `t1:`, or with `t2:`"),
            ("t1:0;f:a#1", "item 1 is `0;f:a#1`"),
            ("t1:0~x", "item 1 is `x`"),
            ("t2:0~1.x;f:", "item 2 is `x`"),
            ("t2:0;f:a#1,b", "`b` is not a fault"),
            ("t2:0;f:a#1,", "`` is not a fault"),
            ("t2:0;g:", "`g:` should be a list of faults"),
        ] {
            let error = text.parse::<Tape>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
