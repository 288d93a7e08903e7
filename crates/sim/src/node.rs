//! The nodes of a simulation: processes that can be killed, paused and restarted, with their own
//! clocks.

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

/// Where a task belongs: to a life of a node, or to none.
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

/// Creates the main future of each of a node's lives.
pub(crate) type Main = Arc<dyn Fn(SimRuntime) -> BoxFuture<'static, ()> + Send + Sync>;

/// A node of a simulation: in effect, a process that tasks belong to. It can be killed, paused and
/// restarted, and its clocks may be wrong.
///
/// [`SimRuntime::node`] returns the node with a name. Tasks spawned through the node's
/// [`runtime`](Node::runtime) belong to it, and so do its sleeps. Tasks spawned through the runtime
/// that the simulation handed out belong to no node, and outlive them all.
///
/// This is a handle; clones are the same node. Dropping it does nothing to the node. Tasks of a node
/// that are alive at the end of the simulation are leaks like any others, so kill the node first, or
/// [allow](crate::Sim::allow_leaks) leaks.
///
/// # Lives
///
/// A node begins its first life when it is created. [`kill`](Node::kill) ends a life, and
/// [`restart`](Node::restart) begins the next one. A node's [`SimRuntime`] belongs to the life in
/// which it was obtained, and is dead after that:
///
/// - a task spawned through it is refused, and its join says
///   [`is_shutdown`](async_runtime_compat::JoinError::is_shutdown);
/// - its sleeps never end, even if they are awaited elsewhere and were already due; so a time limit
///   never elapses;
/// - its clocks can still be read. They belong to the machine, which keeps running.
///
/// # Faults
///
/// Killing, restarting and pausing a node, and setting its clocks wrong, are [faults](crate::Fault): they
/// are on the [tape](crate::Tape), and when a failure is shrunk, those that it does not need are switched
/// off. The call then does nothing. What ends a fault is never switched off: starting a dead node,
/// [`resume`](Node::resume), and setting a clock right. So the program may end its faults as it likes,
/// and a node that was not killed after all is [alive](Node::is_alive).
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

    /// Whether the node was not killed, or was restarted since. A paused node is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.engine.is_node_alive(self.id)
    }

    /// Whether the node is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.engine.is_node_paused(self.id)
    }

    /// The number of the node's present life, or of its last one, counted from 1.
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.engine.home_on(self.id).incarnation
    }

    /// The runtime of the node's present life, or of its last one.
    #[must_use]
    pub fn runtime(&self) -> SimRuntime {
        SimRuntime::on(self.engine.clone(), self.engine.home_on(self.id))
    }

    /// Sets the node's program and starts it: a task named `main` that awaits the future that `main`
    /// returns.
    ///
    /// The function is called in that task's first step, once in each life, so a panic in it is a
    /// panic of the task. When the future completes, the node lives on, with the tasks that it has
    /// spawned.
    ///
    /// Tasks that were spawned through [`runtime`](Node::runtime) before are kept. But a node that
    /// was started before is killed first, as when a new version is deployed; and one that was killed
    /// begins a new life.
    #[track_caller]
    pub fn start<F>(&self, main: impl Fn(SimRuntime) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let main: Main = Arc::new(move |rt| Box::pin(main(rt)));
        self.engine.start_node(self.id, main, Location::caller());
    }

    /// Kills the node, if it is alive, and begins its next life with the program set by
    /// [`start`](Node::start). The life of a node that was never started begins empty.
    ///
    /// The node is no longer paused. Its clocks keep running as they were.
    #[track_caller]
    pub fn restart(&self) {
        self.engine.restart_node(self.id, Location::caller());
    }

    /// Kills the node: its tasks are dropped before this returns, waiting or ready, in the order in
    /// which they were spawned.
    ///
    /// Their joins, if awaited elsewhere, say
    /// [`is_shutdown`](async_runtime_compat::JoinError::is_shutdown). Unlike those of a killed process,
    /// the futures run their destructors, which may send but not spawn: there
    /// [`current`](async_runtime_compat::current) returns the dead runtime. A task that kills its own
    /// node is dropped when its present poll is over, and the result of that poll is lost.
    ///
    /// Killing a dead node does nothing.
    pub fn kill(&self) {
        self.engine.kill_node(self.id);
    }

    /// Pauses the node, like `SIGSTOP`: its tasks take no steps. A task that pauses its own node
    /// finishes its present step.
    ///
    /// Time passes. Pausing a dead or paused node does nothing.
    pub fn pause(&self) {
        self.engine.pause_node(self.id);
    }

    /// Resumes a paused node: its tasks that are ready, or became ready meanwhile because a sleep
    /// ended, for example, may take steps again.
    pub fn resume(&self) {
        self.engine.resume_node(self.id);
    }

    /// Sets how far the node's clocks are off the simulation's from now on: those of
    /// [`now`](async_runtime_compat::Timer::now) and of
    /// [`system_time`](async_runtime_compat::Timer::system_time). A jump of the wall clock is undone.
    ///
    /// The clock of `now` never runs backwards. If it is set back after it was read, it stands still
    /// until it has caught up. Sleeps keep their deadlines by the node's clock: a sleep whose deadline
    /// is skipped ends at once, and others may take longer.
    ///
    /// The wall clock shows no time before the year 1970.
    ///
    /// # Panics
    ///
    /// If the skew is more than a hundred years of 365 days.
    #[track_caller]
    pub fn set_skew(&self, skew: Offset) {
        assert!(skew.duration() <= HEADROOM, "a clock can be off by at most a hundred years");
        self.engine.set_node_skew(self.id, skew);
    }

    /// Makes the node's clocks gain so many microseconds per second (parts per million) from now on,
    /// or lose them if negative. Common quartz clocks drift by up to 50.
    ///
    /// A clock that showed `s` when the drift was set at the time `t` of the simulation shows
    /// `s + (now - t) * (1_000_000 + ppm) / 1_000_000`, rounded down to the nanosecond. A sleep ends
    /// at the first nanosecond of the simulation's time at which the clock shows its deadline: never
    /// early by the node's own clock, and less than a nanosecond late by the simulation's.
    ///
    /// # Panics
    ///
    /// If the drift is -1,000,000 or less: the clock would stand still or run backwards.
    #[track_caller]
    pub fn set_drift(&self, ppm: i32) {
        assert!(
            ppm > -1_000_000,
            "a clock must run forwards: its drift must be above -1,000,000 ppm"
        );
        self.engine.set_node_rate(self.id, 1_000_000 + i64::from(ppm));
    }

    /// Makes the node's wall clock jump, as when an administrator or NTP sets it.
    ///
    /// Only [`system_time`](async_runtime_compat::Timer::system_time) is affected. No sleep ends
    /// earlier or later.
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
