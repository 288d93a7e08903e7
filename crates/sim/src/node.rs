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

/// How a life of a [`Node`] ended, for its [`on_kill`](Node::on_kill).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Death {
    /// The process ended: [`kill`](Node::kill), [`restart`](Node::restart), or another
    /// [`start`](Node::start). The machine goes on: its kernel closes the connections, and still
    /// writes to the disk what the process has written.
    Killed,
    /// The machine lost its power: [`crash`](Node::crash). Peers hear nothing more, and what was
    /// written but not synced may be lost.
    Crashed,
}

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
/// A process and the machine that it runs on fail in different ways. Tasks see no difference; what is
/// outside of them does, such as a disk, a mailbox or a link of the test:
///
/// | fault | tasks | outside |
/// |-------|-------|---------|
/// | [`kill`](Node::kill)     | are dropped     | the kernel goes on: connections are closed, buffers are written. [`on_kill`](Node::on_kill) says [`Death::Killed`] |
/// | [`crash`](Node::crash)   | are dropped     | the machine is off: silence, and what was not synced may be lost. [`on_kill`](Node::on_kill) says [`Death::Crashed`] |
/// | [`pause`](Node::pause)   | take no steps   | the kernel goes on: it accepts and acknowledges until its buffers are full |
/// | [`freeze`](Node::freeze) | take no steps   | the machine stands still: silence, and then everything late. [`is_frozen`](Node::is_frozen) says so |
/// | [`restart`](Node::restart) | are dropped, and the program starts anew | a kill, if the node is alive, then [`on_restart`](Node::on_restart) |
///
/// These, and setting a node's clocks wrong, are [faults](crate::Fault): they are on the
/// [tape](crate::Tape), and when a failure is shrunk, those that it does not need are switched off. The
/// call then does nothing. What ends a fault is never switched off: starting a dead node,
/// [`resume`](Node::resume), [`thaw`](Node::thaw), and setting a clock right. So the program may end its
/// faults as it likes, and a node that was not killed after all is [alive](Node::is_alive).
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

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Like [`kill`](Node::kill); whether the fault happened.
    pub(crate) fn try_kill(&self) -> bool {
        self.engine.kill_node(self.id)
    }

    /// Like [`crash`](Node::crash); whether the fault happened.
    pub(crate) fn try_crash(&self) -> bool {
        self.engine.crash_node(self.id)
    }

    /// Like [`pause`](Node::pause); whether the fault happened.
    pub(crate) fn try_pause(&self) -> bool {
        self.engine.pause_node(self.id)
    }

    /// Like [`freeze`](Node::freeze); whether the fault happened.
    pub(crate) fn try_freeze(&self) -> bool {
        self.engine.freeze_node(self.id)
    }

    /// Like [`set_skew`](Node::set_skew); whether the fault happened.
    pub(crate) fn try_skew(&self, skew: Offset) -> bool {
        self.engine.set_node_skew(self.id, skew)
    }

    /// Restarts the node, as if called at that location.
    pub(crate) fn restart_at(&self, location: &'static Location<'static>) {
        self.engine.restart_node(self.id, location);
    }

    /// The name that the node was made with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the node neither was killed nor crashed, or was restarted since. A node that is paused or
    /// frozen is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.engine.is_node_alive(self.id)
    }

    /// Whether the node is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.engine.is_node_paused(self.id)
    }

    /// Whether the node is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.engine.is_node_frozen(self.id)
    }

    /// Whether the node's machine crashed, and was not restarted since.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.engine.is_node_crashed(self.id)
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
    /// The node is no longer paused or frozen. Its clocks keep running as they were. To restart it after
    /// a loss of power, [`crash`](Node::crash) it first.
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

    /// Crashes the node's machine, as when it loses its power.
    ///
    /// The tasks are dropped as by [`kill`](Node::kill). The difference is outside: hooks of
    /// [`on_kill`](Node::on_kill) learn that the machine is gone, so that a simulated disk loses what
    /// was not synced, and a simulated link falls silent. A node that was killed can still crash: what
    /// its process wrote may not have reached the disk yet.
    ///
    /// [`restart`](Node::restart) starts the machine, too. Crashing a crashed node does nothing.
    ///
    /// # Examples
    ///
    /// A disk that keeps what was synced:
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use async_runtime_compat_sim::{Death, Sim};
    ///
    /// #[derive(Default)]
    /// struct Disk {
    ///     written: Vec<&'static str>,
    ///     synced: usize,
    /// }
    ///
    /// let run = Sim::new(1).run(|rt| async move {
    ///     let node = rt.node("db");
    ///     let disk = Arc::new(Mutex::new(Disk::default()));
    ///     let outside = disk.clone();
    ///     node.on_kill(move |death| {
    ///         let mut disk = outside.lock().unwrap();
    ///         if death == Death::Crashed {
    ///             let synced = disk.synced;
    ///             disk.written.truncate(synced);
    ///         }
    ///     });
    ///     *disk.lock().unwrap() = Disk { written: vec!["a", "b"], synced: 1 };
    ///     node.restart();
    ///     assert_eq!(disk.lock().unwrap().written, ["a", "b"]);
    ///     node.crash();
    ///     assert_eq!(disk.lock().unwrap().written, ["a"]);
    /// });
    /// run.unwrap();
    /// ```
    pub fn crash(&self) {
        self.engine.crash_node(self.id);
    }

    /// Calls the function at the end of each of the node's lives from now on, and when its machine
    /// crashes after that: for what is outside of the node and part of its failure, such as disks,
    /// mailboxes and links.
    ///
    /// At the call the node is dead already, and its tasks are not dropped yet: a message that a
    /// destructor sends finds the mailbox closed. Several functions are called in the order in which
    /// they were added. They are dropped when the simulation ends, which is no end of a life; and
    /// they may hold the [`Node`].
    ///
    /// # Panics
    ///
    /// A panic of the function fails the simulation.
    pub fn on_kill(&self, f: impl Fn(Death) + Send + Sync + 'static) {
        self.engine.on_death(self.id, Arc::new(f));
    }

    /// Calls the function at the beginning of each of the node's lives from now on, before its program
    /// starts, with the runtime of that life. The first life has begun before this can be called.
    ///
    /// Several functions are called in the order in which they were added.
    ///
    /// # Panics
    ///
    /// A panic of the function fails the simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let run = Sim::new(1).run(|rt| async move {
    ///     let node = rt.node("db");
    ///     let mounted = Arc::new(AtomicU32::new(1));
    ///     let mounts = mounted.clone();
    ///     node.on_restart(move |rt| {
    ///         let life = rt.host().map_or(0, |node| node.incarnation());
    ///         mounts.store(life, Ordering::SeqCst);
    ///     });
    ///     node.restart();
    ///     node.kill();
    ///     assert_eq!(mounted.load(Ordering::SeqCst), 2);
    /// });
    /// run.unwrap();
    /// ```
    pub fn on_restart(&self, f: impl Fn(SimRuntime) + Send + Sync + 'static) {
        self.engine.on_birth(self.id, Arc::new(f));
    }

    /// Freezes the node's machine, as when a hypervisor stops a virtual machine: its tasks take no
    /// steps, as with [`pause`](Node::pause), and what is outside stands still, too. A simulated link
    /// or disk asks [`is_frozen`](Node::is_frozen), and holds back what it would deliver.
    ///
    /// Time passes, by the node's own clocks as well. Freezing a dead or frozen node does nothing. A
    /// node may be both paused and frozen; then it has to be resumed and thawed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let run = Sim::new(1).run(|rt| async move {
    ///     let node = rt.node("db");
    ///     let second = node.runtime().sleep(Duration::from_secs(1));
    ///     let task = node.runtime().spawn_with_handle(second);
    ///     node.freeze();
    ///     rt.sleep(Duration::from_secs(60)).await;
    ///     assert!(!task.is_finished());
    ///     node.thaw();
    ///     task.await.unwrap();
    /// });
    /// assert_eq!(run.unwrap().elapsed, Duration::from_secs(60));
    /// ```
    pub fn freeze(&self) {
        self.engine.freeze_node(self.id);
    }

    /// Lets a frozen node go on: everything that it missed happens now, late.
    pub fn thaw(&self) {
        self.engine.thaw_node(self.id);
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
