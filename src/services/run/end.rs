//! Being told of the end of a task.

use std::future::Future;
use std::sync::{Arc, Mutex};

use crate::hook::{Hooked, SpawnHook, Spawning, TaskEnd, TaskHook};
use crate::services::contain::lock;
use crate::{SpawnMeta, Spawner, SpawnerExt};

/// Spawns a task, and calls the function once its future has been dropped, with the reason of its end.
///
/// The function is also called if the task is refused. It must not panic.
pub(crate) fn spawn_with_end(
    spawner: Arc<dyn Spawner>,
    meta: SpawnMeta<'_>,
    future: impl Future<Output = ()> + Send + 'static,
    end: impl FnOnce(TaskEnd) + Send + 'static,
) {
    let hook = EndHook(Arc::new(OnEnd(Mutex::new(Some(end)))));
    Hooked::new(spawner, hook).spawn_meta(meta, future).detach();
}

/// Adds the function to the one task that is spawned through it.
struct EndHook<F>(Arc<OnEnd<F>>);

impl<F: FnOnce(TaskEnd) + Send + 'static> SpawnHook for EndHook<F> {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.add(self.0.clone());
    }
}

struct OnEnd<F>(Mutex<Option<F>>);

impl<F: FnOnce(TaskEnd) + Send + 'static> TaskHook for OnEnd<F> {
    fn end(&self, end: TaskEnd) {
        let f = lock(&self.0).take();
        if let Some(f) = f {
            f(end);
        }
    }
}
