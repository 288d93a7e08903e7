//! What the types are, pinned at compile time.

use std::cell::Cell;
use std::error::Error;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{
    Ambient, BlockingPool, CancelOnDrop, Cancelled, FnSpawner, GroupSpawner, JoinMap, JoinQueue,
    NoRuntime, NoTimer, RawSleep, ShutdownReport, TaskGroupBuilder, TaskId, TaskInfo, Timeout,
    Tracked, WithBlocking, WithTimer, YieldNow,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, assert_obj_safe};

assert_obj_safe!(Spawner);
assert_impl_all!(dyn Spawner: Send, Sync, SpawnerExt);
assert_impl_all!(Arc<dyn Spawner>: Spawner, SpawnerExt, Clone, Send, Sync, Unpin);
assert_impl_all!(Box<dyn Spawner>: Spawner, SpawnerExt);
assert_impl_all!(&dyn Spawner: Spawner, SpawnerExt);
assert_impl_all!(&mut dyn Spawner: Spawner, SpawnerExt);
assert_impl_all!(Arc<Box<&dyn Spawner>>: Spawner);
assert_impl_all!(FnSpawner<fn(BoxFuture<'static, ()>)>: Spawner, Clone);
assert_not_impl_any!(FnSpawner<fn()>: Spawner);
assert_not_impl_any!(std::rc::Rc<dyn Spawner>: Spawner);

assert_obj_safe!(Blocking, Runtime);
assert_impl_all!(dyn Blocking: Send, Sync, BlockingExt);
assert_impl_all!(Arc<dyn Blocking>: Blocking, BlockingExt, Clone, Send, Sync, Unpin);
assert_impl_all!(Box<dyn Blocking>: Blocking);
assert_impl_all!(&dyn Blocking: Blocking);
assert_impl_all!(&mut dyn Blocking: Blocking);
assert_impl_all!(Arc<Box<&dyn Blocking>>: Blocking);
assert_not_impl_any!(std::rc::Rc<dyn Blocking>: Blocking);
assert_impl_all!(BlockingPool: Blocking, Send, Sync, Unpin, Default);
assert_not_impl_any!(BlockingPool: Spawner, Timer, Clone);

assert_impl_all!(dyn Runtime: Send, Sync, Runtime, SpawnerExt, TimerExt, BlockingExt);
assert_impl_all!(Arc<dyn Runtime>: Runtime, Clone, Send, Sync, Unpin);
assert_impl_all!(Box<dyn Runtime>: Runtime);
assert_impl_all!(&dyn Runtime: Runtime);
assert_impl_all!(&mut dyn Runtime: Runtime);
assert_impl_all!(Ambient: Runtime);

// A composition is what its parts make it.
type Parts<S, T, B> = WithBlocking<WithTimer<S, T>, B>;
assert_impl_all!(Parts<Arc<dyn Spawner>, Arc<dyn Timer>, Arc<dyn Blocking>>: Runtime);
assert_impl_all!(WithBlocking<Arc<dyn Spawner>, BlockingPool>: Spawner, Blocking);
assert_not_impl_any!(WithBlocking<Arc<dyn Spawner>, BlockingPool>: Timer, Runtime);
assert_impl_all!(WithTimer<Arc<dyn Spawner>, Arc<dyn Timer>>: Spawner, Timer);
assert_not_impl_any!(WithTimer<Arc<dyn Spawner>, Arc<dyn Timer>>: Blocking, Runtime);
assert_not_impl_any!(Arc<dyn Spawner>: Timer, Blocking, Runtime);

// Five words, whatever backends are compiled in and whatever the output.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<JoinHandle<[u64; 64]>>() <= 5 * size_of::<usize>());
assert_impl_all!(JoinHandle<u8>: Send, Sync, Unpin, Future);
assert_impl_all!(AbortOnDrop<u8>: Send, Sync, Unpin, Future);
assert_impl_all!(AbortHandle: Clone, Send, Sync, Unpin);
assert_not_impl_any!(JoinHandle<u8>: Clone);
assert_not_impl_any!(AbortOnDrop<u8>: Clone);
assert_impl_all!(JoinHandle<Cell<u8>>: Send, Unpin);

assert_impl_all!(JoinError: Error, Send, Sync, Unpin);
assert_impl_all!(NoRuntime: Error, Send, Sync, Unpin);
assert_not_impl_any!(JoinError: Clone);
assert_impl_all!(YieldNow: Future, Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);

assert_impl_all!(TaskGroup: Spawner, Clone, Send, Sync, Unpin);
assert_impl_all!(GroupSpawner: Spawner, Clone, Send, Sync, Unpin);
assert_impl_all!(TaskGroupBuilder: Send, Sync, Unpin);
assert_impl_all!(TaskInfo: Clone, std::fmt::Display, Send, Sync, Unpin);
assert_impl_all!(TaskId: Copy, Ord, std::hash::Hash, std::fmt::Display, Send, Sync, Unpin);
assert_impl_all!(ShutdownReport: Copy, Eq, std::fmt::Display, Send, Sync, Unpin);
assert_impl_all!(JoinGroup<Cell<u8>>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(JoinGroup<u8>: Clone, Spawner);
assert_impl_all!(JoinMap<u8, Cell<u8>>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(JoinMap<u8, u8>: Clone, Spawner);
assert_impl_all!(JoinQueue<Cell<u8>>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(JoinQueue<u8>: Clone, Spawner);
assert_impl_all!(Tracked<YieldNow>: Future<Output = Result<(), JoinError>>, Send, Sync);
assert_not_impl_any!(Tracked<std::rc::Rc<()>>: Send, Sync);
assert_impl_all!(CancelToken: Clone, Default, Eq, std::hash::Hash, Send, Sync, Unpin);
assert_impl_all!(Cancelled: Future<Output = ()>, Send, Sync, Unpin);
assert_impl_all!(CancelOnDrop: Send, Sync, Unpin);
assert_not_impl_any!(CancelOnDrop: Clone);

assert_obj_safe!(Timer, RawSleep);
assert_impl_all!(dyn Timer: Send, Sync, TimerExt);
assert_impl_all!(Arc<dyn Timer>: Timer, TimerExt, Clone, Send, Sync, Unpin);
assert_impl_all!(Box<dyn Timer>: Timer, TimerExt);
assert_impl_all!(&dyn Timer: Timer, TimerExt);
assert_impl_all!(&mut dyn Timer: Timer, TimerExt);
assert_impl_all!(Arc<Box<&dyn Timer>>: Timer);
assert_not_impl_any!(std::rc::Rc<dyn Timer>: Timer);

assert_impl_all!(Sleep: Future<Output = ()>, Send, Sync, Unpin);
assert_not_impl_any!(Sleep: Clone);
assert_impl_all!(Interval: Send, Sync, Unpin);
assert_not_impl_any!(Interval: Clone);
assert_impl_all!(Timeout<YieldNow>: Future<Output = Result<(), Elapsed>>, Send, Sync);
assert_not_impl_any!(Timeout<std::rc::Rc<()>>: Send, Sync);
assert_impl_all!(MissedTickBehavior: Copy, Default, Eq, Send, Sync);
assert_impl_all!(Elapsed: Error, Copy, Eq, Send, Sync, Into<std::io::Error>);
assert_impl_all!(NoTimer: Error, Send, Sync, Unpin);

#[cfg(feature = "tokio")]
assert_impl_all!(async_runtime_compat::tokio::TokioSpawner: Runtime, Clone, Send, Sync, Unpin);
#[cfg(feature = "smol")]
assert_impl_all!(async_runtime_compat::smol::SmolSpawner: Runtime, Copy, Default);
#[cfg(feature = "async-std")]
assert_impl_all!(async_runtime_compat::async_std::AsyncStdSpawner: Runtime, Copy, Default);
#[cfg(feature = "async-executor")]
assert_impl_all!(async_runtime_compat::async_executor::ExecutorSpawner: Runtime, Clone);

/// A handle asks nothing of its type parameter: this compiles without a bound.
#[expect(dead_code, reason = "it only has to compile")]
async fn unbounded<T>(task: JoinHandle<T>) -> Result<T, JoinError> {
    task.abort();
    let _ = (task.is_finished(), task.abort_handle());
    task.abort_on_drop().into_handle().cancel().await
}

#[test]
fn futures_of_handles_can_be_sent() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }

    let spawner = FnSpawner::new(drop);
    drop(is_send(spawner.spawn_with_handle(async {}).cancel()));
    drop(is_send(spawner.spawn_with_handle(async {}).abort_on_drop().cancel()));
    drop(is_send(async_runtime_compat::yield_now()));

    let timer = test_support::thread_timer::ThreadTimer::new();
    let mut interval = timer.interval(std::time::Duration::MAX);
    drop(is_send(interval.tick()));
}
