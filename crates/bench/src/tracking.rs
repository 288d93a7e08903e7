//! What it costs to count tasks with a `TaskTracker`, beside what a `TaskGroup` costs.

use std::fmt;
use std::future::Future;

use tokio_util::task::TaskTracker;

use crate::backend::Backend;
use crate::backend::async_executor::AsyncExecutor;
use crate::backend::async_std::AsyncStd;
use crate::backend::smol::Smol;
use crate::backend::tokio::Tokio;
use crate::case::{self, Run};
use crate::measure::Effort;
use crate::report::{Time, grid};
use crate::way::{JoinWay, Way};
use crate::work::{self, TASKS};

/// What the figures are called, to ask for them alone.
pub const NAME: &str = "tracking";

const DETACHED: &str = "`TaskTracker`, spawn detached";
const JOIN: &str = "`TaskTracker`, spawn and join";

struct Case {
    backend: &'static str,
    work: &'static str,
    bare: Run,
    tracked: Run,
}

/// Compares them on the backends.
#[must_use]
pub fn compare(effort: Effort, wants: &dyn Fn(&[&str]) -> bool) -> Vec<Time> {
    let mut cases = Vec::new();
    cases.extend(tracked("tokio, 2 workers", &Tokio::multi_thread(2)));
    cases.extend(tracked("tokio, 1 worker", &Tokio::multi_thread(1)));
    cases.extend(tracked("tokio, current thread", &Tokio::current_thread()));
    cases.extend(tracked("smol, 1 thread", &Smol));
    cases.extend(tracked("async-std, 1 thread", &AsyncStd));
    cases.extend(tracked("async-executor, current thread", &AsyncExecutor::default()));

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

fn tracked<B: Backend>(backend: &'static str, on: &B) -> [Case; 2] {
    let tracker = || Tracker(TaskTracker::new(), on.native());
    [
        Case {
            backend,
            work: DETACHED,
            bare: case::run(on, on.native(), work::spawn_detached),
            tracked: case::run(on, tracker(), work::spawn_detached),
        },
        Case {
            backend,
            work: JOIN,
            bare: case::run(on, on.native(), work::spawn_and_join),
            tracked: case::run(on, tracker(), work::spawn_and_join),
        },
    ]
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
             tokio-util's `TaskTracker` counts its tasks, which is four atomic operations for each; below \
             is its ratio to a bare spawn of the runtime. A `TaskGroup`, in the tables \
             [by runtime](#by-runtime), can list and abort each of its tasks as well: it takes a lock to \
             write an entry, looks before and after each poll whether the task is to stop, and makes \
             the future that is spawned larger by 32 bytes. The tasks do nothing at all, so that this is \
             as much of the whole as it can be.\n"
        )?;
        let times: Vec<_> = self.0.iter().collect();
        writeln!(f, "{}", grid(&times, |time| time.ratio.to_string()))
    }
}
