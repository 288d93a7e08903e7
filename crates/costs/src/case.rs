//! Every work on every backend, ready to run.

use std::future::Future;
use std::time::Duration;

#[cfg(feature = "async-executor")]
use crate::backend::async_executor::AsyncExecutor;
#[cfg(feature = "async-std")]
use crate::backend::async_std::AsyncStd;
#[cfg(feature = "smol")]
use crate::backend::smol::Smol;
#[cfg(feature = "tokio")]
use crate::backend::tokio::Tokio;
use crate::backend::{Backend, FullBackend};
use crate::groups;
use crate::wait::{TypedPool, TypedTimer};
use crate::way::{AbortThenJoin, Typed};
use crate::work::wait::{self, BLOCKING_TASKS};
use crate::work::{self, LARGE_TASKS, TASKS};

/// Does a work so many times, and gives the time that it took.
pub type Run = Box<dyn Fn(u64) -> Duration>;

/// A work on a backend.
pub struct Case {
    /// The name of the backend.
    pub backend: &'static str,
    /// The name of the work.
    pub work: &'static str,
    /// How many tasks the work is about.
    pub tasks: u64,
    /// The work without this crate.
    pub native: Run,
    /// The ways that go through this crate, with their names.
    pub shims: Vec<(&'static str, Run)>,
}

impl Case {
    /// The work in the way of that name, if there is such a way.
    #[must_use]
    pub fn run(&self, way: &str) -> Option<&Run> {
        if [NATIVE, CONTROL].contains(&way) {
            return Some(&self.native);
        }
        self.shims.iter().find(|(name, _)| *name == way).map(|(_, run)| run)
    }
}

/// What the others are compared with.
pub const NATIVE: &str = "native";
/// The native way against itself: what the ratios are when there is no difference.
pub const CONTROL: &str = "control";
/// The native way with handles of the size of ours.
pub const PADDED: &str = "padded";
/// The typed methods on a trait object of a built-in backend.
pub const TYPED: &str = "typed";
/// The typed methods on a trait object of a caller's own spawner.
pub const OPAQUE: &str = "opaque";
/// A group of tasks; what it is compared with is in the name of the work.
pub const GROUP: &str = "group";

/// Starts a backend, and gives its cases under the name.
pub type Start = fn(&'static str) -> Vec<Case>;

/// The backends by name.
pub const BACKENDS: &[(&str, Start)] = &[
    #[cfg(feature = "tokio")]
    ("tokio, 2 workers", |name| tokio_cases(name, &Tokio::multi_thread(2))),
    #[cfg(feature = "tokio")]
    ("tokio, 1 worker", |name| tokio_cases(name, &Tokio::multi_thread(1))),
    #[cfg(feature = "tokio")]
    ("tokio, current thread", |name| tokio_cases(name, &Tokio::current_thread())),
    #[cfg(feature = "smol")]
    ("smol, 1 thread", |name| cases(name, &Smol)),
    #[cfg(feature = "async-std")]
    ("async-std, 1 thread", |name| cases(name, &AsyncStd)),
    #[cfg(feature = "async-executor")]
    ("async-executor, current thread", |name| cases(name, &AsyncExecutor::default())),
];

/// Binds a work to a way to spawn.
pub fn run<B, W, F>(backend: &B, way: W, work: impl Fn(W, u64) -> F + 'static) -> Run
where
    B: Backend,
    W: Clone + 'static,
    F: Future<Output = Duration> + Send + 'static,
{
    let backend = backend.clone();
    Box::new(move |rounds| backend.run(work(way.clone(), rounds)))
}

/// A spawner that this crate knows, for [`Typed`].
enum Known {}
/// A spawner of a caller's.
enum Unknown {}

#[cfg(feature = "tokio")]
fn tokio_cases(name: &'static str, tokio: &Tokio) -> Vec<Case> {
    let mut cases = cases(name, tokio);
    cases.extend(groups::join_sets(name, tokio));
    cases
}

fn cases<B: FullBackend>(name: &'static str, backend: &B) -> Vec<Case> {
    let native = || backend.native();
    let typed = || Typed::<(B, Known)>::new(backend.spawner());
    let opaque = || Typed::<(B, Unknown)>::new(backend.opaque());
    let native_timer = || backend.timer();
    let timer = || TypedTimer::<B>::new(backend.runtime());

    macro_rules! case {
        ($what:literal, $tasks:expr, $work:expr, $($shim:ident $way:expr),*) => {
            Case {
                backend: name,
                work: $what,
                tasks: $tasks,
                native: run(backend, native(), $work),
                shims: vec![$(($shim, run(backend, $way, $work))),*],
            }
        };
    }
    macro_rules! join {
        ($what:literal, $tasks:expr, $work:expr) => {
            case!($what, $tasks, $work, TYPED typed(), OPAQUE opaque())
        };
    }
    macro_rules! padded {
        ($what:literal, $tasks:expr, $work:expr) => {
            case!(
                $what, $tasks, $work,
                TYPED typed(), OPAQUE opaque(), PADDED backend.padded()
            )
        };
    }
    macro_rules! abort {
        ($what:literal, $tasks:expr, $work:expr) => {
            case!(
                $what, $tasks, $work,
                TYPED AbortThenJoin(typed()), OPAQUE AbortThenJoin(opaque())
            )
        };
    }

    macro_rules! time {
        ($what:literal, $work:expr) => {
            Case {
                backend: name,
                work: $what,
                tasks: TASKS,
                native: run(backend, native_timer(), $work),
                shims: vec![(TYPED, run(backend, timer(), $work))],
            }
        };
    }

    let mut cases = vec![
        padded!("spawn and join", TASKS, work::spawn_and_join),
        join!("spawn detached", TASKS, work::spawn_detached),
        join!("spawn and join, 16 B each", TASKS, work::spawn_and_join_sized::<_, 16>),
        join!("spawn and join, 1 KiB each", TASKS, work::spawn_and_join_sized::<_, 1024>),
        join!("spawn and join, 16 KiB each", LARGE_TASKS, work::spawn_and_join_large::<_, 16384>),
        padded!("join when finished", TASKS, work::join_finished),
        join!("spawn from 4 threads", TASKS, work::spawn_from_threads),
        join!("chain of spawns", TASKS, work::chain),
        join!("cancel before the first poll", TASKS, work::cancel_at_once),
        join!("cancel while pending", TASKS, work::cancel_pending),
        abort!("abort and join before the first poll", TASKS, work::cancel_at_once),
        abort!("abort and join while pending", TASKS, work::cancel_pending),
        time!("sleep, dropped while pending", wait::sleep_dropped),
        time!("sleep to its end, many at once", wait::sleep_to_end),
        Case {
            backend: name,
            work: "sleep to its end, in many tasks",
            tasks: TASKS,
            native: run(backend, (native_timer(), native()), wait::sleep_in_tasks),
            shims: vec![(TYPED, run(backend, (timer(), native()), wait::sleep_in_tasks))],
        },
        time!("timeout of what is ready", wait::timeout_ready),
        time!("timeout of what waits once", wait::timeout_waiting),
        case!("block and join", BLOCKING_TASKS, wait::block, TYPED TypedPool::<B>::new(backend.runtime())),
    ];
    for (work, native, group) in groups::cases(backend) {
        cases.push(Case { backend: name, work, tasks: TASKS, native, shims: vec![(GROUP, group)] });
    }
    cases
}
