//! Tasks of several threads, and what is left of them.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::task::Wake;
use std::thread;

use futures_lite::future::block_on;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::layer::TaskEnd;

fn meta() -> SpawnMeta<'static> {
    SpawnMeta::of(None, Location::caller())
}

/// Tasks of several threads come and go, end here or there, and somebody waits for all of them again
/// and again.
#[test]
fn nobody_is_lost_between_threads() {
    const THREADS: usize = 4;
    const TASKS: usize = 50_000;
    let core = Members::new(CancelToken::new(), None);
    let (sender, receiver) = mpsc::channel::<Member>();
    let receiver = Mutex::new(receiver);
    let closed = core.present();
    let is_over = AtomicBool::new(false);
    let how = |random: &mut StdRng| match random.random_range(0..4) {
        0 => TaskEnd::Panicked,
        1 => TaskEnd::Aborted,
        _ => TaskEnd::Completed,
    };
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut waits = 0;
            while !is_over.load(Ordering::Acquire) {
                block_on(poll_fn({
                    let mut key = None;
                    let core = &core;
                    move |cx| core.poll_empty(&mut key, cx.waker())
                }));
                waits += 1;
            }
            waits
        });
        let spawners: Vec<_> = (1..=THREADS)
            .map(|thread| {
                let (core, sender, receiver) = (&core, sender.clone(), &receiver);
                scope.spawn(move || {
                    let mut random = StdRng::seed_from_u64(thread as u64);
                    let mut here = Vec::new();
                    for _ in 0..TASKS {
                        let mut task = core.insert(meta()).unwrap();
                        match random.random_range(0..8) {
                            0 => sender.send(task).unwrap(),
                            1 => {
                                assert!(task.wait(Waker::noop()));
                                task.end(how(&mut random));
                            }
                            2 => here.push(task),
                            _ => task.end(how(&mut random)),
                        }
                        if random.random_range(0..100) == 0 {
                            here.drain(..).for_each(|task: Member| task.end(TaskEnd::Completed));
                            while let Ok(task) = receiver.lock().unwrap().try_recv() {
                                task.end(TaskEnd::Completed);
                            }
                        }
                    }
                    here.drain(..).for_each(|task| task.end(TaskEnd::Completed));
                })
            })
            .collect();
        for thread in spawners {
            thread.join().unwrap();
        }
        while let Ok(task) = receiver.lock().unwrap().try_recv() {
            task.end(TaskEnd::Completed);
        }
        is_over.store(true, Ordering::Release);
        assert!(waiter.join().unwrap() > 0);
    });
    assert_eq!(core.len(), 0);
    let report = core.since(&closed);
    assert_eq!(report.finished + report.aborted + report.panicked, THREADS * TASKS);
}

#[test]
fn last_task_is_the_last_that_there_is_of_a_group() {
    let core = Members::new(CancelToken::new(), None);
    let shards: Vec<_> = core.shards.iter().map(Arc::downgrade).collect();
    let mut tasks: Vec<_> = (0..1000).map(|_| core.insert(meta()).unwrap()).collect();
    assert!(tasks[0].wait(Waker::noop()));
    tasks.drain(..900).for_each(|task| task.end(TaskEnd::Completed));
    drop(core);
    let last = tasks.pop().unwrap();
    for task in tasks {
        task.end(TaskEnd::Aborted);
    }
    let alive = || shards.iter().filter(|it| it.strong_count() > 0).count();
    assert_eq!(alive(), 1);
    last.end(TaskEnd::Completed);
    assert_eq!(alive(), 0);
}

#[test]
fn what_a_task_has_left_with_the_group_goes_with_it() {
    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    let core = Members::new(CancelToken::new(), None);
    let woken = Arc::new(Nobody);
    let name = Cow::Borrowed("named");
    let named = || core.insert(meta().with_name(&name)).unwrap();
    for how in [TaskEnd::Completed, TaskEnd::Panicked, TaskEnd::Aborted] {
        let tasks: Vec<_> = (0..100).map(|_| named()).collect();
        assert!(core.tasks().iter().all(|task| task.task_name() == Some("named")));
        for mut task in tasks {
            assert!(task.wait(&woken.clone().into()));
            task.end(how);
        }
        assert_eq!(Arc::strong_count(&woken), 1, "{how:?}");
        let tasks: Vec<_> = (0..100).map(|_| core.insert(meta()).unwrap()).collect();
        assert!(core.tasks().iter().all(|task| task.task_name().is_none()));
        for task in tasks {
            task.end(TaskEnd::Completed);
        }
    }
}

/// Tasks of many chunks end on two threads, while somebody waits.
#[test]
fn last_of_a_chunk_is_not_lost() {
    for round in 0..2000 {
        let core = Members::new(CancelToken::new(), None);
        let (mut odd, mut even) = (Vec::new(), Vec::new());
        for _ in 0..500 {
            odd.push(core.insert(meta()).unwrap());
            even.push(core.insert(meta()).unwrap());
        }
        let mut key = None;
        assert!(core.poll_empty(&mut key, Waker::noop()).is_pending());
        let end = |tasks: Vec<Member>| {
            for task in tasks {
                task.end(TaskEnd::Completed);
            }
        };
        thread::scope(|scope| {
            scope.spawn(move || end(odd));
            end(even);
        });
        assert!(core.poll_empty(&mut key, Waker::noop()).is_ready(), "in round {round}");
    }
}

#[test]
fn nobody_is_told_of_each_end_when_nobody_waits() {
    let core = Members::new(CancelToken::new(), None);
    let task = core.insert(meta()).unwrap();
    let (mut first, mut second) = (None, None);
    assert!(core.poll_empty(&mut first, Waker::noop()).is_pending());
    task.end(TaskEnd::Completed);
    // The first was released, and has not noticed.
    let task = core.insert(meta()).unwrap();
    assert!(core.poll_empty(&mut second, Waker::noop()).is_pending());
    assert_eq!(watched(&core.lock_all()), Some(1));
    core.forget_waiting(second.unwrap());
    assert_eq!(watched(&core.lock_all()), None);
    assert!(core.poll_empty(&mut first, Waker::noop()).is_ready());
    task.end(TaskEnd::Completed);
}
