//! One run of a service, from its start until its tasks are gone.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::services::run::{Grace, RunError};
use crate::{Runtime, TaskGroup, Timer, WatchChange, WatchSender};

/// One run of a service. Waiting for its start or its end waits for this run, and not for one that may
/// follow.
pub(super) struct Life {
    pub(super) goal: Goal,
    pub(super) group: TaskGroup,
    pub(super) progress: WatchSender<Progress>,
    deadline: WatchSender<Deadline>,
    /// Whether `is_set_up` returned `Needed`, in this run or before, and has not returned `Done` since.
    lacks_set_up: AtomicBool,
}

/// The purpose of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The service is set up if needed, started, and run.
    Run,
    /// The service is set up, and no more.
    SetUp,
    /// Actions are accepted while the service does not run.
    Actions,
}

/// The progress of a run.
#[derive(Clone)]
pub(super) enum Progress {
    Starting,
    /// It has reached its goal: the service runs, or is set up.
    Running,
    Ended(LifeEnd),
}

/// How a run ended.
#[derive(Clone, Default)]
pub(super) struct LifeEnd {
    /// Whether the goal was reached: the service had started, or is set up.
    pub(super) ran: bool,
    pub(super) failure: Option<RunError>,
    /// The error that its start returned after it was stopped.
    pub(super) in_start: Option<RunError>,
    /// Whether the start was refused, because the service is not set up.
    pub(super) is_refused: bool,
    /// How many tasks had to be aborted.
    pub(super) aborted: usize,
}

/// When the remaining tasks of a run are aborted. A sooner one is less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    Now,
    At(Instant),
    Never,
    /// The run is not to end.
    NotYet,
}

impl Deadline {
    /// At the end of a grace period that begins now.
    pub(super) fn after(grace: Duration, timer: &dyn Timer) -> Deadline {
        if grace.is_zero() {
            return Deadline::Now;
        }
        timer.now().checked_add(grace).map_or(Deadline::Never, Deadline::At)
    }

    fn remaining(self, timer: &dyn Timer) -> Duration {
        match self {
            Deadline::Now => Duration::ZERO,
            Deadline::At(instant) => instant.saturating_duration_since(timer.now()),
            Deadline::Never | Deadline::NotYet => Duration::MAX,
        }
    }
}

impl Life {
    pub(super) fn new(runtime: &Arc<dyn Runtime>, goal: Goal) -> Life {
        Life {
            goal,
            group: TaskGroup::builder(runtime.clone()).timer(runtime.clone()).build(),
            progress: WatchSender::new(Progress::Starting),
            deadline: WatchSender::new(Deadline::NotYet),
            lacks_set_up: AtomicBool::new(false),
        }
    }

    /// Notes an answer of `is_set_up`.
    pub(super) fn set_lacks_set_up(&self, lacks: bool) {
        // Relaxed: read when the task that wrote it has ended, or is known not to write any more.
        self.lacks_set_up.store(lacks, Ordering::Relaxed);
    }

    pub(super) fn lacks_set_up(&self) -> bool {
        self.lacks_set_up.load(Ordering::Relaxed)
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline.state()
    }

    /// Sets a sooner deadline. Not to be called concurrently.
    pub(super) fn shorten(&self, deadline: Deadline) -> Option<WatchChange<Deadline>> {
        (deadline < self.deadline.state()).then(|| self.deadline.replace(deadline))
    }

    /// Takes no more tasks, and aborts those that there are.
    pub(super) fn abort(&self) {
        self.group.close();
        self.group.cancel_token().cancel();
        self.group.abort_all();
    }

    /// Waits until the service runs, or the run has ended. `None` if it runs.
    pub(super) async fn started(&self) -> Option<LifeEnd> {
        let mut progress = self.progress.watch();
        match progress.wait_for(|it| !matches!(it, Progress::Starting)).await {
            Some(Progress::Ended(end)) if !end.ran => Some(end),
            _ => None,
        }
    }

    /// Waits until the run has ended.
    pub(super) async fn ended(&self) -> LifeEnd {
        let mut progress = self.progress.watch();
        match progress.wait_for(|it| matches!(it, Progress::Ended(_))).await {
            Some(Progress::Ended(end)) => end,
            _ => unreachable!("the watch cannot be closed, because `self` has its sender"),
        }
    }

    /// Waits until the tasks of a run that is to end are gone, and aborts those that are left at the
    /// deadline. Returns how many those were.
    pub(super) async fn drain(&self, runtime: &dyn Runtime) -> usize {
        let (mut empty, mut deadline) = (self.group.wait(), self.deadline.watch());
        loop {
            let mut grace = Grace::new(runtime, deadline.state().remaining(runtime));
            let mut sooner = pin!(deadline.changed());
            // Returns whether there is another deadline now.
            let is_sooner = poll_fn(|cx| {
                if Pin::new(&mut empty).poll(cx).is_ready() {
                    return Poll::Ready(false);
                }
                sooner.as_mut().poll(cx).map(|_| true)
            });
            if grace.limit(is_sooner).await != Some(true) {
                break;
            }
        }
        // Even if the group is empty: anybody with its spawner may spawn at any time.
        self.group.shutdown(runtime, Duration::ZERO).await.aborted
    }
}
