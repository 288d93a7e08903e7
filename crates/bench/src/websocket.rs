//! The examples' WebSocket server on this crate, against the same server with a native spawn.
//!
//! Both are compiled from the same source; [`native`] explains how the second one is made. They run
//! on the same runtime. So do the clients, all of which are in one task that does not use this
//! crate, so that their cost is the same on both sides.

mod clients;
mod native;
mod section;
mod site;

use crate::backend::Backend;
use crate::backend::async_executor::AsyncExecutor;
use crate::backend::async_std::AsyncStd;
use crate::backend::smol::Smol;
use crate::backend::tokio::Tokio;
use crate::case::{CONTROL, TYPED};
use crate::measure::{Effort, Ratio};
use crate::report::Time;
use crate::way::CancelWay;
use clients::Work;
pub(crate) use section::Section;
use site::{Host, Site};

/// What the comparison is called, to ask for it alone.
pub const NAME: &str = "WebSocket server";

/// Says for a backend, a work and a way whether the figure is wanted.
type Wanted<'a> = &'a dyn Fn(&[&str]) -> bool;

type Measure = fn(&'static str, Effort, Wanted<'_>) -> Vec<Time>;

const BACKENDS: [(&str, Measure); 6] = [
    ("tokio, 2 workers", |name, effort, wanted| {
        times(name, &Tokio::multi_thread(2), effort, wanted)
    }),
    ("tokio, 1 worker", |name, effort, wanted| {
        times(name, &Tokio::multi_thread(1), effort, wanted)
    }),
    ("tokio, current thread", |name, effort, wanted| {
        times(name, &Tokio::current_thread(), effort, wanted)
    }),
    ("smol, 1 thread", |name, effort, wanted| times(name, &Smol, effort, wanted)),
    ("async-std, 1 thread", |name, effort, wanted| times(name, &AsyncStd, effort, wanted)),
    ("async-executor, current thread", |name, effort, wanted| {
        times(name, &AsyncExecutor::default(), effort, wanted)
    }),
];

/// What the native server is compared with.
const WAYS: [(&str, &str); 2] = [
    (TYPED, "The example as it is, with an `Arc<dyn Spawner>` of the backend:"),
    (CONTROL, "Control, another native server:"),
];

/// Measures the figures that are wanted.
#[must_use]
pub fn compare(effort: Effort, wanted: Wanted<'_>) -> Vec<Time> {
    BACKENDS.iter().flat_map(|(backend, measure)| measure(backend, effort, wanted)).collect()
}

fn times<B>(name: &'static str, backend: &B, effort: Effort, wanted: Wanted<'_>) -> Vec<Time>
where
    B: Backend<Native: CancelWay + Host>,
{
    let mut times = Vec::new();
    for work in clients::WORKS {
        let figures = WAYS.iter().filter(|(way, _)| wanted(&[name, work.name, way, NAME]));
        for (way, _) in figures {
            eprintln!("{name}: {NAME}, {}, {way}", work.name);
            let ratio = if *way == TYPED {
                against_native(backend, effort, work, backend.spawner())
            } else {
                against_native(backend, effort, work, backend.native())
            };
            let native_per_task = ratio.native / work.requests();
            times.push(Time { backend: name, work: work.name, way, ratio, native_per_task });
        }
    }
    times
}

/// Compares a server with a native one, on the same runtime.
fn against_native<B>(backend: &B, effort: Effort, work: Work, host: impl Host) -> Ratio
where
    B: Backend<Native: CancelWay + Host>,
{
    let native = Site::open(backend, backend.native(), work);
    let other = Site::open(backend, host, work);
    let ratio = effort.compare(&|rounds| native.run(rounds), &|rounds| other.run(rounds));
    native.close();
    other.close();
    ratio
}
