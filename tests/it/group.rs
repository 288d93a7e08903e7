//! Groups and tokens, on real executors and with many threads.

mod cancel;
mod join;
mod join_map;
mod races;
mod track;

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat::{GroupSpawner, Sleep, TaskGroup, yield_now};
use futures_lite::future::block_on;
use test_support::thread_timer::ThreadTimer;
use test_support::threads::Threads;

/// Counts those of it that are alive.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<()>);

impl Alive {
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// A spawner with its name, and with what keeps it running.
type Running = (&'static str, Arc<dyn Spawner>, Box<dyn Send>);

/// Each spawner that is compiled in.
fn spawners() -> Vec<Running> {
    vec![
        #[cfg(feature = "tokio")]
        {
            let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
            let tokio = tokio.unwrap();
            let spawner = async_runtime_compat::tokio::TokioSpawner::new(tokio.handle().clone());
            ("tokio", Arc::new(spawner) as Arc<dyn Spawner>, Box::new(tokio) as Box<dyn Send>)
        },
        #[cfg(feature = "smol")]
        ("smol", Arc::new(async_runtime_compat::smol::SmolSpawner), Box::new(())),
        #[cfg(feature = "async-std")]
        ("async-std", Arc::new(async_runtime_compat::async_std::AsyncStdSpawner), Box::new(())),
        #[cfg(feature = "async-executor")]
        {
            let executor = Arc::new(async_executor::Executor::new());
            let spawner =
                async_runtime_compat::async_executor::ExecutorSpawner::new(executor.clone());
            // It runs until the channel is closed.
            let (running, stopped) = async_channel::bounded::<()>(1);
            std::thread::spawn(move || block_on(executor.run(stopped.recv())).is_err());
            ("async-executor", Arc::new(spawner), Box::new(running))
        },
        ("threads", Arc::new(Threads::default()), Box::new(())),
    ]
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn what_is_spawned_at_any_depth_belongs_to_the_group() {
    for (name, spawner, _running) in spawners() {
        let group = TaskGroup::new(spawner);
        let (started, deep) = async_channel::unbounded();
        let (inner, again) = (group.spawner(), started.clone());
        group.spawn_detached(async move {
            let deeper = inner.clone();
            inner.spawn_detached(async move {
                deeper.spawn(Box::pin(async move {
                    again.send(()).await.unwrap();
                    pending::<()>().await;
                }));
                started.send(()).await.unwrap();
                pending::<()>().await;
            });
            pending::<()>().await;
        });
        block_on(deep.recv()).unwrap();
        block_on(deep.recv()).unwrap();
        assert_eq!(group.len(), 3, "on {name}");
        group.abort_all();
        block_on(group.wait());
        assert!(group.is_empty());
    }
}

#[test]
fn abort_all_drops_each_future_and_joins_say_so() {
    for (name, spawner, _running) in spawners() {
        let (group, alive) = (TaskGroup::new(spawner), Alive::default());
        let handles: Vec<_> = (0..50)
            .map(|number| {
                let owned = alive.clone();
                group.spawn_with_handle(async move {
                    // Some wait, some are always ready.
                    if number % 2 == 0 {
                        loop {
                            yield_now().await;
                        }
                    }
                    pending::<()>().await;
                    drop(owned);
                })
            })
            .collect();
        group.abort_all();
        block_on(group.wait());
        assert_eq!(alive.count(), 0, "on {name}, a future outlives its place in the group");
        for handle in handles {
            assert!(block_on(handle).unwrap_err().is_cancelled(), "on {name}");
        }
        // It concerns those that were there.
        assert_eq!(block_on(group.spawn_with_handle(async { 7 })).unwrap(), 7);
    }
}

#[test]
fn abort_wins_over_a_completion_or_panic_that_comes_after_it() {
    for (name, spawner, _running) in spawners() {
        for panics in [false, true] {
            let (group, alive) = (TaskGroup::new(spawner.clone()), Alive::default());
            let (inner, owned) = (group.clone(), alive.clone());
            let task = group.spawn_with_handle(async move {
                inner.abort_all();
                drop(inner);
                if panics {
                    std::panic::resume_unwind(Box::new(owned));
                }
                owned
            });
            assert!(block_on(task).map(drop).unwrap_err().is_cancelled(), "on {name}");
            assert_eq!(alive.count(), 0, "on {name}");
            assert!(group.is_empty());
        }
    }
}

#[test]
fn shutdown_reports_what_became_of_the_tasks_of_its_time() {
    for (name, spawner, _running) in spawners() {
        let group = TaskGroup::new(spawner);
        block_on(group.spawn_with_handle(async {})).unwrap();
        for _ in 0..3 {
            let token = group.cancel_token();
            group.spawn_detached(async move { token.cancelled().await });
        }
        for _ in 0..2 {
            group.spawn_detached(pending());
        }
        let token = group.cancel_token();
        group.spawn_detached(async move {
            token.cancelled().await;
            std::panic::resume_unwind(Box::new("at the end"));
        });
        let report = block_on(group.shutdown(&ThreadTimer::new(), Duration::from_millis(300)));
        let counts = (report.finished, report.aborted, report.panicked);
        assert_eq!(counts, (3, 2, 1), "on {name}");
        assert!(!report.is_clean());
        assert_eq!(report.to_string(), "3 finished, 2 aborted, 1 panicked");

        let late = block_on(group.spawn_with_handle(async {}));
        assert!(late.unwrap_err().is_shutdown());
        let again = block_on(group.shutdown(&ThreadTimer::new(), Duration::ZERO));
        assert_eq!(again, async_runtime_compat::ShutdownReport::default());
    }
}

#[test]
fn drain_takes_tasks_until_the_group_is_empty() {
    for (name, spawner, _running) in spawners() {
        let group = TaskGroup::new(spawner);
        let (inner, token) = (group.spawner(), group.cancel_token());
        group.spawn_detached(async move {
            token.cancelled().await;
            // A request that was read before.
            inner.spawn_detached(yield_now());
        });
        let report = block_on(group.drain(&ThreadTimer::new(), Duration::MAX));
        assert_eq!(report.to_string(), "2 finished, 0 aborted, 0 panicked", "on {name}");
        let late = block_on(group.spawn_with_handle(async {}));
        assert!(late.unwrap_err().is_shutdown(), "on {name}");
    }
}

/// There is such a task at any time.
fn again(spawner: GroupSpawner, owned: Alive) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        yield_now().await;
        let next = again(spawner.clone(), owned.clone());
        spawner.spawn_detached(next);
        drop(owned);
    })
}

