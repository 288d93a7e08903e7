//! Groups of tasks, compared with bare spawns, and with the sets of tokio.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_runtime_compat::{JoinGroup, TaskGroup};
#[cfg(feature = "tokio")]
use tokio::{runtime::Handle, task::JoinSet};

use crate::backend::FullBackend;
#[cfg(feature = "tokio")]
use crate::backend::tokio::Tokio;
use crate::case::{self, Run};
use crate::wait::TypedTimer;
use crate::way::Typed;
use crate::work::{self, TASKS, wait};

/// A task of a `TaskGroup` against the same typed spawn without one.
pub const TASK_GROUP_DETACHED: &str = "`TaskGroup`, spawn detached";
/// A task of a `TaskGroup` against the same typed spawn without one.
pub const TASK_GROUP_JOIN: &str = "`TaskGroup`, spawn and join";
/// A task of a `TaskGroup` against the same typed spawn without one.
pub const TASK_GROUP_SLEEP: &str = "`TaskGroup`, a sleep to its end in each";
/// A `JoinGroup` against typed spawns whose handles are awaited in the order of the spawns.
pub const JOIN_GROUP: &str = "`JoinGroup`, against handles in a `Vec`";
/// A `JoinGroup` against tokio's `JoinSet`.
pub const JOIN_GROUP_AND_SET: &str = "`JoinGroup`, against tokio's `JoinSet`";
/// The same, where each result is taken before the next task is spawned.
pub const JOIN_GROUP_IN_TURN: &str = "`JoinGroup`, against `JoinSet`, one task at a time";

/// A spawner without a group, for [`Typed`].
enum Bare {}
/// A group.
enum Grouped {}

/// Groups on any backend.
pub(crate) fn cases<B: FullBackend>(backend: &B) -> Vec<(&'static str, Run, Run)> {
    let bare = || Typed::<(B, Bare)>::new(backend.spawner());
    // The group is not dropped between the rounds, and the last clone goes with the last run.
    let group = || Typed::<(B, Grouped)>::new(Arc::new(TaskGroup::new(backend.spawner())));
    let timer = || TypedTimer::<B>::new(backend.runtime());
    let sets = || OwnSets(Typed::<B>::new(backend.spawner()));
    vec![
        (
            TASK_GROUP_DETACHED,
            case::run(backend, bare(), work::spawn_detached),
            case::run(backend, group(), work::spawn_detached),
        ),
        (
            TASK_GROUP_JOIN,
            case::run(backend, bare(), work::spawn_and_join),
            case::run(backend, group(), work::spawn_and_join),
        ),
        (
            TASK_GROUP_SLEEP,
            case::run(backend, (timer(), bare()), wait::sleep_in_tasks),
            case::run(backend, (timer(), group()), wait::sleep_in_tasks),
        ),
        (
            JOIN_GROUP,
            case::run(backend, bare(), work::spawn_and_join),
            case::run(backend, sets(), spawn_and_collect),
        ),
    ]
}

/// A group against a set of tokio's.
#[cfg(feature = "tokio")]
pub(crate) fn join_sets(backend: &'static str, tokio: &Tokio) -> [case::Case; 2] {
    use crate::backend::Backend;

    let sets = || tokio.handle().clone();
    let groups = || OwnSets(Typed::<(Tokio, JoinSet<()>)>::new(tokio.spawner()));
    let case = |work, native, group| {
        let shims = vec![(case::GROUP, group)];
        case::Case { backend, work, tasks: TASKS, native, shims }
    };
    [
        case(
            JOIN_GROUP_AND_SET,
            case::run(tokio, sets(), spawn_and_collect),
            case::run(tokio, groups(), spawn_and_collect),
        ),
        case(
            JOIN_GROUP_IN_TURN,
            case::run(tokio, sets(), spawn_and_collect_in_turn),
            case::run(tokio, groups(), spawn_and_collect_in_turn),
        ),
    ]
}

/// Spawns tasks into a set, then takes their results as they end.
async fn spawn_and_collect<S: Sets>(sets: S, rounds: u64) -> Duration {
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
trait Sets: Clone + Send + Sync + 'static {
    type Set: Send;

    fn set(&self) -> Self::Set;
    fn spawn(&self, set: &mut Self::Set, future: impl Future<Output = u64> + Send + 'static);
    fn next(set: &mut Self::Set) -> impl Future<Output = Option<u64>> + Send;
}

/// Sets of this crate.
struct OwnSets<In>(Typed<In>);

impl<In> Clone for OwnSets<In> {
    fn clone(&self) -> OwnSets<In> {
        OwnSets(self.0.clone())
    }
}

impl<In: 'static> Sets for OwnSets<In> {
    type Set = JoinGroup<u64>;

    fn set(&self) -> JoinGroup<u64> {
        JoinGroup::new(self.0.0.clone())
    }

    fn spawn(&self, set: &mut JoinGroup<u64>, future: impl Future<Output = u64> + Send + 'static) {
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

    fn spawn(&self, set: &mut JoinSet<u64>, future: impl Future<Output = u64> + Send + 'static) {
        set.spawn_on(future, self);
    }

    async fn next(set: &mut JoinSet<u64>) -> Option<u64> {
        set.join_next().await.map(|end| end.expect("the tasks run to their end"))
    }
}
