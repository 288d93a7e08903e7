//! How often a decorated task allocates.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;

use async_runtime_compat::decorate::{Counted, Identified, Limited, Named};
use async_runtime_compat::prelude::*;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{Ambient, TaskGroup};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

// It counts for all threads, so there is one test in this file.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TASKS: usize = 100;

/// The allocations of a task that is spawned, with a name or without, and joined.
fn per_task(tokio: &tokio::runtime::Runtime, spawner: &dyn Spawner, named: bool) -> usize {
    let round = || {
        for _ in 0..TASKS {
            let task = async { black_box(1) };
            let task = if named {
                spawner.spawn_named("task", task)
            } else {
                spawner.spawn_with_handle(task)
            };
            tokio.block_on(task).expect("it runs to its end");
        }
    };
    // Lists grow to the size that they need.
    round();
    let region = Region::new(ALLOCATOR);
    round();
    region.change().allocations / TASKS
}

#[test]
fn one_decorator_allocates_nothing_and_several_once() {
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let spawner = || TokioSpawner::new(tokio.handle().clone());
    let more = |decorated: &dyn Spawner, named: bool| {
        per_task(&tokio, decorated, named) - per_task(&tokio, &spawner(), named)
    };
    let group = || TaskGroup::new(Arc::new(spawner()));
    assert_eq!(more(&Counted::new(spawner()), false), 0);
    assert_eq!(more(&Limited::new(spawner(), 1), false), 0);
    assert_eq!(more(&group(), false), 0);
    assert_eq!(more(&Ambient::new(spawner()), false), 0);
    let several = Counted::new(Limited::new(group(), 1));
    assert_eq!(more(&several, false), 1);
    assert_eq!(more(&Ambient::new(with_timer_and_pool(several)), false), 1);

    // What stays nameless costs nothing; the text of a new name does, and that the handle has one.
    let prefixed = Named::with_prefix(spawner(), "part.");
    assert_eq!(more(&prefixed, false), 0);
    assert_eq!(more(&prefixed, true), 1);
    let default = Named::with_default(spawner(), "task");
    assert_eq!(more(&default, false), 1);
    assert_eq!(more(&default, true), 0);

    // An id allocates in the handle, where it stands beside the name.
    let identified = Identified::new(spawner());
    assert_eq!(more(&identified, false), 1);
    assert_eq!(more(&identified, true), 0);
}

fn with_timer_and_pool<S: Spawner>(spawner: S) -> impl Runtime {
    use async_runtime_compat::smol::SmolSpawner;
    use async_runtime_compat::{with_blocking, with_timer};

    with_blocking(with_timer(spawner, SmolSpawner), SmolSpawner)
}
