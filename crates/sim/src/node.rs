//! The nodes of a simulation: processes that can be killed, paused and restarted, with clocks of
//! their own.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use async_runtime_compat::BoxFuture;

use crate::clock::{HEADROOM, Offset};
use crate::engine::Engine;
use crate::runtime::SimRuntime;

/// The number of nodes is below this.
pub(crate) const MAX_NODES: usize = 1 << 16;

/// Where a task lives: on a life of a node, or on none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// Nodes are numbered from 1 on.
    pub(crate) node: u32,
    pub(crate) incarnation: u32,
}

impl Home {
    pub(crate) const NONE: Home = Home { node: 0, incarnation: 0 };

    #[inline]
    pub(crate) fn is_node(self) -> bool {
        self.node != 0
    }
}

/// What makes the main future of each of a node's lives.
pub(crate) type Main = Arc<dyn Fn(SimRuntime) -> BoxFuture<'static, ()> + Send + Sync>;

/// A node of a simulation: a process, in effect, that tasks belong to. It can be killed, paused and
/// restarted, and its clocks need not be right.
///
/// [`SimRuntime::node`] gives the node of a name. What is spawned through the node's
/// [`runtime`](Node::runtime) belongs to it, and so do its sleeps. Tasks that are spawned through
/// the runtime that the simulation handed out belong to no node, and outlive them all.
///
/// This is a handle; clones are the same node. Dropping it does nothing to the node. At the end of
/// the simulation a node that still has tasks is a leak as any other, so kill it first, or
/// [allow](crate::Sim::allow_leaks) that.
///
/// # Lives
///
/// A node begins its first life when it is made. [`kill`](Node::kill) ends a life, and
/// [`restart`](Node::restart) begins the next one. A [`SimRuntime`] of a node belongs to the life
/// in which it was given out, and stays dead after that:
///
/// - a task that is spawned through it is refused, and its join says
///   [`is_shutdown`](crate::JoinError::is_shutdown);
/// - a sleep of it never ends, also if it is awaited elsewhere and was due already; and so a time
///   limit never elapses;
/// - its clocks can still be read. They belong to the machine, which goes on.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat_sim::Sim;
///
/// let report = Sim::new(7).run(|rt| async move {
///     let (sender, receiver) = async_channel::unbounded();
///     let node = rt.node("a");
///     node.start(move |rt| {
///         let sender = sender.clone();
///         async move {
///             loop {
///                 sender.send(rt.host().map_or(0, |node| node.incarnation())).await.ok();
///                 rt.sleep(Duration::from_secs(1)).await;
///             }
///         }
///     });
///     rt.sleep(Duration::from_millis(1500)).await;
///     node.restart();
///     rt.sleep(Duration::from_millis(1500)).await;
///     node.kill();
///     rt.sleep(Duration::from_secs(3600)).await;
///     std::iter::from_fn(|| receiver.try_recv().ok()).collect::<Vec<_>>()
/// });
/// assert_eq!(report.unwrap().value, [1, 1, 2, 2]);
/// ```
#[derive(Clone)]
pub struct Node {
    engine: Arc<Engine>,
    id: u32,
    name: Arc<str>,
}

impl Node {
    pub(crate) fn new(engine: Arc<Engine>, id: u32, name: Arc<str>) -> Node {
        Node { engine, id, name }
    }

