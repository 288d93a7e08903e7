//! Executors that run nothing until they are told to.

use std::sync::{Arc, Mutex};
use std::task::Waker;

use async_runtime_compat::{BoxFuture, FnSpawner, Spawner, TaskGroup};
use test_support::threads::poll_boxed;

/// An executor, and the function that runs its tasks until all are pending.
pub(crate) struct Stepped {
    pub(crate) spawner: Arc<dyn Spawner>,
    pub(crate) step: Box<dyn Fn()>,
}

impl Stepped {
    /// Each executor there is, alone and with a group around it.
    pub(crate) fn all() -> Vec<Stepped> {
        let makers = [
            own as fn() -> Stepped,
            #[cfg(feature = "tokio")]
            tokio,
            #[cfg(feature = "async-executor")]
            executor,
        ];
        makers.into_iter().flat_map(|make| [make(), in_a_group(make())]).collect()
    }
}

fn in_a_group(Stepped { spawner, step }: Stepped) -> Stepped {
    let group = TaskGroup::new(spawner);
    let spawner = Arc::new(group.spawner());
    // The group aborts its tasks when it is dropped.
    let step = Box::new(move || {
        let _group = &group;
        step();
    });
    Stepped { spawner, step }
}

/// A queue that polls all that is in it.
fn own() -> Stepped {
    type Tasks = Mutex<Vec<BoxFuture<'static, ()>>>;
    let tasks = Arc::new(Tasks::default());
    let queue = Arc::downgrade(&tasks);
    let spawner = FnSpawner::new(move |task| {
        if let Some(queue) = queue.upgrade() {
            queue.lock().unwrap().push(task);
        }
    });
    let step = move || {
        for _ in 0..4 {
            let mut now = std::mem::take(&mut *tasks.lock().unwrap());
            now.retain_mut(|task| poll_boxed(task, Waker::noop()).is_pending());
            tasks.lock().unwrap().append(&mut now);
        }
    };
    Stepped { spawner: Arc::new(spawner), step: Box::new(step) }
}

#[cfg(feature = "tokio")]
fn tokio() -> Stepped {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let spawner = Arc::new(TokioSpawner::new(tokio.handle().clone()));
    let step = move || {
        tokio.block_on(async {
            for _ in 0..16 {
                async_runtime_compat::yield_now().await;
            }
        });
    };
    Stepped { spawner, step: Box::new(step) }
}

#[cfg(feature = "async-executor")]
fn executor() -> Stepped {
    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;

    let executor = Arc::new(Executor::new());
    let spawner = Arc::new(ExecutorSpawner::new(executor.clone()));
    let step = move || while executor.try_tick() {};
    Stepped { spawner, step: Box::new(step) }
}
