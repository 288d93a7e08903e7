//! Decorators by somebody else, on the typed path of each backend and on a caller's own spawner.

mod blocking;
mod ends;
mod layers;
mod panics;
mod polls;
mod races;

use std::sync::{Arc, OnceLock};

use async_runtime_compat::JoinError;
use async_runtime_compat::hook::{SpawnHook, Spawning, TaskEnd, TaskHook};

use crate::support::Log;

/// The end that a join reports.
fn said<T>(join: &Result<T, JoinError>) -> TaskEnd {
    match join {
        Ok(_) => TaskEnd::Completed,
        Err(error) if error.is_panic() => TaskEnd::Panicked,
        Err(error) if error.is_cancelled() => TaskEnd::Aborted,
        Err(error) => {
            assert!(error.is_shutdown(), "{error}");
            TaskEnd::Shutdown
        }
    }
}

/// Logs the end of each task.
#[derive(Clone)]
struct Ends(Log<TaskEnd>);

impl Ends {
    fn new() -> Ends {
        Ends(Log::new())
    }

    /// The ends since the last call.
    fn take(&self) -> Vec<TaskEnd> {
        self.0.take()
    }
}

impl SpawnHook for Ends {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.add(Arc::new(self.clone()));
    }
}

impl TaskHook for Ends {
    fn end(&self, end: TaskEnd) {
        self.0.push(end);
    }
}

/// Keeps the end of one task, which comes once.
#[derive(Default)]
struct End(OnceLock<TaskEnd>);

impl TaskHook for End {
    fn end(&self, end: TaskEnd) {
        self.0.set(end).expect("a task ends once");
    }
}
