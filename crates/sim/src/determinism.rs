//! Checking that the same seed gives the same run.

use std::panic::Location;

use crate::engine::RunEnd;
use crate::failure::{Details, Failure, FailureKind};
use crate::record::{Event, Record, What};
use crate::runtime::SimRuntime;
use crate::schedule::{Profile, Schedule};
use crate::{Report, Sim};

/// Equal for two runs that were the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    hash: u64,
    steps: u64,
    end: Option<(FailureKind, String)>,
}

impl Fingerprint {
    pub(crate) fn of<T>(outcome: &RunEnd<T>) -> Fingerprint {
        Fingerprint {
            hash: outcome.hash,
            steps: outcome.steps,
            end: outcome.end.as_ref().err().cloned(),
        }
    }

    fn end(&self) -> String {
        match &self.end {
            Some((kind, message)) => format!("{kind}: {message}"),
            None => "the run succeeded".to_owned(),
        }
    }
}

/// How many pairs of runs are recorded in search of a difference.
const PAIRS: u32 = 8;

impl Sim {
    /// Runs one schedule twice, and compares the runs event by event.
    ///
    /// Use it if a simulation may depend on more than its seed: on the iteration order of a
    /// `HashMap`, a static, an address, or real time.
    ///
    /// # Errors
    ///
    /// As [`run`](Sim::run) if both runs fail in the same way. If they differ, a failure of the kind
    /// [`Nondeterminism`](FailureKind::Nondeterminism), whose message shows the first event that
    /// differs, with its task and the virtual time.
    #[track_caller]
    pub fn run_twice<T, F>(self, f: impl Fn(SimRuntime) -> F) -> Result<Report<T>, Failure>
    where
        F: Future<Output = T>,
    {
        let location = Location::caller();
        let schedule = || Schedule::new(&self.strategy, self.seed, Profile::default());
        let first = self.execute(self.seed, schedule(), false, location, &f);
        let again = self.execute(self.seed, schedule(), false, location, &f);
        if Fingerprint::of(&first) == Fingerprint::of(&again) {
            return self.report(self.seed, first);
        }
        Err(self.difference(self.seed, &schedule, location, &f, first))
    }

    /// Runs it again with a record, until the difference is found.
    pub(crate) fn difference<T, F>(
        &self,
        seed: u64,
        schedule: &dyn Fn() -> Schedule,
        location: &'static Location<'static>,
        f: &impl Fn(SimRuntime) -> F,
        first: RunEnd<T>,
    ) -> Failure
    where
        F: Future<Output = T>,
    {
        let sim = Sim { record: true, ..self.clone() };
        let mut message = format!(
            "the same seed and the same choices gave a different run once, but the same run in \
             {PAIRS} recorded pairs: the difference is rare, or depends on what ran before in this \
             process"
        );
        for _ in 0..PAIRS {
            let record = || {
                let mut outcome = sim.execute(seed, schedule(), false, location, f);
                let record = outcome.record.take().unwrap_or_default();
                (record, Fingerprint::of(&outcome))
            };
            let (one, other) = (record(), record());
            if one.1 != other.1 {
                message = compare((&one.0, &one.1), (&other.0, &other.1));
                break;
            }
        }
        let RunEnd { steps, elapsed, tape, tasks, .. } = first;
        let strategy = self.strategy.clone();
        let kind = FailureKind::Nondeterminism;
        let origin = None;
        Failure::new(Details { kind, message, origin, seed, strategy, tape, steps, elapsed, tasks })
    }
}

/// Describes the first difference.
fn compare(one: (&Record, &Fingerprint), other: (&Record, &Fingerprint)) -> String {
    const WHAT: &str = "the same seed and the same choices gave a different run";
    let events = (&one.0.events, &other.0.events);
    let same = events.0.iter().zip(events.1).take_while(|(one, other)| one == other).count();
    let (first, second) = (events.0.get(same), events.1.get(same));
    let Some(event) = first.or(second) else {
        let (one, other) = (one.1.end(), other.1.end());
        return format!(
            "{WHAT}: every event was the same, but not the end\n    one run      {one}\n    \
             another run  {other}"
        );
    };
    let at = std::time::Duration::from_nanos(event.at);
    let who = match event.task {
        Some(task) => one.0.describe(task),
        None => "no task".to_owned(),
    };
    format!(
        "{WHAT}: event {} is the first to differ, at {at:?}, in step {} of {who}\n    one run      \
         {}\n    another run  {}\n    look for a dependency on something besides the seed: the \
         iteration order of a `HashMap`, a static, an address, a thread, real time",
        same + 1,
        event.step,
        first.map_or("has ended".to_owned(), |event| say(event, one.0)),
        second.map_or("has ended".to_owned(), |event| say(event, other.0)),
    )
}

fn say(event: &Event, record: &Record) -> String {
    let at = std::time::Duration::from_nanos(event.at);
    let who = event.task.map_or("timers".to_owned(), |task| record.label(task));
    let what = match &event.what {
        What::Step(task) => {
            return format!("at {at:?}, {} takes step {}", record.describe(*task), event.step);
        }
        What::Time => return format!("at {at:?}, the time advanced"),
        What::Spawned(task, ..) => format!("spawned {}", record.describe(*task)),
        What::Woke(task) => format!("woke {}", record.describe(*task)),
        What::Slept(until) => {
            format!("slept until {:?}", std::time::Duration::from_nanos(*until))
        }
        What::Ended(task) if event.task == Some(*task) => "ended".to_owned(),
        What::Ended(task) => format!("dropped {}", record.describe(*task)),
        What::Panicked(message) => format!("panicked: {message}"),
        What::Suspended => "was suspended by `preempt_ready`, or yielded".to_owned(),
        What::Noted(text) => format!("noted “{text}”"),
        What::Fault(fault) => format!("met the fault {fault}"),
        What::Mended(what, node) => format!("mended {what}@{node}"),
    };
    format!("at {at:?}, {who} {what}")
}
