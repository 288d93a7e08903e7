//! The auto traits of the public types, each pinned at compile time: those that a type has, and those that it has not.

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use async_runtime_compat::decorate::{Counted, Counts, Exposition, Limited, Named, Permit};
use async_runtime_compat::hook::TaskEnd;
use async_runtime_compat::prelude::*;
use async_runtime_compat::runtime::EnterGuard;
use async_runtime_compat::{
    AbortGuard, Ambient, BlockingPool, BlockingPoolBuilder, CancelOnDrop, Cancelled, FnSpawner,
    GroupSpawner, NoRuntime, NoTimer, RunUntilCancelled, ShutdownReport, SpawnMeta,
    TaskGroupBuilder, TaskId, TaskInfo, Timeout, Watch, WatchSender, WithTimer, YieldNow,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

macro_rules! pin {
    ($type:ty, $trait:ident, yes) => {
        assert_impl_all!($type: $trait);
    };
    ($type:ty, $trait:ident, no) => {
        assert_not_impl_any!($type: $trait);
    };
}

/// Pins a row for each type. A type that holds a user's future or state is unwind safe if that is.
macro_rules! auto_traits {
    ($($type:ty: $send:ident $sync:ident $unpin:ident $unwind:ident $by_ref:ident;)*) => {$(
        pin!($type, Send, $send);
        pin!($type, Sync, $sync);
        pin!($type, Unpin, $unpin);
        pin!($type, UnwindSafe, $unwind);
        pin!($type, RefUnwindSafe, $by_ref);
    )*};
}

/// Neither `Sync` nor, by reference, unwind safe.
type Changing = Cell<u8>;
type AnySpawner = Arc<dyn Spawner>;
type AnyTimer = Arc<dyn Timer>;

auto_traits! {
    // type                     Send Sync Unpin UnwindSafe RefUnwindSafe
    JoinHandle<u8>:             yes  yes  yes   yes        yes;
    JoinHandle<Changing>:       yes  yes  yes   yes        yes;
    JoinHandle<&mut u8>:        yes  yes  yes   yes        yes;
    AbortOnDrop<u8>:            yes  yes  yes   yes        yes;
    AbortOnDrop<Changing>:      yes  yes  yes   yes        yes;
    AbortHandle:                yes  yes  yes   yes        yes;
    AbortGuard:                 yes  yes  yes   yes        yes;
    JoinError:                  yes  yes  yes   yes        yes;
    NoRuntime:                  yes  yes  yes   yes        yes;
    NoTimer:                    yes  yes  yes   yes        yes;
    Elapsed:                    yes  yes  yes   yes        yes;

    CancelToken:                yes  yes  yes   yes        yes;
    CancelOnDrop:               yes  yes  yes   yes        yes;
    Cancelled:                  yes  yes  yes   yes        yes;
    RunUntilCancelled<YieldNow>: yes yes  yes   yes        yes;
    RunUntilCancelled<Changing>: yes no   yes   yes        no;
    TaskGroup:                  yes  yes  yes   yes        yes;
    GroupSpawner:               yes  yes  yes   yes        yes;
    TaskGroupBuilder:           yes  yes  yes   no         no;
    TaskId:                     yes  yes  yes   yes        yes;
    TaskInfo:                   yes  yes  yes   yes        yes;
    ShutdownReport:             yes  yes  yes   yes        yes;
    TaskEnd:                    yes  yes  yes   yes        yes;
    SpawnMeta<'static>:         yes  yes  yes   yes        yes;
    EnterGuard:                 no   no   yes   yes        yes;

    // A custom timer is polled through these, and may be left half way by a panic. tokio's are not unwind safe either.
    Sleep:                      yes  yes  yes   no         no;
    Interval:                   yes  yes  yes   no         no;
    YieldNow:                   yes  yes  yes   yes        yes;
    MissedTickBehavior:         yes  yes  yes   yes        yes;

    BlockingPool:               yes  yes  yes   yes        yes;
    BlockingPoolBuilder:        yes  yes  yes   yes        yes;
    FnSpawner<fn(BoxFuture<'static, ()>)>: yes yes yes yes yes;
    WithTimer<AnySpawner, AnyTimer>: yes yes yes no        no;
    Ambient:                    yes  yes  yes   no         no;
    Counted<AnySpawner>:        yes  yes  yes   no         no;
    Limited<AnySpawner>:        yes  yes  yes   no         no;
    Permit<AnySpawner>:         yes  yes  yes   no         no;
    Named<AnySpawner>:          yes  yes  yes   no         no;
    Counts:                     yes  yes  yes   yes        yes;
    Exposition:                 yes  yes  yes   yes        yes;
    Watch<u8>:                  yes  yes  yes   yes        yes;
    WatchSender<u8>:            yes  yes  yes   yes        yes;
}

// On tokio a `Timeout` holds tokio's own sleep, which must not move.
assert_impl_all!(Timeout<YieldNow>: Send, Sync);
assert_not_impl_any!(Timeout<YieldNow>: UnwindSafe, RefUnwindSafe);
#[cfg(feature = "tokio")]
assert_not_impl_any!(Timeout<YieldNow>: Unpin);
#[cfg(not(feature = "tokio"))]
assert_impl_all!(Timeout<YieldNow>: Unpin);

#[cfg(feature = "tokio")]
auto_traits! {
    async_runtime_compat::tokio::TokioSpawner: yes yes yes yes yes;
}
#[cfg(feature = "smol")]
auto_traits! {
    async_runtime_compat::smol::SmolSpawner: yes yes yes yes yes;
}
#[cfg(feature = "async-std")]
auto_traits! {
    async_runtime_compat::async_std::AsyncStdSpawner: yes yes yes yes yes;
}
#[cfg(feature = "async-executor")]
auto_traits! {
    async_runtime_compat::async_executor::ExecutorSpawner: yes yes yes yes yes;
}
