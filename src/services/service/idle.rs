//! Actions that a service accepts while it does not run.

use std::sync::Arc;

use super::Service;
use super::core::Core;
use super::life::{Deadline, Life, LifeEnd, Progress};
use crate::services::contain::discard;
use crate::services::run::{spawn_with_end, when_empty};
use crate::{SpawnMeta, WatchChange};

impl<S: Service> Core<S> {
    /// Requests that these actions end by the deadline, and returns them, to wait for their end.
    pub(super) fn end_actions(self: &Arc<Self>, deadline: Deadline) -> Option<Arc<Life>> {
        let life = self.request_end_of_actions(deadline)?;
        match life {
            Requested::First(life) => {
                self.drive_end(life.clone());
                Some(life)
            }
            Requested::Before(life) => Some(life),
        }
    }

    /// Aborts these actions, without waiting for them.
    pub(super) fn abort_actions(&self) {
        match self.request_end_of_actions(Deadline::Now) {
            Some(Requested::First(life) | Requested::Before(life)) => life.abort(),
            None => {}
        }
    }

    fn request_end_of_actions(&self, deadline: Deadline) -> Option<Requested> {
        let lives = self.lock();
        let life = lives.actions.clone()?;
        let is_first = life.deadline() == Deadline::NotYet;
        let change = life.shorten(deadline);
        drop(lives);
        change.into_iter().for_each(WatchChange::announce);
        life.group.cancel_token().cancel();
        Some(if is_first { Requested::First(life) } else { Requested::Before(life) })
    }

    /// Spawns the task that waits for the end of these actions, and aborts them at the deadline.
    fn drive_end(self: &Arc<Self>, life: Arc<Life>) {
        let lost = {
            let (core, life) = (self.clone(), life.clone());
            move |_| {
                // Does nothing if the task got to its end: the group is closed and empty then.
                life.abort();
                let group = life.group.clone();
                when_empty(&group, move || {
                    core.actions_ended(&life, 0);
                    discard(life);
                    // It may be the last to hold the service, whose destructor is user code.
                    discard(core);
                });
            }
        };
        let core = self.clone();
        let task = async move {
            let aborted = life.drain(&*core.runtime).await;
            core.actions_ended(&life, aborted);
        };
        let name = self.settings.task_name("actions");
        let meta = SpawnMeta::new().at(self.settings.location).with_name(&name);
        spawn_with_end(self.runtime.clone(), meta, task, lost);
    }

    /// These actions have ended, and their tasks are gone. Called twice, the first call counts.
    fn actions_ended(&self, life: &Arc<Life>, aborted: usize) {
        let mut lives = self.lock();
        let is_present = lives.actions.as_ref().is_some_and(|present| Arc::ptr_eq(present, life));
        if !is_present {
            return;
        }
        let gone = lives.actions.take();
        drop(lives);
        life.progress.set(Progress::Ended(LifeEnd { aborted, ..LifeEnd::default() }));
        discard(gone);
    }
}

/// A request to end actions.
enum Requested {
    First(Arc<Life>),
    /// There was one before: a task waits for their end.
    Before(Arc<Life>),
}
