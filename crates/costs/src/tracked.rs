//! Tasks that something keeps track of, against what the runtimes have for it, or a bare spawn.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_runtime_compat::{JoinGroup, Spawner, TaskGroup};
#[cfg(feature = "tokio")]
use tokio::{runtime::Handle, task::JoinSet};

#[cfg(feature = "tokio")]
use crate::backend::Backend;
use crate::backend::FullBackend;
#[cfg(feature = "async-executor")]
use crate::backend::async_executor::AsyncExecutor;
#[cfg(feature = "async-std")]
use crate::backend::async_std::AsyncStd;
#[cfg(feature = "smol")]
use crate::backend::smol::Smol;
#[cfg(feature = "tokio")]
use crate::backend::tokio::Tokio;
use crate::case::{Case, Start, TYPED, run};
use crate::way::Typed;
use crate::work::{self, TASKS};

/// The backends by name, as in [`BACKENDS`](crate::case::BACKENDS).
pub const TRACKED: &[(&str, Start)] = &[
    #[cfg(feature = "tokio")]
    ("tokio, current thread", |name| {
        let tokio = Tokio::current_thread();
        let [collect, turns] = sets(name, &tokio);
        vec![collect, turns, group(name, &tokio)]
    }),
    #[cfg(feature = "smol")]
    ("smol, 1 thread", |name| vec![group(name, &Smol)]),
    #[cfg(feature = "async-std")]
    ("async-std, 1 thread", |name| vec![group(name, &AsyncStd)]),
    #[cfg(feature = "async-executor")]
    ("async-executor, current thread", |name| vec![group(name, &AsyncExecutor::default())]),
];

/// Spawns in a `TaskGroup`, against native spawns without one.
fn group<B: FullBackend>(backend: &'static str, runtime: &B) -> Case {
    let group = Typed(Arc::new(TaskGroup::new(runtime.spawner())));
    Case {
        backend,
        work: "spawn detached in a `TaskGroup`",
        tasks: TASKS,
        native: run(runtime, runtime.native(), work::spawn_detached),
        shims: vec![(TYPED, run(runtime, group, work::spawn_detached))],
    }
}

/// `JoinGroup` against tokio's `JoinSet`.
#[cfg(feature = "tokio")]
fn sets(backend: &'static str, tokio: &Tokio) -> [Case; 2] {
    let native = || tokio.handle().clone();
    let typed = || tokio.spawner();
    [
        Case {
            backend,
            work: "spawn into a set, then collect",
            tasks: TASKS,
            native: run(tokio, native(), spawn_and_collect),
            shims: vec![(TYPED, run(tokio, typed(), spawn_and_collect))],
        },
        Case {
            backend,
            work: "spawn into a set and collect in turn",
            tasks: TASKS,
            native: run(tokio, native(), spawn_and_collect_in_turn),
            shims: vec![(TYPED, run(tokio, typed(), spawn_and_collect_in_turn))],
        },
    ]
}

/// Spawns tasks into a set, then takes their results as they end.
pub async fn spawn_and_collect<S: Sets>(sets: S, rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let mut set = sets.set();
        for number in 0..TASKS {
            sets.spawn(&mut set, async move { black_box(number) });
        }
        while let Some(output) = S::next(&mut set).await {
            black_box(output);
        }
    }
    start.elapsed()
}

/// Spawns a task into a set, takes its result, and so on.
#[cfg(feature = "tokio")]
async fn spawn_and_collect_in_turn<S: Sets>(sets: S, rounds: u64) -> Duration {
    let start = Instant::now();
    let mut set = sets.set();
    for _ in 0..rounds {
        for number in 0..TASKS {
            sets.spawn(&mut set, async move { black_box(number) });
            black_box(S::next(&mut set).await);
        }
    }
    start.elapsed()
}

/// A way to make sets of tasks that yield results as the tasks end.
pub trait Sets: Clone + Send + Sync + 'static {
    /// The sets.
    type Set: Send;

    /// Makes an empty set.
    fn set(&self) -> Self::Set;

    /// Spawns a task into the set.
    fn spawn(&self, set: &mut Self::Set, future: impl Future<Output = u64> + Send + 'static);

    /// Waits for the output of the next task.
    fn next(set: &mut Self::Set) -> impl Future<Output = Option<u64>> + Send;
}

impl Sets for Arc<dyn Spawner> {
    type Set = JoinGroup<u64>;

    fn set(&self) -> JoinGroup<u64> {
        JoinGroup::new(self.clone())
    }

    fn spawn(&self, set: &mut Self::Set, future: impl Future<Output = u64> + Send + 'static) {
        set.spawn(future);
    }

    async fn next(set: &mut JoinGroup<u64>) -> Option<u64> {
        set.join_next().await.map(|end| end.expect("the tasks run to their end"))
    }
}

#[cfg(feature = "tokio")]
impl Sets for Handle {
    type Set = JoinSet<u64>;

    fn set(&self) -> JoinSet<u64> {
        JoinSet::new()
    }

    fn spawn(&self, set: &mut Self::Set, future: impl Future<Output = u64> + Send + 'static) {
        set.spawn_on(future, self);
    }

    async fn next(set: &mut JoinSet<u64>) -> Option<u64> {
        set.join_next().await.map(|end| end.expect("the tasks run to their end"))
    }
}
