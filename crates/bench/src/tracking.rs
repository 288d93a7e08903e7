//! What it costs to know the tasks: groups of ours, and what tokio has.
//!
//! Each is compared with a bare spawn of its own kind: a group of ours with the typed methods on the
//! spawner that it is made of, tokio's with a spawn of tokio's.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_runtime_compat::TaskGroup;
use async_runtime_compat::prelude::*;
use tokio_util::task::TaskTracker;

use crate::backend::async_executor::AsyncExecutor;
use crate::backend::async_std::AsyncStd;
use crate::backend::smol::Smol;
use crate::backend::tokio::Tokio;
use crate::backend::{Backend, FullBackend};
use crate::case::{self, Run};
use crate::measure::Effort;
use crate::report::{Time, grid};
use crate::tracked::spawn_and_collect;
use crate::wait::TypedTimer;
use crate::way::{JoinWay, Typed, Way};
use crate::work::{self, TASKS, wait};

/// What the figures are called, to ask for them alone.
pub const NAME: &str = "tracking";

/// What a bare spawn may cost more when its task is tracked.
const BOUND: f64 = 1.10;

/// The rows.
mod row {
    pub(super) const GROUP_DETACHED: &str = "`TaskGroup`, spawn detached";
    pub(super) const GROUP_JOIN: &str = "`TaskGroup`, spawn and join";
    pub(super) const GROUP_SLEEP: &str = "`TaskGroup`, tasks that sleep once";
    pub(super) const TRACKER_DETACHED: &str = "tokio-util's `TaskTracker`, spawn detached";
    pub(super) const TRACKER_JOIN: &str = "tokio-util's `TaskTracker`, spawn and join";
    pub(super) const JOIN_GROUP: &str = "`JoinGroup`, results as the tasks end";
    pub(super) const JOIN_SET: &str = "tokio's `JoinSet`, results as the tasks end";
}

struct Case {
    backend: &'static str,
    work: &'static str,
    bare: Run,
    tracked: Run,
}

/// Compares all of them on the backends.
#[must_use]
pub fn compare(effort: Effort, wants: &dyn Fn(&[&str]) -> bool) -> Vec<Time> {
    let mut cases = Vec::new();
    for (backend, tokio) in [
        ("tokio, 2 workers", Tokio::multi_thread(2)),
        ("tokio, 1 worker", Tokio::multi_thread(1)),
        ("tokio, current thread", Tokio::current_thread()),
    ] {
        cases.extend(ours(backend, &tokio));
        cases.push(join_set(backend, &tokio));
    }
    cases.extend(ours("smol, 1 thread", &Smol));
    cases.extend(ours("async-std, 1 thread", &AsyncStd));
    cases.extend(ours("async-executor, current thread", &AsyncExecutor::default()));

    let mut times = Vec::new();
    for Case { backend, work, bare, tracked } in cases {
        if wants(&[NAME, backend, work]) {
            eprintln!("{NAME}: {backend}, {work}");
            let ratio = effort.compare(&bare, &tracked);
            let tasks = u32::try_from(TASKS).unwrap_or(u32::MAX);
            let native_per_task = ratio.native / tasks;
            times.push(Time { backend, work, way: NAME, ratio, native_per_task });
        }
    }
    times
}

fn ours<B: FullBackend>(name: &'static str, backend: &B) -> Vec<Case> {
    let bare = || Typed(backend.spawner());
    // The group is not dropped between the rounds, and the last clone goes with the last run.
    let group = || Typed(Arc::new(TaskGroup::new(backend.spawner())));
    let timer = || TypedTimer(backend.runtime());
    let set = backend.spawner();
    let tracker = || Tracker(TaskTracker::new(), backend.native());
    let case = |work, bare, tracked| Case { backend: name, work, bare, tracked };
    vec![
        case(
            row::GROUP_DETACHED,
            case::run(backend, bare(), work::spawn_detached),
            case::run(backend, group(), work::spawn_detached),
        ),
        case(
            row::GROUP_JOIN,
            case::run(backend, bare(), work::spawn_and_join),
            case::run(backend, group(), work::spawn_and_join),
        ),
        case(
            row::GROUP_SLEEP,
            case::run(backend, (timer(), bare()), wait::sleep_in_tasks),
            case::run(backend, (timer(), group()), wait::sleep_in_tasks),
        ),
        case(
            row::JOIN_GROUP,
            case::run(backend, bare(), work::spawn_and_join),
            case::run(backend, set, spawn_and_collect),
        ),
        case(
            row::TRACKER_DETACHED,
            case::run(backend, backend.native(), work::spawn_detached),
            case::run(backend, tracker(), work::spawn_detached),
        ),
        case(
            row::TRACKER_JOIN,
            case::run(backend, backend.native(), work::spawn_and_join),
            case::run(backend, tracker(), work::spawn_and_join),
        ),
    ]
}

fn join_set(name: &'static str, backend: &Tokio) -> Case {
    let set = backend.handle().clone();
    Case {
        backend: name,
        work: row::JOIN_SET,
        bare: case::run(backend, backend.native(), work::spawn_and_join),
        tracked: case::run(backend, set, spawn_and_collect),
    }
}

/// Native spawns of what a tracker wraps.
#[derive(Clone)]
struct Tracker<W>(TaskTracker, W);

impl<W: Way> Way for Tracker<W> {
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.1.spawn_detached(self.0.track_future(future));
    }
}

impl<W: JoinWay> JoinWay for Tracker<W> {
    type Handle<T: Send + 'static> = W::Handle<T>;
    type End<T: Send + 'static> = W::End<T>;

    fn spawn<F>(&self, future: F) -> W::Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.1.spawn(self.0.track_future(future))
    }

    fn output<T: Send + 'static>(end: W::End<T>) -> T {
        W::output(end)
    }
}

/// The section of the report.
pub(crate) struct Section<'a>(pub(crate) &'a [Time]);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "## Tracking tasks\n\n\
             What it costs to know the tasks: the ratio to a bare spawn, of ours for ours and of the \
             runtime's own for what is not ours. A group may take {BOUND:.2}. A `TaskTracker` counts its \
             tasks, which is four atomic operations for each; a `TaskGroup` can list and abort each, \
             and so takes a lock to write an entry, which is five, looks before and after each poll \
             whether the task is to stop, and makes the future that is spawned larger by 32 bytes. \
             The tasks of the first rows do nothing at all, so that this is as much of the whole as \
             it can be.\n"
        )?;
        let times: Vec<_> = self.0.iter().collect();
        let cell = |time: &Time| {
            let over = time.work.starts_with("`TaskGroup") && time.ratio.median > BOUND;
            let bold = if over { "**" } else { "" };
            let (lower, upper) = (time.ratio.lower, time.ratio.upper);
            format!("{bold}{:.2}{bold} ({lower:.2}–{upper:.2})", time.ratio.median)
        };
        writeln!(f, "{}", grid(&times, cell))
    }
}
