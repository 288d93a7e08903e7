//! The report on a schedule that fails.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use super::shrink::Shrunk;
use crate::failure::Failure;
use crate::timeline::Timeline;

/// A schedule that fails, shrunk, and how to replay it.
///
/// The [`Display`](fmt::Display) form says what failed, lists the tasks that were alive, gives the
/// command that replays the schedule, and shows the interleaving as a table.
pub struct Counterexample(Box<Parts>);

/// Which runs it is about.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// The index of the run, counted from 0, and the number of runs.
    Run(u64, u64),
    /// That of a tape.
    Tape,
    /// All of so many.
    All(u64),
}

pub(super) struct Parts {
    pub(super) of: Of,
    pub(super) failure: Failure,
    pub(super) timeline: Timeline,
    /// Whether to show every row of it.
    pub(super) whole: bool,
    pub(super) replay: String,
    /// The command of the test as it is built, if it is one.
    pub(super) built: Option<String>,
    pub(super) shrunk: Option<Shrunk>,
    /// Where the picture was written, or why it was not.
    pub(super) svg: Option<(PathBuf, Result<(), String>)>,
}

impl Counterexample {
    pub(super) fn new(parts: Parts) -> Counterexample {
        Counterexample(Box::new(parts))
    }

    /// The failure of the shrunk schedule, with its tape.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// The events of the shrunk schedule.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.0.timeline
    }

    /// The shell command that replays the schedule, or runs the check again if no schedule has failed.
    #[must_use]
    pub fn replay_line(&self) -> &str {
        &self.0.replay
    }

    /// The number of switches between tasks in the schedule that was found, and in the shrunk one;
    /// `None` if it was not shrunk.
    #[must_use]
    pub fn shrunk(&self) -> Option<(u64, u64)> {
        self.0
            .shrunk
            .as_ref()
            .map(|shrunk| (shrunk.before.cost.switches, shrunk.after.cost.switches))
    }
}

impl Counterexample {
    /// The number of faults in the run that was found, and in the shrunk one; `None` if it was not
    /// shrunk.
    #[must_use]
    pub fn shrunk_faults(&self) -> Option<(usize, usize)> {
        self.0.shrunk.as_ref().map(|shrunk| (shrunk.before.faults, shrunk.after.faults))
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &*self.0;
        match it.of {
            Of::Run(run, runs) => writeln!(f, "run {} of {runs} failed", run + 1)?,
            Of::Tape => writeln!(f, "the tape was replayed, and the run failed")?,
            Of::All(runs) => {
                let (kind, message) = (it.failure.kind(), it.failure.message());
                writeln!(f, "none of {runs} runs failed, but the check shows nothing")?;
                return write!(f, "{kind}: {message}\n\nrun it again with\n\n    {}", it.replay);
            }
        }
        writeln!(f, "{}", it.failure)?;
        if let Some(Shrunk { before, after, attempts, .. }) = &it.shrunk {
            if before.faults > 0 {
                writeln!(f, "  shrunk    from {} to {} faults", before.faults, after.faults)?;
            }
            if before.suspensions > 0 {
                let (before, after) = (before.suspensions, after.suspensions);
                writeln!(f, "  shrunk    from {before} to {after} suspensions")?;
            }
            let (before, after) = (before.cost, after.cost);
            writeln!(
                f,
                "  shrunk    from {} to {} context switches, {} to {} of them preemptions, and from \
                 {} to {} steps, in {attempts} attempts",
                before.switches,
                after.switches,
                before.preemptions,
                after.preemptions,
                before.steps,
                after.steps,
            )?;
        }
        match &it.svg {
            Some((path, Ok(()))) => writeln!(f, "  picture   {}", path.display())?,
            Some((path, Err(error))) => {
                writeln!(f, "  picture   {} was not written: {error}", path.display())?;
            }
            None => {}
        }
        write!(f, "\nreplay it with\n\n    {}\n\n", it.replay)?;
        if let Some(built) = &it.built {
            write!(f, "or, as long as it is built, with the same variables and {built}\n\n")?;
        }
        if it.whole {
            write!(f, "{:#}", it.timeline)?;
        } else {
            write!(f, "{}", it.timeline)?;
        }
        let faults = it.timeline.faults();
        let plural = if faults.len() == 1 { "" } else { "s" };
        match &it.shrunk {
            _ if faults.len() == 0 => {}
            Some(Shrunk { is_minimal: true, .. }) if faults.len() == 1 => {
                write!(f, "\n\nwithout this fault it does not fail:")?;
            }
            Some(Shrunk { is_minimal: true, .. }) => {
                write!(
                    f,
                    "\n\nwithout any one of these {} faults it does not fail:",
                    faults.len()
                )?;
            }
            _ => write!(f, "\n\n{} fault{plural} injected:", faults.len())?,
        }
        faults.into_iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl fmt::Debug for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Counterexample {}