    /// The name that the node was made with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the node has not been killed, or has been restarted since. A node that is paused is
    /// alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.engine.is_node_alive(self.id)
    }

    /// Whether the node is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.engine.is_node_paused(self.id)
    }

    /// The number of the node's present life, or of its last one: 1 for the first.
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.engine.home_on(self.id).incarnation
    }

    /// The runtime of the node's present life, or of its last one.
    #[must_use]
    pub fn runtime(&self) -> SimRuntime {
        SimRuntime::on(self.engine.clone(), self.engine.home_on(self.id))
    }

    /// Gives the node its program, and starts it: a task named `main` that awaits what `main` makes
    /// of the node's runtime.
    ///
    /// The function is called in that task's first step, once in each life: a panic in it is one of
    /// the task. When the future completes the node lives on, with what it has spawned.
    ///
    /// What was spawned through [`runtime`](Node::runtime) before stays. But a node that was
    /// started before is killed first, as by a new version of the program; and one that was killed
    /// begins a new life.
    #[track_caller]
    pub fn start<F>(&self, main: impl Fn(SimRuntime) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let main: Main = Arc::new(move |rt| Box::pin(main(rt)));
        self.engine.start_node(self.id, main, Location::caller());
    }

    /// Kills the node, if it is alive, and begins its next life, with the program that
    /// [`start`](Node::start) gave it. A node that was never started begins an empty one.
    ///
    /// It is not paused any more. Its clocks go on as they were.
    #[track_caller]
    pub fn restart(&self) {
        self.engine.restart_node(self.id, Location::caller());
    }

    /// Kills the node: its tasks are dropped here and now, whether they wait or are ready, in the
    /// order in which they were spawned.
    ///
    /// Joins of them that are awaited elsewhere say [`is_shutdown`](crate::JoinError::is_shutdown).
    /// Unlike a process that is killed, the futures run their destructors, which may send, but not
    /// spawn: there [`current`](crate::current) is the dead runtime. A task that kills its own node
    /// is dropped when its present poll is over, and whatever that poll returns is lost.
    ///
    /// A node that is dead stays so.
    pub fn kill(&self) {
        self.engine.kill_node(self.id);
    }

    /// Lets the node stand still, as by `SIGSTOP`: its tasks take no step. One that does so to its
    /// own node finishes the present one.
    ///
    /// Time passes. A node that is dead, or paused already, stays so.
    pub fn pause(&self) {
        self.engine.pause_node(self.id);
    }

    /// Lets a paused node go on: its tasks that are ready, or have become so meanwhile, among them
    /// those whose sleeps have ended, may be chosen again.
    pub fn resume(&self) {
        self.engine.resume_node(self.id);
    }

    /// Sets how far the node's clocks are off the simulation's from now on: both that of
    /// [`now`](crate::Timer::now) and that of [`system_time`](crate::Timer::system_time). A jump of
    /// the wall clock is undone.
    ///
    /// The clock of `now` does not run backwards. Set back after somebody has looked at it, it
    /// stands still until it has caught up. Sleeps keep their deadlines, by the node's clock: one
    /// whose deadline is skipped ends at once, and one may have to wait for longer.
    ///
    /// The wall clock shows no time before the year 1970.
    ///
    /// # Panics
    ///
    /// If it is more than a hundred years of 365 days.
    #[track_caller]
    pub fn set_skew(&self, skew: Offset) {
        assert!(skew.duration() <= HEADROOM, "a clock can be off by a hundred years at most");
        self.engine.set_node_skew(self.id, skew);
    }

    /// Lets the node's clocks run faster by so many parts per million from now on, or slower if it
    /// is negative: microseconds gained in each second. Common quartzes have up to 50.
    ///
    /// A clock that showed `s` when the drift was set at the time `t` of the simulation shows
    /// `s + (now - t) * (1_000_000 + ppm) / 1_000_000`, rounded down to the nanosecond. A sleep ends
    /// at the first nanosecond of the simulation's time at which the clock shows its deadline: never
    /// early by the node's own clock, and late by less than a nanosecond of the simulation's.
    ///
    /// # Panics
    ///
    /// If it is -1,000,000 or less: the clock would stand still, or run backwards.
    #[track_caller]
    pub fn set_drift(&self, ppm: i32) {
        assert!(ppm > -1_000_000, "a clock runs forwards: its drift is above -1,000,000 ppm");
        self.engine.set_node_rate(self.id, 1_000_000 + i64::from(ppm));
    }

    /// Lets the node's wall clock jump, as when an administrator or NTP sets it.
    ///
    /// Only [`system_time`](crate::Timer::system_time) shows it. No sleep ends earlier or later.
    pub fn jump(&self, by: Offset) {
        self.engine.jump_node(self.id, by);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name())
            .field("incarnation", &self.incarnation())
            .field("is_alive", &self.is_alive())
            .finish_non_exhaustive()
    }
}
