//! `scope` surrounds each poll, the drop, and nothing else.

use std::cell::Cell;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskEnd, TaskHook};
use async_runtime_compat::prelude::*;
use async_runtime_compat_test_support::on_all_runtimes;
use async_runtime_compat_test_support::runtimes::Running;

use crate::support::{Event, Log, polls};

on_all_runtimes! {
    polls_are_timed,
    polls_and_drops_are_in_the_scope,
    drop_of_an_aborted_task_is_in_the_scope,
    scope_alone_is_told_of_no_end,
}

/// The decorator that this is all about: it tells how often each task was polled and for how long.
#[derive(Clone)]
struct PollTimes(Log<(String, u32, u64)>);

struct Times {
    name: String,
    polls: AtomicU32,
    busy: AtomicU64,
    log: Log<(String, u32, u64)>,
}

impl SpawnHook for PollTimes {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        let name = spawning.meta().name().unwrap_or("nameless").to_owned();
        let (polls, busy) = (AtomicU32::new(0), AtomicU64::new(0));
        spawning.add(Arc::new(Times { name, polls, busy, log: self.0.clone() }));
    }
}

impl TaskHook for Times {
    fn scope(&self, f: &mut dyn FnMut()) {
        let start = Instant::now();
        f();
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.busy.fetch_add(nanos, Ordering::Relaxed);
    }

    fn end(&self, _: TaskEnd) {
        let (polls, busy) = (self.polls.load(Ordering::Relaxed), self.busy.load(Ordering::Relaxed));
        self.log.push((self.name.clone(), polls, busy));
    }
}

fn polls_are_timed(running: &Running) {
    running.run(|runtime| async move {
        let log = Log::new();
        let spawner = Hooked::new(runtime, PollTimes(log.clone()));
        let busy = async {
            polls(3).await;
            // For as long as a clock can tell.
            let start = Instant::now();
            while start.elapsed().is_zero() {}
        };
        spawner.spawn_named("busy", busy).await.unwrap();
        let [(name, polls, busy)] = &*log.take() else { panic!("there was one task") };
        // Its future goes in the poll in which it completes.
        assert_eq!((&**name, *polls), ("busy", 4));
        assert!(*busy > 0);
    });
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Declares the scope in a variable of the thread.
struct Marks;

impl SpawnHook for Marks {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.add_scope(Arc::new(Marks));
    }
}

impl TaskHook for Marks {
    fn scope(&self, f: &mut dyn FnMut()) {
        assert!(!INSIDE.replace(true), "it was in it already");
        f();
        INSIDE.set(false);
    }

    fn end(&self, _: TaskEnd) {
        panic!("it was added for its scope alone");
    }
}

/// Logs whether it is in the scope.
struct Watched {
    polls: u32,
    log: Log<(&'static str, bool)>,
    polled: Event,
}

impl Future for Watched {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.log.push(("poll", INSIDE.get()));
        self.polled.set();
        if self.polls == 0 {
            return Poll::Ready(());
        }
        self.polls -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.log.push(("drop", INSIDE.get()));
    }
}

fn polls_and_drops_are_in_the_scope(running: &Running) {
    running.run(|runtime| async move {
        let (log, polled) = (Log::new(), Event::new());
        let spawner = Hooked::new(runtime, Marks);
        let watched = Watched { polls: 2, log: log.clone(), polled };
        spawner.spawn_with_handle(watched).await.unwrap();
        let poll = ("poll", true);
        assert_eq!(log.take(), [poll, poll, poll, ("drop", true)]);
    });
}

fn drop_of_an_aborted_task_is_in_the_scope(running: &Running) {
    running.run(|runtime| async move {
        let (log, polled) = (Log::new(), Event::new());
        let spawner = Hooked::new(runtime, Marks);
        let watched = Watched { polls: u32::MAX, log: log.clone(), polled: polled.clone() };
        let task = spawner.spawn_with_handle(watched);
        polled.happens().await;
        assert!(task.cancel().await.unwrap_err().is_cancelled());
        let seen = log.take();
        assert_eq!(seen.last(), Some(&("drop", true)));
        assert!(seen.iter().all(|(_, inside)| *inside));
    });
}

fn scope_alone_is_told_of_no_end(running: &Running) {
    // `Marks` would panic.
    running.run(|runtime| async move {
        let spawner = Hooked::new(runtime, Marks);
        spawner.spawn_with_handle(polls(1)).await.unwrap();
        let task = spawner.spawn_with_handle(pending::<()>());
        assert!(task.cancel().await.unwrap_err().is_cancelled());
    });
}