#[test]
fn drain_aborts_at_the_end_of_the_grace_period() {
    for (name, spawner, _running) in spawners() {
        let (group, alive) = (TaskGroup::new(spawner), Alive::default());
        let (inner, owned) = (group.spawner(), alive.clone());
        group.spawn_detached(again(inner, owned));
        let report = block_on(group.drain(&ThreadTimer::new(), Duration::from_millis(20)));
        assert!(report.panicked == 0 && group.is_empty() && group.is_closed(), "on {name}");
        assert_eq!(alive.count(), 0, "on {name}");
    }
}

#[test]
fn shutdown_does_not_wait_longer_than_it_has_to() {
    let group = TaskGroup::new(Arc::new(Threads::default()));
    let token = group.cancel_token();
    group.spawn_detached(async move { token.cancelled().await });
    // It would never end.
    let report = block_on(group.shutdown(&ThreadTimer::new(), Duration::MAX));
    assert!(report.is_clean());
}

/// A timer that nobody is to use.
struct Unused;

impl Timer for Unused {
    fn now(&self) -> Instant {
        panic!("the clock was read")
    }

    fn system_time(&self) -> SystemTime {
        panic!("the clock was read")
    }

    fn sleep(&self, _: Duration) -> Sleep {
        panic!("the timer was used")
    }
}

