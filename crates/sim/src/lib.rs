#![doc = include_str!("../README.md")]
//! # What must not get in
//!
//! A run is a function of its seed as long as the simulation controls everything that happens in
//! it. Two violations are detected and fail the run, unless [`Sim::foreign_threads`] allows them:
//!
//! - another thread wakes a task, spawns one, polls a sleep, or acts on a node:
//!   [`FailureKind::ForeignThread`];
//! - the simulation's thread uses the timers or blocking pools of another runtime, or a
//!   [`BlockingPool`](async_runtime_compat::BlockingPool), through async-runtime-compat:
//!   [`FailureKind::RealTime`].
//!
//! The others show only when the same seed gives different runs. [`check()`] runs some seeds twice
//! to find them:
//!
//! | avoid | because | use instead |
//! |-------|---------|-------------|
//! | `tokio::select!`, `futures::select!`, `futures_lite::future::race` | they draw the order of the branches from thread-local randomness | `tokio::select!` with `biased;`, `select_biased!`, `futures_lite::future::or` |
//! | iterating over a [`HashMap`](std::collections::HashMap) or a `HashSet` | the order differs in every run | a `BTreeMap`, sorting, or a hasher without a seed; lookups are fine |
//! | threads: `thread::spawn`, `thread::scope`, `rayon` | the operating system schedules them | [`spawn_with_handle`](async_runtime_compat::SpawnerExt::spawn_with_handle); [`spawn_blocking`](async_runtime_compat::BlockingExt::spawn_blocking), which is one step here |
//! | tasks on another runtime: `tokio::spawn`, `smol::spawn` | the same | the runtime that was passed in |
//! | blocking the thread: `thread::sleep`, `block_on`, a `Condvar`, `mpsc::Receiver::recv` | no other task can run meanwhile: the simulation stops, often for ever | [`sleep`](async_runtime_compat::Timer::sleep), an async channel |
//! | the clocks: [`Instant::now`](std::time::Instant::now), `SystemTime::now`, `elapsed`, `tokio::time` | they show real time | [`now`](async_runtime_compat::Timer::now) and [`system_time`](async_runtime_compat::Timer::system_time) of a [`Timer`](async_runtime_compat::Timer) |
//! | state that outlives a run: mutable statics, `LazyLock`, `thread_local!` | the next run starts with what the last one left | a field of a value that the run creates |
//! | the system's randomness: `rand::rng`, `fastrand::u32`, `getrandom`, `Uuid::new_v4` | it differs in every run | a generator that is passed in: [`SimRuntime::rng`], or one of `rand`'s seeded from it |
//! | the network, other processes | they take real time and answer unpredictably | a trait for the connection (`AsyncRead`, `AsyncWrite`), or channels |
//! | ordering by address, `thread::current().id()`, `process::id()` | they differ in every process | numbers that the program assigns |
//!
//! Fine to use are locks that are not held across an await, async channels and locks that need no
//! runtime (async-channel, async-lock, futures, `tokio::sync`), reading files, and pure computation.
//!
//! `migration/clippy-sim.toml` in the repository configures clippy to report most of these, each
//! with its replacement. A lint sees neither atomics in statics nor what dependencies do.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "preempt")]
mod budget;
mod check;
mod clock;
mod contain;
mod determinism;
mod disturb;
mod engine;
mod exploration;
mod failure;
mod fault;
mod goals;
mod hush;
mod liveness;
mod node;
mod panics;
mod record;
mod rng;
mod runtime;
mod schedule;
mod sim;
mod sleep;
mod storm;
mod strategy;
mod tape;
mod task;
mod testing;
mod timeline;
mod timers;
mod watch;

pub use check::{Check, Checked, Counterexample, Verdict, check};
pub use clock::Offset;
pub use disturb::{Point, point};
pub use exploration::Exploration;
pub use failure::{Failure, FailureKind, TaskReport, Waking};
pub use fault::{Fault, Injection, Rate, buggify, buggify_delay};
pub use goals::reached;
pub use node::{Death, Node};
pub use rng::SimRng;
pub use runtime::SimRuntime;
pub use sim::{Report, Sim};
pub use storm::{ActiveStorm, Storm};
pub use strategy::{InvalidStrategy, Strategy};
pub use tape::{InvalidTape, Tape};
pub use timeline::Timeline;
pub use watch::Eventually;

/// What `#[async_runtime_compat::test(sim)]` expands to calls. Not for other use.
#[doc(hidden)]
pub mod __testing {
    pub use crate::check::Check;
    pub use crate::testing::{SimArgument, SimReturned, search, strategy};
}
