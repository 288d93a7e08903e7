//! Decorators around each other: what each of them sees, in each order.

use std::future::pending;
use std::sync::Arc;

use async_runtime_compat::decorate::{Counted, Limited, Named};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{Ambient, TaskGroup, current, with_blocking, with_timer};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};

on_all_runtimes! {
    all_of_them_in_every_order,
    tasks_of_an_ambient_find_all_of_it,
    parts_that_are_replaced_stay_replaced,
}

/// Every order of the numbers below four.
fn orders() -> Vec<Vec<usize>> {
    let mut orders = vec![vec![]];
    for _ in 0..4 {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let next = (0..4).filter({
                    let order = order.clone();
                    move |it| !order.contains(it)
                });
                next.map(move |it| [&order[..], &[it]].concat()).collect::<Vec<_>>()
            })
            .collect();
    }
    orders
}

fn all_of_them_in_every_order(running: &Running) {
    let orders = orders();
    assert_eq!(orders.len(), 24);
    for order in orders {
        let mut spawner: Arc<dyn Spawner> = running.runtime.clone();
        let (mut counted, mut limited, mut group) = (None, None, None);
        for which in &order {
            spawner = match which {
                0 => Arc::new(Named::with_prefix(spawner, "part.")),
                1 => {
                    let decorator = Counted::new(spawner);
                    counted = Some(decorator.clone());
                    Arc::new(decorator)
                }
                2 => {
                    let decorator = Limited::new(spawner, 1);
                    limited = Some(decorator.clone());
                    Arc::new(decorator)
                }
                _ => {
                    let decorator = TaskGroup::new(spawner);
                    group = Some(decorator.clone());
                    Arc::new(decorator)
                }
            };
        }
        let (counted, limited, group) = (counted.unwrap(), limited.unwrap(), group.unwrap());
        let (line, first) = (line!(), spawner.spawn_named("first", pending::<()>()));
        let second = spawner.spawn_named("second", async { 7 });
        assert_eq!((counted.counts().live(), group.len()), (2, 2), "{order:?}");
        assert_eq!((limited.running(), limited.waiting()), (1, 1), "{order:?}");
        let error = block_on(first.cancel()).unwrap_err();
        assert_eq!(error.task_name(), Some("part.first"), "{order:?}");
        assert_eq!(error.spawned_at().line(), line, "{order:?}");
        assert_eq!(second.task_name().as_deref(), Some("part.second"));
        assert_eq!(block_on(second).unwrap(), 7, "{order:?}");
        let counts = counted.counts();
        assert_eq!((counts.finished, counts.aborted, counts.live()), (1, 1, 0), "{order:?}");
        assert_eq!((limited.running(), limited.waiting(), group.len()), (0, 0, 0));
        block_on(group.wait());
    }
}

/// The current runtime of a task is the whole of what it was spawned through, if the `Ambient` is
/// outermost; and what is spawned on it is named, counted and limited in turn.
fn tasks_of_an_ambient_find_all_of_it(running: &Running) {
    let counted = Counted::new(running.runtime.clone());
    let named = Named::with_prefix(counted.clone(), "part.");
    let ambient = Ambient::new(Limited::new(named, 2));
    let task = ambient.spawn_with_handle(async {
        let deeper = current().unwrap().spawn_named("deep", async {});
        let name = deeper.task_name();
        deeper.await.unwrap();
        name
    });
    assert_eq!(block_on(task).unwrap().as_deref(), Some("part.deep"));
    assert_eq!(counted.counts().finished, 2);

    // Inside of the others it is what the tasks find.
    let ambient = Ambient::new(running.runtime.clone());
    let counted = Counted::new(ambient);
    let nested = counted.spawn_with_handle(async {
        current().unwrap().spawn_with_handle(async {}).await.unwrap();
    });
    block_on(nested).unwrap();
    assert_eq!(counted.counts().spawned, 1);
}

fn parts_that_are_replaced_stay_replaced(running: &Running) {
    use test_support::runtimes::Stopped;

    let stopped = Stopped(std::time::Instant::now());
    let pool = async_runtime_compat::BlockingPool::builder().max_threads(1).build();
    let counted = Counted::new(with_blocking(with_timer(running.runtime.clone(), stopped), pool));
    let runtime: Arc<dyn Runtime> = Arc::new(Named::with_default(counted.clone(), "job"));
    assert_eq!(runtime.now(), stopped.0);
    assert_eq!(runtime.system_time(), std::time::SystemTime::UNIX_EPOCH);
    assert_eq!(block_on(runtime.spawn_blocking(|| 7)).unwrap(), 7);
    assert_eq!(counted.blocking_counts().finished, 1);

    // A group is a spawner, and is given the rest again.
    let group = TaskGroup::new(runtime.clone());
    let grouped = with_blocking(with_timer(group.clone(), runtime.clone()), runtime);
    let grouped: Arc<dyn Runtime> = Arc::new(Limited::new(grouped, 1));
    let task = grouped.spawn_with_handle(pending::<()>());
    assert_eq!((group.len(), counted.counts().live()), (1, 1));
    block_on(task.cancel()).unwrap_err();
}
