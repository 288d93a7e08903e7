//! The nodes of an engine.

use std::borrow::Cow;
use std::collections::HashMap;
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_runtime_compat::SpawnMeta;

use super::Engine;
use super::hooks::Hooks;
use super::state::{State, slot_of};
use crate::clock::NodeClock;
use crate::contain::discard;
use crate::node::{Death, Home, MAX_NODES, Main, Node};
use crate::runtime::SimRuntime;
use crate::schedule::Slot;
use crate::task::{Handle, Runnable};

/// The nodes, in the order of their creation.
#[derive(Default)]
pub(super) struct Nodes {
    nodes: Vec<NodeState>,
    by_name: HashMap<Arc<str>, u32>,
}

#[expect(clippy::struct_excessive_bools, reason = "each may be true with each other one")]
pub(super) struct NodeState {
    name: Arc<str>,
    incarnation: u32,
    alive: bool,
    paused: bool,
    frozen: bool,
    /// Its machine is off.
    crashed: bool,
    /// The tasks that would be ready if the node were neither paused nor frozen, in that order.
    held: Vec<Slot>,
    pub(super) clock: NodeClock,
    main: Option<Main>,
    pub(super) hooks: Hooks,
}

impl NodeState {
    fn is_held(&self) -> bool {
        self.paused || self.frozen
    }
}

impl Nodes {
    pub(super) fn get(&self, node: u32) -> Option<&NodeState> {
        self.nodes.get((node as usize).checked_sub(1)?)
    }

    pub(super) fn get_mut(&mut self, node: u32) -> Option<&mut NodeState> {
        self.nodes.get_mut((node as usize).checked_sub(1)?)
    }

    pub(super) fn name(&self, node: u32) -> Option<&Arc<str>> {
        self.get(node).map(|node| &node.name)
    }

    pub(super) fn is_paused(&self, node: u32) -> bool {
        self.get(node).is_some_and(|node| node.paused)
    }

    pub(super) fn is_frozen(&self, node: u32) -> bool {
        self.get(node).is_some_and(|node| node.frozen)
    }

    /// Whether its tasks take no steps, though the node is alive.
    pub(super) fn is_held(&self, node: u32) -> bool {
        self.get(node).is_some_and(NodeState::is_held)
    }

    pub(super) fn is_crashed(&self, node: u32) -> bool {
        self.get(node).is_some_and(|node| node.crashed)
    }

    /// Whether the home's life is over.
    pub(super) fn is_dead(&self, home: Home) -> bool {
        let lives = |node: &NodeState| node.alive && node.incarnation == home.incarnation;
        home.is_node() && !self.get(home.node).is_some_and(lives)
    }

    /// Holds back a task that has become ready, if its node is paused or frozen.
    pub(super) fn hold(&mut self, node: u32, slot: Slot) -> bool {
        match self.get_mut(node) {
            Some(node) if node.is_held() => {
                node.held.push(slot);
                true
            }
            _ => false,
        }
    }

    /// The names of the nodes that are paused or frozen.
    pub(super) fn held(&self) -> Vec<String> {
        let held = self.nodes.iter().filter(|node| node.is_held());
        held.map(|node| format!("'{}'", node.name)).collect()
    }

    /// The hooks, for dropping once the lock is released.
    #[must_use]
    pub(super) fn take_hooks(&mut self) -> Vec<Hooks> {
        self.nodes.iter_mut().map(|node| mem::take(&mut node.hooks)).collect()
    }

    /// The programs, for dropping once the lock is released.
    #[must_use]
    pub(super) fn close(&mut self) -> Vec<Main> {
        self.nodes.iter_mut().filter_map(|node| node.main.take()).collect()
    }
}

/// A task of a node that was killed, for dropping: its runnable if it is ready, and its handle.
struct Doomed(u32, Option<Runnable>, Option<Handle>);

/// Events of nodes, for the trace.
#[derive(Clone, Copy)]
pub(super) enum Event {
    Killed = 4,
    Born = 5,
    Paused = 6,
    Resumed = 7,
    ClockSet = 8,
    // 9 is an injected fault.
    Mended = 10,
    // 11 is a suspension, 15 and 16 are cuts.
    Crashed = 12,
    Frozen = 13,
    Thawed = 14,
}

impl State {
    pub(super) fn trace_node(&mut self, node: u32, event: Event) {
        self.trace.add(u64::from(node) << 8 | event as u64);
    }

    /// The home of the code that runs now.
    fn here(&self) -> Home {
        let of_task = || self.tasks.get(self.current? as usize).map(|task| task.home);
        self.dropping.or_else(of_task).unwrap_or(Home::NONE)
    }

    /// Takes the tasks of a node that was killed out of the schedule, in the order in which they
    /// were spawned.
    fn doom(&mut self, node: u32) -> Vec<Doomed> {
        let mut doomed = Vec::new();
        for (slot, task) in &mut self.tasks {
            if task.home.node != node || task.doomed {
                continue;
            }
            task.doomed = true;
            if mem::take(&mut task.ready) {
                self.schedule.remove(task.ready(slot_of(slot)));
            }
            doomed.push(Doomed(task.number, task.runnable.take(), task.handle.take()));
        }
        doomed.sort_by_key(|Doomed(number, ..)| *number);
        doomed
    }
}

