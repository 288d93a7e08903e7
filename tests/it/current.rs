//! The current runtime: of a task, of a thread, and by the environment.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{Ambient, FnSpawner, current, from_env, with_blocking, with_timer};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, Stopped, on_all_runtimes};

on_all_runtimes! {
    tasks_find_the_runtime_that_they_were_spawned_through,
    the_outermost_is_current,
    runtimes_side_by_side_are_told_apart,
    scopes_end,
    tasks_past_the_ambient_runtime_do_not_find_it,
    aborted_and_panicking_tasks_leave_nothing_behind,
}

/// Whether the current runtime is this one.
fn is_current(runtime: &Arc<Ambient>) -> bool {
    current().is_ok_and(|current| Arc::as_ptr(&current).addr() == Arc::as_ptr(runtime).addr())
}

fn ambient(running: &Running) -> Arc<Ambient> {
    Ambient::new(running.runtime.clone())
}

/// Tells what it finds when it is dropped.
struct AsksWhenDropped(Arc<Ambient>, async_channel::Sender<bool>);

impl Drop for AsksWhenDropped {
    fn drop(&mut self) {
        let _ = self.1.try_send(is_current(&self.0));
    }
}

fn tasks_find_the_runtime_that_they_were_spawned_through(running: &Running) {
    let ambient = ambient(running);
    let this = ambient.clone();
    let depth = ambient.spawn_with_handle(async move {
        assert!(is_current(&this));
        async_runtime_compat::yield_now().await;
        assert!(is_current(&this), "after an await");

        // Nested, by nothing but what is found.
        let inner = this.clone();
        let nested = current().unwrap().spawn_named("nested", async move {
            assert!(is_current(&inner));
            let innermost = inner.clone();
            current().unwrap().spawn_with_handle(async move { is_current(&innermost) }).await
        });
        assert!(nested.await.unwrap().unwrap());

        // In a job, and in a task that the job spawns.
        let inner = this.clone();
        let job = current().unwrap().spawn_blocking(move || {
            assert!(is_current(&inner));
            block_on(current().unwrap().spawn_with_handle(async move { is_current(&inner) }))
        });
        assert!(job.await.unwrap().unwrap());
        assert!(is_current(&this), "after a nested task");
    });
    block_on(depth).unwrap();

    // Detached and raw ones.
    let (found, answer) = async_channel::bounded(4);
    let ask = || {
        let (this, found) = (ambient.clone(), found.clone());
        move || found.try_send(is_current(&this)).unwrap()
    };
    let asks = ask();
    ambient.spawn_detached(async move { asks() });
    let asks = ask();
    Spawner::spawn(&ambient, Box::pin(async move { asks() }));
    ambient.execute(Box::new(ask()));
    ambient.spawn_blocking(ask()).detach();
    for _ in 0..4 {
        assert!(answer.recv_blocking().unwrap());
    }
}

fn the_outermost_is_current(running: &Running) {
    let inner = ambient(running);
    let outer = Ambient::new(inner.clone());
    let this = outer.clone();
    assert!(block_on(outer.spawn_with_handle(async move { is_current(&this) })).unwrap());
    let this = outer.clone();
    assert!(block_on(outer.spawn_blocking(move || is_current(&this))).unwrap());
    let this = inner.clone();
    assert!(block_on(inner.spawn_with_handle(async move { is_current(&this) })).unwrap());
    // The inner one is kept by the outer one.
    drop(inner);
    let this = outer.clone();
    assert!(block_on(outer.spawn_with_handle(async move { is_current(&this) })).unwrap());
}

fn runtimes_side_by_side_are_told_apart(running: &Running) {
    let ambients = [ambient(running), ambient(running), ambient(running)];
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let this = ambients[n % ambients.len()].clone();
            this.clone().spawn_with_handle(async move {
                for _ in 0..10 {
                    assert!(is_current(&this));
                    async_runtime_compat::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        block_on(task).unwrap();
    }
}

fn scopes_end(running: &Running) {
    let (outer, inner) = (ambient(running), ambient(running));
    assert!(!is_current(&outer));
    outer.in_scope(|| {
        assert!(is_current(&outer));
        inner.in_scope(|| assert!(is_current(&inner)));
        let unwinds = || inner.in_scope(|| std::panic::resume_unwind(Box::new("out of a scope")));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(unwinds)).is_err());
        assert!(is_current(&outer));
    });
    assert!(!is_current(&outer) && !is_current(&inner));
}

fn tasks_past_the_ambient_runtime_do_not_find_it(running: &Running) {
    let ambient = ambient(running);
    let past = running.runtime.clone();
    let this = ambient.clone();
    let task = ambient.spawn_with_handle(async move {
        let task = past.spawn_with_handle(async move { is_current(&this) });
        task.await.unwrap()
    });
    assert!(!block_on(task).unwrap());
}

fn aborted_and_panicking_tasks_leave_nothing_behind(running: &Running) {
    let ambient = ambient(running);
    let (found, answer) = async_channel::unbounded();
    for round in 0..50 {
        let asks = AsksWhenDropped(ambient.clone(), found.clone());
        let task = ambient.spawn_with_handle(async move {
            let _asks = asks;
            if round % 2 == 0 {
                std::panic::resume_unwind(Box::new("in a task"));
            }
            std::future::pending::<()>().await;
        });
        if round % 4 == 3 {
            async_io::block_on(async_runtime_compat::yield_now());
        }
        task.abort();
        assert!(block_on(task).is_err());
        // It was dropped, in the scope of its runtime.
        assert!(answer.recv_blocking().unwrap());
    }
    // Whatever thread these run on, nothing of the above is left there.
    for _ in 0..50 {
        let this = ambient.clone();
        let past = running.runtime.spawn_with_handle(async move { is_current(&this) });
        assert!(!block_on(past).unwrap());
    }
    // Nor is the runtime held by anything once its tasks are gone.
    let weak = Arc::downgrade(&ambient);
    drop((ambient, answer));
    while weak.upgrade().is_some() {
        thread::yield_now();
    }
}

