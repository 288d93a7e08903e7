//! The engine as the context of the thread that it runs on.

use std::cell::RefCell;
use std::sync::Arc;

use async_runtime_compat::runtime::ThreadContext;
use async_runtime_compat::{Runtime, TaskId};

use super::Engine;
use super::state::State;
use crate::failure::FailureKind;

thread_local! {
    /// The engine that runs on this thread, if any.
    static ENGINE: RefCell<Option<Arc<Engine>>> = const { RefCell::new(None) };
}

/// The engine that runs on this thread, if any.
pub(crate) fn running() -> Option<Arc<Engine>> {
    ENGINE.try_with(|engine| engine.borrow().clone()).ok()?
}

/// Makes an engine the one that runs on this thread; gives the one before.
pub(super) fn replace(engine: Option<Arc<Engine>>) -> Option<Arc<Engine>> {
    ENGINE.replace(engine)
}

/// What async-runtime-compat asks on the simulation's thread.
pub(super) struct SimContext(pub(super) Arc<Engine>);

impl ThreadContext for SimContext {
    fn runtime(&self) -> Option<Arc<dyn Runtime>> {
        Some(Arc::new(self.0.current()))
    }

    fn real_time(&self, what: &str) {
        let engine = &self.0;
        if engine.limits.foreign_threads {
            return;
        }
        let mut state = engine.lock();
        let who = match state.current {
            Some(slot) if !state.closed => state.describe(slot),
            _ => "code outside of any task".to_owned(),
        };
        let message = format!(
            "{who} used {what}: it takes real time, which the simulation does not control. Use the \
             simulated runtime, as it was passed in or from `current`, or accept it with \
             `Sim::foreign_threads`"
        );
        state.fail(FailureKind::RealTime, message);
    }

    fn task_panicked(&self, message: Option<&str>) -> Option<Box<dyn FnOnce() + Send>> {
        let message = message.unwrap_or("a payload that is not a string").to_owned();
        let state = self.0.lock();
        let task = state.current.map(|slot| state.describe(slot));
        drop(state);
        self.0.caught(task.as_deref().unwrap_or("code outside of any task"), &message);
        let task = task?;
        let engine = self.0.clone();
        Some(Box::new(move || engine.unjoined(&task, &message)))
    }

    fn keeps_end(&self) -> bool {
        !self.0.is_current_doomed()
    }

    fn task_id(&self) -> Option<TaskId> {
        let state = self.0.lock();
        let task = state.tasks.get(state.current? as usize)?;
        state.id(task.number)
    }

    fn next_task_id(&self) -> Option<TaskId> {
        self.0.lock().reserve()
    }
}

impl Engine {
    /// Whether the task that is being polled has killed its own node.
    fn is_current_doomed(&self) -> bool {
        let doomed = |state: &State| state.tasks.get(state.current? as usize).map(|it| it.doomed);
        self.has_killed() && doomed(&self.lock()).unwrap_or_default()
    }
}