impl Engine {
    /// The node with that name, created if there is none.
    #[track_caller]
    pub(crate) fn node(self: &Arc<Self>, name: Cow<'static, str>) -> Node {
        let mut state = self.lock();
        let nodes = &mut state.nodes;
        if let Some((name, id)) = nodes.by_name.get_key_value(&*name) {
            return Node::new(self.clone(), *id, name.clone());
        }
        let name: Arc<str> = name.into();
        nodes.nodes.push(NodeState {
            name: name.clone(),
            incarnation: 1,
            alive: true,
            paused: false,
            frozen: false,
            crashed: false,
            held: Vec::new(),
            clock: NodeClock::new(),
            main: None,
            hooks: Hooks::default(),
        });
        let made = nodes.nodes.len();
        let id = u32::try_from(made).ok().filter(|_| made < MAX_NODES);
        let Some(id) = id else {
            nodes.nodes.pop();
            drop(state);
            panic!("a simulation has at most {} nodes", MAX_NODES - 1);
        };
        nodes.by_name.insert(name.clone(), id);
        Node::new(self.clone(), id, name)
    }

    pub(crate) fn host(self: &Arc<Self>, home: Home) -> Option<Node> {
        let name = self.lock().nodes.name(home.node)?.clone();
        Some(Node::new(self.clone(), home.node, name))
    }

    /// The runtime of the code that runs now on this thread.
    pub(crate) fn current(self: &Arc<Self>) -> SimRuntime {
        let here = self.lock().here();
        SimRuntime::on(self.clone(), here)
    }

    /// The names of all nodes, in the order of their creation.
    pub(crate) fn node_names(&self) -> Vec<String> {
        self.lock().nodes.nodes.iter().map(|node| node.name.to_string()).collect()
    }

    pub(crate) fn is_node_alive(&self, node: u32) -> bool {
        self.lock().nodes.get(node).is_some_and(|node| node.alive)
    }

    pub(crate) fn is_node_frozen(&self, node: u32) -> bool {
        self.lock().nodes.is_frozen(node)
    }

    pub(crate) fn is_node_crashed(&self, node: u32) -> bool {
        self.lock().nodes.is_crashed(node)
    }

    pub(crate) fn is_node_paused(&self, node: u32) -> bool {
        self.lock().nodes.is_paused(node)
    }

    /// The node's present life, or its last one.
    pub(crate) fn home_on(&self, node: u32) -> Home {
        let incarnation = self.lock().nodes.get(node).map_or(0, |node| node.incarnation);
        Home { node, incarnation }
    }

    /// Whether the task was killed while it was being polled.
    #[inline]
    pub(crate) fn is_doomed(&self, slot: Slot) -> bool {
        self.has_killed() && self.lock().tasks.get(slot as usize).is_some_and(|task| task.doomed)
    }

    /// Whether the fault happened.
    pub(crate) fn kill_node(self: &Arc<Self>, id: u32) -> bool {
        self.end_life(id, Death::Killed, Some("kill"))
    }

    /// Whether the fault happened.
    pub(crate) fn crash_node(self: &Arc<Self>, id: u32) -> bool {
        self.end_life(id, Death::Crashed, Some("crash"))
    }

    /// The process ends, or the machine that it may run on: by a fault of that name, or else because
    /// the program does it on purpose.
    fn end_life(self: &Arc<Self>, id: u32, death: Death, fault: Option<&str>) -> bool {
        let mut state = self.lock();
        self.settle(&mut state);
        self.check_thread(&mut state, |state| format!("{} was killed", state.describe_node(id)));
        let state_ref = &mut *state;
        let crashes = death == Death::Crashed;
        let ends = |node: &NodeState| node.alive || crashes && !node.crashed;
        if !state_ref.nodes.get(id).is_some_and(ends) {
            return false;
        }
        if !fault.is_none_or(|fault| self.happens(state_ref, id, fault)) {
            return false;
        }
        let Some(node) = state_ref.nodes.get_mut(id) else { return false };
        (node.alive, node.paused, node.frozen) = (false, false, false);
        node.crashed |= crashes;
        node.held.clear();
        let home = Home { node: id, incarnation: node.incarnation };
        if state.closed {
            return true;
        }
        self.killed.store(true, Ordering::Relaxed);
        state.trace_node(id, if crashes { Event::Crashed } else { Event::Killed });
        let sleeping = state.timers.take_node(id);
        let doomed = state.doom(id);
        drop(state);
        // Before the futures, whose destructors may send, see that the node is gone.
        self.died(id, death);
        let mut state = self.lock();
        let outer = state.dropping;
        if self.is_here() {
            state.dropping = Some(home);
        }
        drop(state);
        // All of these run user code. A task of the node that is woken now is dropped.
        sleeping.into_iter().for_each(discard);
        self.bury();
        for Doomed(_, runnable, handle) in doomed {
            // Either drops the future: the handle cancels a task that waits, which schedules it.
            discard(runnable);
            discard(handle);
            self.bury();
        }
        if self.is_here() {
            self.lock().dropping = outer;
        }
        true
    }

