//! One run of a service, from its start to the end of all that it spawned.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::backend;
use crate::group::TaskGroup;
use crate::run::{Cause, Grace, RunError};
use crate::seam::Runtime;
use crate::seam::Timer;
use crate::watch::{Change, Watched};

/// One run of a service. Whoever waits for its start or its end waits for this one, and for none
/// that may follow.
pub(super) struct Life {
    pub(super) group: TaskGroup,
    pub(super) progress: Watched<Progress>,
    deadline: Watched<Deadline>,
    /// How often what is around it had been aborted when it was made.
    aborts: u64,
}

/// How far a run has come.
#[derive(Clone)]
pub(super) enum Progress {
    Starting,
    Running,
    Ended(Ended),
}

/// How a run ended.
#[derive(Clone, Default)]
pub(super) struct Ended {
    /// It had come as far as to run.
    pub(super) ran: bool,
    pub(super) failure: Option<RunError>,
    /// The error by which its start ended when it was stopped.
    pub(super) in_start: Option<RunError>,
    /// How many tasks had to be aborted.
    pub(super) aborted: usize,
}

/// When what is left of a run is to be aborted. A sooner one is less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    Now,
    At(Instant),
    Never,
    /// It is not to end.
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

    /// How long it is until then.
    fn remaining(self, timer: &dyn Timer) -> Duration {
        match self {
            Deadline::Now => Duration::ZERO,
            Deadline::At(instant) => instant.saturating_duration_since(timer.now()),
            Deadline::Never | Deadline::NotYet => Duration::MAX,
        }
    }
}

impl Life {
    pub(super) fn new(runtime: &Arc<dyn Runtime>) -> Life {
        let aborts = backend::aborts_of(runtime);
        let group = TaskGroup::builder(runtime.clone()).timer(runtime.clone()).build();
        let progress = Watched::new(Progress::Starting);
        Life { group, progress, deadline: Watched::new(Deadline::NotYet), aborts }
    }

    /// Why its tasks were dropped, if not at the deadline.
    pub(super) fn why_dropped(&self, runtime: &Arc<dyn Runtime>) -> Cause {
        // Only groups abort them, so without them it was a shutdown.
        let aborted = backend::aborts_of(runtime) != self.aborts;
        if aborted { Cause::Cancelled(None) } else { Cause::Shutdown }
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline.get()
    }

    /// Moves the deadline to a sooner one. Not to be called by two at the same time.
    pub(super) fn shorten(&self, deadline: Deadline) -> Option<Change<Deadline>> {
        (deadline < self.deadline.get()).then(|| self.deadline.replace(deadline))
    }

    /// Takes nothing any more, and aborts what there is.
    pub(super) fn abort(&self) {
        self.group.close();
        self.group.cancel_token().cancel();
        self.group.abort_all();
    }

    /// Waits until the run has come as far as to run, or has ended. `None` if it runs.
    pub(super) async fn started(&self) -> Option<Ended> {
        let mut progress = self.progress.watch();
        match progress.wait_for(|it| !matches!(it, Progress::Starting)).await {
            Some(Progress::Ended(ended)) if !ended.ran => Some(ended),
            _ => None,
        }
    }

    /// Waits until the run has ended.
    pub(super) async fn ended(&self) -> Ended {
        let mut progress = self.progress.watch();
        match progress.wait_for(|it| matches!(it, Progress::Ended(_))).await {
            Some(Progress::Ended(ended)) => ended,
            _ => unreachable!("the state cannot be gone, because `self` sets it"),
        }
    }

    /// Waits until nothing is left of a run that is to end, and aborts what is left at the
    /// deadline. Gives how many tasks that were.
    pub(super) async fn drain(&self, runtime: &dyn Runtime) -> usize {
        let (mut empty, mut deadline) = (self.group.wait(), self.deadline.watch());
        loop {
            let mut grace = Grace::new(runtime, deadline.state().remaining(runtime));
            let mut sooner = pin!(deadline.changed());
            // Gives whether the deadline is another one now.
            let is_sooner = poll_fn(|cx| {
                if Pin::new(&mut empty).poll(cx).is_ready() {
                    return Poll::Ready(false);
                }
                match sooner.as_mut().poll(cx) {
                    Poll::Ready(_) => Poll::Ready(true),
                    Poll::Pending => grace.poll_over(cx).map(|()| false),
                }
            });
            if !is_sooner.await {
                break;
            }
        }
        // Also if it is empty: who has its spawner may use it at any time.
        self.group.end_now().await.aborted
    }
}
