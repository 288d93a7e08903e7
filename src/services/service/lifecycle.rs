//! The task that drives a service from its start to its end.

use std::mem;
use std::sync::{Arc, Mutex};

use super::Service;
use super::core::{Begun, Core, IsStopping};
use super::life::{Deadline, Goal, Life, LifeEnd, Progress};
use super::own::{Own, own_task};
use crate::SpawnMeta;
use crate::hook::TaskEnd;
use crate::services::contain::{discard, lock};
use crate::services::run::{Cause, spawn_with_end, when_empty};

impl<S: Service> Core<S> {
    /// Starts the service or sets it up, or joins a run that is under way; `None` if the service is
    /// running.
    pub(super) fn start(self: &Arc<Self>, goal: Goal) -> Result<Option<Arc<Life>>, IsStopping> {
        Ok(self.begin(goal)?.map(|begun| self.join(begun)))
    }

    /// Stops the service, if it runs, and returns the run that follows.
    pub(super) fn restart(self: &Arc<Self>, deadline: Deadline) -> Arc<Life> {
        self.join(self.request_restart(deadline))
    }

    fn join(self: &Arc<Self>, begun: Begun) -> Arc<Life> {
        match begun {
            Begun::New(life) => self.drive(life),
            Begun::Joined(life) => life,
        }
    }

    /// Spawns the task that drives this run and those that follow it.
    fn drive(self: &Arc<Self>, life: Arc<Life>) -> Arc<Life> {
        // The run that has not ended. If it is still here when the task is gone, it is lost.
        let present = Arc::new(Mutex::new(Some(life.clone())));
        let lost = {
            let (core, present) = (self.clone(), present.clone());
            move |end| {
                let life = lock(&present).take();
                match life {
                    Some(life) => core.lose(life, end),
                    // It may be the last to hold the service, whose destructor is user code.
                    None => discard(core),
                }
            }
        };
        let core = self.clone();
        let task = async move {
            let mut driven = lock(&present).clone();
            while let Some(life) = driven {
                let end = core.live(&life).await;
                driven = core.end(&life, end, true);
                // Dropped without the lock: the run owns its group.
                let ended = mem::replace(&mut *lock(&present), driven.clone());
                drop(ended);
            }
        };
        let name = self.settings.task_name("lifecycle");
        let meta = SpawnMeta::new().at(self.settings.location).with_name(&name);
        spawn_with_end(self.runtime.clone(), meta, task, lost);
        life
    }

    /// Runs the service from its start until all of its tasks are gone.
    async fn live(self: &Arc<Self>, life: &Arc<Life>) -> LifeEnd {
        let task = own_task(self.clone(), life.clone());
        let part = if life.goal == Goal::SetUp { "set_up" } else { "run" };
        let mut task = self.settings.spawn(&life.group, part, task);
        // It ends by itself, or the token is cancelled: by a stop, by the service, or from above.
        let result = life.group.cancel_token().run_until_cancelled(&mut task).await;
        self.wind_down(life);
        let aborted = life.drain(&*self.runtime).await;
        let result = match result {
            Some(result) => result,
            None => task.await,
        };
        let is_aborted = aborted > 0 || life.deadline() == Deadline::Now;
        let own = match result {
            Ok(own) => own,
            // A refused one was aborted before it was begun.
            Err(error) if is_aborted && !error.is_panic() => Own::default(),
            Err(error) => {
                let failure = Some(self.error(Cause::from(error)));
                Own { failure, ..Own::default() }
            }
        };
        let Own { failure, in_start, is_refused } = own;
        let ran = matches!(life.progress.state(), Progress::Running);
        LifeEnd { ran, failure, in_start, is_refused, aborted }
    }

    /// The task that drives a run is gone before the run has ended.
    fn lose(self: Arc<Self>, life: Arc<Life>, end: TaskEnd) {
        let ran = matches!(life.progress.state(), Progress::Running);
        let cause = match end {
            TaskEnd::Aborted => Cause::Cancelled(None),
            _ => Cause::Shutdown,
        };
        let end = LifeEnd { ran, failure: Some(self.error(cause)), ..LifeEnd::default() };
        self.abort(&life);
        let group = life.group.clone();
        when_empty(&group, move || {
            // None is to follow: its task would be lost, too.
            self.end(&life, end, false);
            discard(life);
            // It may be the last to hold the service, whose destructor is user code.
            discard(self);
        });
    }
}