#[test]
fn destructor_of_the_runtime_may_look_for_one() {
    struct Looks(Arc<AtomicUsize>);

    impl Drop for Looks {
        fn drop(&mut self) {
            let _ = current();
            self.0.fetch_add(1, Ordering::SeqCst);
            std::panic::resume_unwind(Box::new("in the destructor of a runtime"));
        }
    }

    let drops = Arc::new(AtomicUsize::new(0));
    let looks = Looks(drops.clone());
    let threads = FnSpawner::new(move |task| {
        let _owned = &looks;
        thread::spawn(|| block_on(task));
    });
    let pool = async_runtime_compat::BlockingPool::new();
    let runtime = with_blocking(with_timer(threads, Stopped(std::time::Instant::now())), pool);
    let ambient = Ambient::new(runtime);
    let (go, wait) = async_channel::bounded::<()>(1);
    let task = ambient.spawn_with_handle(async move { wait.recv().await.is_ok() });
    // The task is the last to hold it.
    drop(ambient);
    go.send_blocking(()).unwrap();
    assert!(block_on(task).unwrap());
    while drops.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
}

#[cfg(feature = "tokio")]
#[test]
fn thread_in_a_tokio_runtime_finds_it() {
    let tokio = ::tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    let id = tokio.handle().id();
    let is_tokio = move || {
        let runtime = current().unwrap();
        let found = runtime.spawn_with_handle(async { ::tokio::runtime::Handle::current().id() });
        async move { found.await.unwrap() == id }
    };
    assert!(tokio.block_on(async { is_tokio().await }));
    let on_its_pool = tokio.block_on(tokio.spawn_blocking(is_tokio)).unwrap();
    assert!(tokio.block_on(on_its_pool));
    let _guard = tokio.enter();
    assert!(tokio.block_on(is_tokio()));
}

#[cfg(feature = "async-std")]
#[test]
fn async_std_task_finds_its_runtime() {
    use ::async_std::task;

    let in_async_std = || async {
        let found = current().unwrap().spawn_with_handle(async { task::try_current().is_some() });
        found.await.unwrap()
    };
    assert!(task::block_on(in_async_std()));
    let spawner = async_runtime_compat::async_std::AsyncStdSpawner;
    assert!(task::block_on(spawner.spawn_with_handle(in_async_std())).unwrap());
}

#[test]
fn thread_in_no_runtime_is_told_what_was_tried() {
    let backends = ["tokio", "smol", "async-std", "async-executor"];
    let enabled = [
        cfg!(feature = "tokio"),
        cfg!(feature = "smol"),
        cfg!(feature = "async-std"),
        cfg!(feature = "async-executor"),
    ];
    let enabled: Vec<_> = backends.iter().zip(enabled).filter(|it| it.1).map(|it| *it.0).collect();
    match current() {
        Ok(_) => assert!(enabled == ["smol"] || enabled == ["async-std"], "{enabled:?}"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("there is no current runtime"), "{text}");
            for name in enabled {
                assert!(text.contains(&format!("`{name}`")), "no `{name}` in: {text}");
            }
        }
    }
}

/// What [`from_env`] finds in a process of its own, which runs the test below once more: the
/// environment is the process's.
fn found_with(value: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "current::environment_names_the_runtime", "--nocapture"]);
    let output = command.env("ASYNC_RUNTIME", value).env(ASKED, "").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("found: ")).map(|it| it.1.to_owned());
    line.unwrap_or_else(|| panic!("the process says nothing: {text}"))
}

/// Set in the processes that [`found_with`] starts.
const ASKED: &str = "ASYNC_RUNTIME_COMPAT_TESTS_ASK";

/// Prints what [`from_env`] finds.
fn tell_what_is_found() {
    let tell = || match from_env() {
        Ok(runtime) => {
            let name = runtime
                .spawn_with_handle(async { thread::current().name().unwrap_or("?").to_owned() });
            format!("a runtime with the thread {}", block_on(name).unwrap())
        }
        Err(error) => error.to_string(),
    };
    println!("\nfound: {}", tell());
}

#[test]
fn environment_names_the_runtime() {
    if std::env::var_os(ASKED).is_some() {
        return tell_what_is_found();
    }
    if cfg!(feature = "smol") {
        assert_eq!(found_with("smol"), "a runtime with the thread smol-1");
    }
    if cfg!(feature = "async-std") {
        let found = found_with("async-std");
        assert!(found.contains("the thread async-std/"), "{found}");
    }
    if cfg!(feature = "tokio") {
        let found = found_with("tokio");
        assert!(found.contains("`ASYNC_RUNTIME` is `tokio`, but this thread is in no"), "{found}");
    }
    let found = found_with("tokyo");
    assert!(found.contains("`ASYNC_RUNTIME` is `tokyo`, but no runtime has that name"), "{found}");
    // Without a name it is the one that `current()` finds.
    let found = found_with("");
    match current() {
        Ok(_) => assert!(found.starts_with("a runtime with the thread "), "{found}"),
        Err(error) => assert_eq!(found, error.to_string()),
    }
}
