//! Asking a job about its work, without a start.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use super::Task;
use super::context::TaskContext;
use super::shared::Shared;
use crate::services::contain::{catch, discard};
use crate::services::events;
use crate::services::run::{Canceller, Cause, RunError, RunHandle, Work, promise};
use crate::{SpawnMeta, TaskGroup};

/// Ends a check whose answer nobody waits for any more.
struct CancelOnDrop(Canceller);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Which answers of a check are noted for the listing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Each,
    Done,
}

impl<K: Task> Shared<K> {
    fn check_failed(&self, cause: Cause) -> RunError {
        RunError::new(format!("the completion check of task '{}'", self.options.name), cause)
    }

    /// Spawns a check, at the location of the caller, and returns its answer. Dropping that ends the
    /// check.
    #[track_caller]
    pub(super) fn check(
        self: &Arc<Self>,
        action: K::Action,
        noted: Noted,
    ) -> impl Future<Output = Result<bool, RunError>> + Send + use<K> {
        let group = TaskGroup::new(self.runtime.clone());
        let canceller = Canceller::new(group.cancel_token());
        let (promise, promised) = promise();
        let answer = RunHandle::new(promised, canceller.clone());
        let guard = CancelOnDrop(canceller.clone());
        let answer = async move {
            let _guard = guard;
            answer.await
        };
        let repeat = match catch(|| self.task.repeat(&action)) {
            Ok(repeat) => repeat,
            Err(payload) => {
                promise.keep(Err(self.check_failed(Cause::panic(payload))));
                discard(action);
                return answer;
            }
        };
        if self.has_completed(&repeat) {
            promise.keep(Ok(true));
            discard(action);
            return answer;
        }

        let options = &self.options;
        let (emitter, events) = events::channel(1);
        drop(events);
        let cx = TaskContext::new(options.name.clone(), emitter, &group, self.runtime.clone());
        let shared = self.clone();
        let check = async move { shared.task.is_completed(&action, &cx).await.map_err(Into::into) };
        let shared = self.clone();
        let finish = move |result: Result<bool, Cause>| {
            match result {
                Ok(true) => shared.checked(repeat, true),
                Ok(false) if noted == Noted::Each => shared.checked(repeat, false),
                _ => {}
            }
            promise.keep(result.map_err(|cause| shared.check_failed(cause)));
            // It may be the last to hold the task, whose destructor is user code.
            discard(shared);
        };
        let name = Cow::Owned(format!("{}/is_completed", options.name));
        let (runtime, grace) = (self.runtime.clone(), options.grace);
        let work = Work { group, canceller, runtime: runtime.clone(), grace };
        work.spawn(runtime, SpawnMeta::new().with_name(&name), check, finish);
        answer
    }

    /// Asks about each of the known actions, one after the other.
    pub(super) async fn check_known_actions(self: Arc<Self>) -> Result<(), RunError> {
        let actions = catch(|| self.task.known_actions());
        let actions = actions.map_err(|payload| self.check_failed(Cause::panic(payload)))?;
        let mut result = Ok(());
        // Several actions may share an entry of the listing: it is done if one of them is.
        let (mut done, mut open) = (BTreeSet::new(), BTreeSet::new());
        for action in actions {
            let repeat = catch(|| self.task.repeat(&action));
            let answer = self.check(action, Noted::Done).await;
            match (repeat, &answer) {
                (Ok(repeat), Ok(true)) => drop(done.insert(repeat)),
                (Ok(repeat), Ok(false)) => drop(open.insert(repeat)),
                (Ok(_), Err(_)) => {}
                // The check has failed for the same reason.
                (Err(payload), _) => discard(payload),
            }
            result = result.and(answer.map(drop));
        }
        for repeat in open.difference(&done) {
            self.checked(repeat.clone(), false);
        }
        result
    }
}