    pub(crate) fn start_node(
        self: &Arc<Self>,
        id: u32,
        main: Main,
        location: &'static Location<'static>,
    ) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            discard(main);
            return;
        }
        let Some(node) = state.nodes.get_mut(id) else { return };
        let replaced = node.main.replace(main);
        let fresh = replaced.is_none() && node.alive;
        drop(state);
        discard(replaced);
        if fresh {
            self.run_main(id, location);
        } else {
            self.restart_as(id, None, location);
        }
    }

    pub(crate) fn restart_node(self: &Arc<Self>, id: u32, location: &'static Location<'static>) {
        self.restart_as(id, Some("restart"), location);
    }

    fn restart_as(
        self: &Arc<Self>,
        id: u32,
        fault: Option<&str>,
        location: &'static Location<'static>,
    ) {
        self.end_life(id, Death::Killed, fault);
        let mut state = self.lock();
        // A destructor may have restarted it meanwhile.
        let Some(node) = state.nodes.get_mut(id).filter(|node| !node.alive) else { return };
        (node.alive, node.crashed) = (true, false);
        node.incarnation += 1;
        let incarnation = node.incarnation;
        state.trace_node(id, Event::Born);
        self.mend(&mut state, id, "start");
        drop(state);
        self.born(id);
        // A hook may have restarted it again.
        if self.lock().nodes.get(id).is_some_and(|node| node.incarnation == incarnation) {
            self.run_main(id, location);
        }
    }

    fn run_main(self: &Arc<Self>, id: u32, location: &'static Location<'static>) {
        let state = self.lock();
        let Some(node) = state.nodes.get(id) else { return };
        let Some(main) = node.main.clone() else { return };
        let home = Home { node: id, incarnation: node.incarnation };
        drop(state);
        let runtime = SimRuntime::on(self.clone(), home);
        let name = Cow::Borrowed("main");
        let meta = SpawnMeta::new().with_name(&name).at(location);
        self.spawn(home, meta, false, Box::pin(async move { main(runtime).await }));
    }

    /// Whether the fault happened.
    pub(crate) fn pause_node(&self, id: u32) -> bool {
        self.hold_node(id, ("pause", "paused"), Event::Paused, |node| &mut node.paused)
    }

    /// Whether the fault happened.
    pub(crate) fn freeze_node(&self, id: u32) -> bool {
        self.hold_node(id, ("freeze", "frozen"), Event::Frozen, |node| &mut node.frozen)
    }

    pub(crate) fn resume_node(&self, id: u32) {
        self.release_node(id, ("resume", "resumed"), Event::Resumed, |node| &mut node.paused);
    }

    pub(crate) fn thaw_node(&self, id: u32) {
        self.release_node(id, ("thaw", "thawed"), Event::Thawed, |node| &mut node.frozen);
    }

    /// Takes no more steps of the node's tasks.
    fn hold_node(
        &self,
        id: u32,
        (fault, what): (&str, &str),
        event: Event,
        flag: impl Fn(&mut NodeState) -> &mut bool,
    ) -> bool {
        let mut state = self.lock();
        self.settle(&mut state);
        self.check_thread(&mut state, |state| format!("{} was {what}", state.describe_node(id)));
        let state = &mut *state;
        if !state.nodes.get_mut(id).is_some_and(|node| node.alive && !*flag(node)) {
            return false;
        }
        if !self.happens(state, id, fault) {
            return false;
        }
        let Some(node) = state.nodes.get_mut(id) else { return false };
        *flag(node) = true;
        state.trace_node(id, event);
        let mut ready = Vec::new();
        for (slot, task) in &mut state.tasks {
            if task.home.node == id && mem::take(&mut task.ready) {
                let slot = slot_of(slot);
                state.schedule.remove(task.ready(slot));
                ready.push((task.number, slot));
            }
        }
        ready.sort_unstable();
        for (_, slot) in ready {
            state.nodes.hold(id, slot);
        }
        true
    }

    fn release_node(
        &self,
        id: u32,
        (mended, what): (&str, &str),
        event: Event,
        flag: impl Fn(&mut NodeState) -> &mut bool,
    ) {
        let mut state = self.lock();
        self.settle(&mut state);
        self.check_thread(&mut state, |state| format!("{} was {what}", state.describe_node(id)));
        let Some(node) = state.nodes.get_mut(id) else { return };
        if !mem::replace(flag(node), false) {
            return;
        }
        // A node may be both paused and frozen.
        let held = if node.is_held() { Vec::new() } else { mem::take(&mut node.held) };
        state.trace_node(id, event);
        self.mend(&mut state, id, mended);
        for slot in held {
            let runnable = state.tasks.get_mut(slot as usize).and_then(|task| task.runnable.take());
            if runnable.is_some() {
                state.make_ready(slot, runnable);
            }
        }
    }
}

impl State {
    pub(super) fn describe_node(&self, id: u32) -> String {
        match self.nodes.name(id) {
            Some(name) => format!("the node '{name}'"),
            None => "a node".to_owned(),
        }
    }
}