#[test]
fn without_a_grace_period_no_timer_is_used() {
    for (name, spawner, _running) in spawners() {
        let groups = [TaskGroup::new(spawner.clone()), TaskGroup::new(spawner)];
        for group in &groups {
            group.spawn_detached(pending());
        }
        let reports = [
            block_on(groups[0].shutdown(&Unused, Duration::ZERO)),
            block_on(groups[1].drain(&Unused, Duration::ZERO)),
        ];
        for (group, report) in groups.iter().zip(reports) {
            assert_eq!(report.to_string(), "0 finished, 1 aborted, 0 panicked", "on {name}");
            assert!(group.is_empty() && group.is_closed(), "on {name}");
        }
    }
}

#[test]
fn dropping_the_last_handle_aborts() {
    for (name, spawner, _running) in spawners() {
        let (group, alive) = (TaskGroup::new(spawner), Alive::default());
        let (spawner, token) = (group.spawner(), group.cancel_token());
        let owned = (alive.clone(), group.spawner());
        let task = group.spawn_with_handle(async move {
            let _owned = owned;
            pending::<()>().await;
        });
        let clone = group.clone();
        drop(group);
        assert!(!token.is_cancelled() && !clone.is_closed());
        drop(clone);
        assert!(token.is_cancelled());
        assert!(block_on(task).unwrap_err().is_cancelled(), "on {name}");
        assert_eq!(alive.count(), 0);
        let late = spawner.spawn_with_handle({
            let owned = alive.clone();
            async move { drop(owned) }
        });
        assert_eq!(alive.count(), 0);
        assert!(block_on(late).unwrap_err().is_shutdown());
    }
}

#[test]
fn groups_nest_also_where_nobody_knows() {
    fn unaware(spawner: Arc<dyn Spawner>) -> TaskGroup {
        TaskGroup::new(spawner)
    }

    for (name, spawner, _running) in spawners() {
        let outer = TaskGroup::new(spawner);
        let inner = unaware(Arc::new(outer.spawner()));
        let innermost = inner.child();
        let task = innermost.spawn_with_handle(pending::<()>());
        outer.spawn_detached(pending());
        assert_eq!((outer.len(), inner.len(), innermost.len()), (2, 1, 1), "on {name}");

        outer.cancel_token().cancel();
        assert!(innermost.cancel_token().is_cancelled());
        inner.abort_all();
        assert!(block_on(task).unwrap_err().is_cancelled());
        assert_eq!((outer.len(), inner.len(), innermost.len()), (1, 0, 0), "on {name}");

        let task = innermost.spawn_with_handle(pending::<()>());
        outer.close();
        let refused = innermost.spawn_with_handle(async {});
        assert!(block_on(refused).unwrap_err().is_shutdown());
        outer.abort_all();
        assert!(block_on(task).unwrap_err().is_cancelled());
        block_on(outer.wait());
        assert!(inner.is_empty() && innermost.is_empty());
    }
}

#[test]
fn listing_names_the_tasks_and_their_places() {
    let timer = Arc::new(ThreadTimer::new());
    for clock in [true, false] {
        let builder = TaskGroup::builder(Arc::new(Threads::default()));
        let group = if clock { builder.timer(timer.clone()).build() } else { builder.build() };
        let here = std::panic::Location::caller();
        group.spawn_named("first", pending::<()>()).detach();
        group.spawn_named(format!("second {}", 2), pending::<()>()).detach();
        group.spawn_detached(pending());
        let tasks = group.tasks();
        let names: Vec<_> = tasks.iter().map(|task| task.task_name()).collect();
        assert_eq!(names, [Some("first"), Some("second 2"), None]);
        for (task, line) in tasks.iter().zip(here.line() + 1..) {
            assert_eq!((task.spawned_at().file(), task.spawned_at().line()), (file!(), line));
            assert_eq!(task.age().is_some(), clock);
        }
        let shown = tasks[0].to_string();
        assert!(shown.starts_with("task 'first' spawned at tests/it/group.rs:"), "{shown}");
        assert_eq!(shown.ends_with(" old"), clock, "{shown}");
    }
}

