//! Where the tests run, and the jobs that they run.

use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{BoxError, Repeat, Task, TaskContext, TaskWrapper};
use async_runtime_compat::{TaskGroup, with_blocking, with_timer};

use crate::runtimes::Running;

/// Stamps tests that take a runtime: several times on each real one, and under many schedules in
/// the simulation.
macro_rules! everywhere {
    ($($test:ident,)*) => {
        mod on {
            $(fn $test(running: &$crate::runtimes::Running) {
                $crate::kit::repeat(running, super::$test);
            })*

            $crate::runtimes::on_all_runtimes! { $($test,)* }

            mod sim {
                $(#[test]
                fn $test() {
                    $crate::explore::explore(1000, |rt| super::super::$test(std::sync::Arc::new(rt)));
                })*
            }
        }
    };
}
pub(crate) use everywhere;

/// Runs a test several times.
pub(crate) fn repeat<F: Future<Output = ()>>(running: &Running, test: fn(Arc<dyn Runtime>) -> F) {
    for _ in 0..20 {
        running.run(test);
    }
}

/// Counts those of it that are alive.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<()>);

impl Alive {
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    /// Counts them without being one of them.
    pub(crate) fn counter(&self) -> impl Fn() -> usize + Send + 'static {
        let all = Arc::downgrade(&self.0);
        move || all.strong_count().saturating_sub(1)
    }
}

pub(crate) type Cx = TaskContext<u32>;
pub(crate) type Given = Result<u32, BoxError>;

/// A job that is a function.
pub(crate) struct Job {
    f: Box<dyn Fn(u32, Cx) -> BoxFuture<'static, Given> + Send + Sync>,
    repeat: fn(u32) -> Repeat,
}

impl Job {
    pub(crate) fn new<F, Fut>(f: F) -> Job
    where
        F: Fn(u32, Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Given> + Send + 'static,
    {
        let f = Box::new(move |action, cx| Box::pin(f(action, cx)) as BoxFuture<'static, _>);
        Job { f, repeat: |_| Repeat::Always }
    }

    /// Says how it repeats.
    pub(crate) fn repeat(self, repeat: fn(u32) -> Repeat) -> Job {
        Job { repeat, ..self }
    }
}

impl Task for Job {
    type Action = u32;
    type Event = u32;
    type Output = u32;
    type Error = BoxError;

    fn repeat(&self, action: &u32) -> Repeat {
        (self.repeat)(*action)
    }

    async fn run(&self, action: u32, cx: Cx) -> Given {
        (self.f)(action, cx).await
    }
}

/// A wrapper of a job that is a function.
pub(crate) fn job<F, Fut>(runtime: &Arc<dyn Runtime>, f: F) -> TaskWrapper<Job>
where
    F: Fn(u32, Cx) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Given> + Send + 'static,
{
    TaskWrapper::builder(runtime.clone(), Job::new(f)).name("the job").build()
}

/// A wrapper of a job that is a function and is done once.
pub(crate) fn once<F, Fut>(runtime: &Arc<dyn Runtime>, f: F) -> TaskWrapper<Job>
where
    F: Fn(u32, Cx) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Given> + Send + 'static,
{
    let job = Job::new(f).repeat(|_| Repeat::Once);
    TaskWrapper::builder(runtime.clone(), job).name("the job").build()
}

/// The runtime, with its tasks in the group.
pub(crate) fn inside(group: &TaskGroup, runtime: &Arc<dyn Runtime>) -> Arc<dyn Runtime> {
    let spawner = with_timer(group.spawner(), runtime.clone());
    Arc::new(with_blocking(spawner, runtime.clone()))
}
