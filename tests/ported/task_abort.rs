//! tokio's `tests/task_abort.rs`.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use async_channel::{Receiver, Sender, bounded};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{TaskGroup, yield_now};
use test_support::runtimes::{Running, on_all_runtimes};

on_all_runtimes! {
    sleeping_task_is_aborted,
    abort_on_another_thread_drops_the_future_on_the_executor,
    future_is_dropped_when_its_handle_was_dropped_after_the_abort,
    panic_in_the_destructor_after_an_abort_goes_no_further,
    join_after_a_panic_in_the_destructor_is_cancelled,
    errors_are_displayed_with_their_message,
    errors_are_debugged_with_their_message,
}

/// The runtime, and a group on it, which aborts its tasks when it is dropped.
fn spawners(rt: &Arc<dyn Runtime>) -> [(Arc<dyn Spawner>, Option<TaskGroup>); 2] {
    let group = TaskGroup::new(rt.clone());
    [(rt.clone(), None), (Arc::new(group.spawner()), Some(group))]
}

/// Sends once polled, and owns a value.
async fn hold<T>(polled: Sender<()>, owned: T) {
    let _ = polled.send(()).await;
    let _owned = owned;
    pending::<()>().await;
}

/// Waits until every clone of the sender has been dropped.
async fn all_dropped(owned: Receiver<()>) {
    assert!(owned.recv().await.is_err(), "nothing is sent");
}

fn sleeping_task_is_aborted(running: &Running) {
    running.run(|rt| async move {
        for (spawner, _group) in spawners(&rt) {
            let (polled, is_polled) = bounded(1);
            let timer = rt.clone();
            let task = spawner.spawn_with_handle(async move {
                let sleep = timer.sleep(Duration::from_secs(100));
                let _ = polled.send(()).await;
                sleep.await;
            });
            is_polled.recv().await.unwrap();
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    });
}

fn abort_on_another_thread_drops_the_future_on_the_executor(running: &Running) {
    struct TellsItsThread(Arc<Mutex<Option<ThreadId>>>);

    impl Drop for TellsItsThread {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = Some(thread::current().id());
        }
    }

    running.run(|rt| async move {
        let spawners = spawners(&rt);
        for (spawner, first_poll) in spawners.iter().flat_map(|(s, _)| [(s, true), (s, false)]) {
            let dropped_on = Arc::default();
            let (polled, is_polled) = bounded(1);
            let task =
                spawner.spawn_with_handle(hold(polled, TellsItsThread(Arc::clone(&dropped_on))));
            if first_poll {
                is_polled.recv().await.unwrap();
            }
            let (aborter, task) = thread::spawn(move || {
                task.abort();
                (thread::current().id(), task)
            })
            .join()
            .unwrap();
            assert!(task.await.unwrap_err().is_cancelled());
            let dropped_on = dropped_on.lock().unwrap().expect("dropped before the join resolves");
            assert_ne!(dropped_on, aborter);
            // The executor goes on.
            spawner.spawn_with_handle(yield_now()).await.unwrap();
        }
    });
}

fn future_is_dropped_when_its_handle_was_dropped_after_the_abort(running: &Running) {
    running.run(|rt| async move {
        for (spawner, _group) in spawners(&rt) {
            let (polled, is_polled) = bounded(1);
            let (owned, gone) = bounded(1);
            let task = spawner.spawn_with_handle(hold(polled, owned));
            is_polled.recv().await.unwrap();
            task.abort();
            drop(task);
            all_dropped(gone).await;
        }
    });
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("in the destructor"));
    }
}

fn panic_in_the_destructor_after_an_abort_goes_no_further(running: &Running) {
    running.run(|rt| async move {
        for (spawner, _group) in spawners(&rt) {
            let (polled, is_polled) = bounded(1);
            let (owned, gone) = bounded(1);
            let task = spawner.spawn_with_handle(hold(polled, (owned, PanicsWhenDropped)));
            is_polled.recv().await.unwrap();
            task.abort();
            drop(task);
            all_dropped(gone).await;
            for _ in 0..16 {
                spawner.spawn_with_handle(yield_now()).await.unwrap();
            }
        }
    });
}

fn join_after_a_panic_in_the_destructor_is_cancelled(running: &Running) {
    running.run(|rt| async move {
        for (spawner, _group) in spawners(&rt) {
            let (polled, is_polled) = bounded(1);
            let task = spawner.spawn_with_handle(hold(polled, PanicsWhenDropped));
            is_polled.recv().await.unwrap();
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    });
}

/// The errors of tasks that panic with a `String`, a `&str`, and neither.
async fn errors(spawner: &dyn Spawner) -> [JoinError; 3] {
    use std::panic::resume_unwind;

    let string = spawner.spawn_with_handle(async {
        let value = 1234;
        resume_unwind(Box::new(format!("a string: {value}")));
    });
    let text = spawner.spawn_named("named", async { resume_unwind(Box::new("a text")) });
    let other = spawner.spawn_with_handle(async { resume_unwind(Box::new(1234_i32)) });
    [joined(string).await, joined(text).await, joined(other).await]
}

async fn joined(task: JoinHandle<()>) -> JoinError {
    task.await.unwrap_err()
}

fn errors_are_displayed_with_their_message(running: &Running) {
    running.run(|rt| async move {
        for (spawner, _group) in spawners(&rt) {
            let [string, text, other] = errors(&*spawner).await.map(|error| error.to_string());
            assert!(string.starts_with("task spawned at "), "{string}");
            assert!(string.ends_with(" panicked: a string: 1234"), "{string}");
            assert!(text.starts_with("task 'named' spawned at "), "{text}");
            assert!(text.ends_with(" panicked: a text"), "{text}");
            assert!(other.ends_with(" panicked with a payload that is not a string"), "{other}");
        }
    });
}

fn errors_are_debugged_with_their_message(running: &Running) {
    running.run(|rt| async move {
        for (spawner, _group) in spawners(&rt) {
            let [string, text, other] = errors(&*spawner).await.map(|error| format!("{error:?}"));
            assert!(string.starts_with("JoinError(task spawned at "), "{string}");
            assert!(string.ends_with(" panicked: a string: 1234)"), "{string}");
            assert!(text.ends_with(" panicked: a text)"), "{text}");
            assert!(other.ends_with(" panicked with a payload that is not a string)"), "{other}");
        }
    });
}