#[test]
fn several_wait_and_one_may_give_up() {
    let group = TaskGroup::new(Arc::new(Threads::default()));
    let mut at_once = group.wait();
    assert!(poll(&mut at_once).is_ready());
    let task = group.spawn_with_handle(pending::<()>());
    let (mut first, mut second, mut third) = (group.wait(), group.wait(), group.wait());
    assert!(poll(&mut first).is_pending());
    assert!(poll(&mut second).is_pending());
    assert!(poll(&mut third).is_pending());
    drop(second);
    task.abort();
    block_on(first);
    // It was empty in between.
    group.spawn_detached(pending());
    assert!(poll(&mut third).is_ready());
    assert!(poll(&mut group.wait()).is_pending());
}

#[test]
fn panics_and_aborts_by_handle_leave_the_group_too() {
    for (name, spawner, _running) in spawners() {
        let group = TaskGroup::new(spawner);
        let panics = group.spawn_with_handle(async {
            std::panic::resume_unwind(Box::new(7_u8));
        });
        let payload = block_on(panics).unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref::<u8>(), Some(&7), "on {name}");
        let task = group.spawn_with_handle(pending::<()>());
        let abort = task.abort_handle();
        drop(task);
        abort.abort();
        block_on(group.wait());
    }
}

#[test]
fn many_short_tasks_leave_nothing_behind() {
    for (name, spawner, _running) in spawners() {
        if name == "threads" {
            continue;
        }
        let (group, done) = (TaskGroup::new(spawner), Arc::new(AtomicUsize::new(0)));
        // There all the time.
        let stays = group.spawn_with_handle(pending::<()>());
        for _ in 0..10 {
            for _ in 0..10_000 {
                let done = done.clone();
                group.spawn_detached(async move {
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
            while group.len() > 1 {
                std::thread::yield_now();
            }
        }
        assert_eq!(done.load(Ordering::Relaxed), 100_000, "on {name}");
        assert_eq!(Arc::strong_count(&done), 1);
        stays.abort();
        block_on(group.wait());
    }
}

/// The future of a `shutdown` can be spawned, and that of a `wait` needs no group.
#[test]
fn futures_of_groups_can_be_sent() {
    fn is_send<T: Send + 'static>(value: T) -> T {
        value
    }

    let group = TaskGroup::new(Arc::new(Threads::default()));
    drop(is_send(group.wait()));
    let owned = group.clone();
    drop(is_send(async move { owned.shutdown(&ThreadTimer::new(), Duration::ZERO).await }));
    let mut tasks = group.join_group::<u8>();
    drop(is_send(async move { tasks.join_next().await }));
}

/// A waker that is called while the group is at work may do anything with it.
#[test]
fn wakers_may_come_back_to_the_group() {
    struct Comes(Mutex<Option<(TaskGroup, GroupSpawner)>>);

    impl std::task::Wake for Comes {
        fn wake(self: Arc<Self>) {
            if let Some((group, spawner)) = self.0.lock().unwrap().take() {
                spawner.spawn_detached(async {});
                group.abort_all();
                group.close();
                assert!(group.tasks().len() <= 1);
                drop(group);
            }
        }
    }

    let group = TaskGroup::new(Arc::new(Threads::default()));
    let task = group.spawn_with_handle(pending::<()>());
    let owned = (group.clone(), group.spawner());
    let waker = Waker::from(Arc::new(Comes(Mutex::new(Some(owned)))));
    let mut wait = group.wait();
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    let waker = {
        let owned = (group.clone(), group.spawner());
        Waker::from(Arc::new(Comes(Mutex::new(Some(owned)))))
    };
    let mut cancelled = group.cancel_token().cancelled();
    assert!(Pin::new(&mut cancelled).poll(&mut Context::from_waker(&waker)).is_pending());
    group.cancel_token().cancel();
    assert!(block_on(task).unwrap_err().is_cancelled());
    block_on(wait);
}
