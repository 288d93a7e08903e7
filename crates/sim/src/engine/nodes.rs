//! The engine's part in nodes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, Waker};

use async_task::Runnable;

use super::Engine;
use super::state::State;
use crate::backend::discard;
use crate::origin::Place;
use crate::sim::clock::{Key, MAX_NODES, Nanos, NodeClock, Offset, Shown};
use crate::sim::node::{Home, Main, Node};
use crate::sim::runtime::SimRuntime;
use crate::sim::schedule::Slot;

/// The nodes, in the order in which they were made.
#[derive(Default)]
pub(super) struct Nodes {
    nodes: Vec<NodeState>,
    by_name: HashMap<Arc<str>, u32>,
}

struct NodeState {
    name: Arc<str>,
    incarnation: u32,
    alive: bool,
    paused: bool,
    /// The tasks that would be ready if the node were not paused, as they became so.
    held: Vec<Slot>,
    clock: NodeClock,
    main: Option<Main>,
}

impl Nodes {
    fn get(&self, node: u32) -> Option<&NodeState> {
        self.nodes.get((node as usize).checked_sub(1)?)
    }

    fn get_mut(&mut self, node: u32) -> Option<&mut NodeState> {
        self.nodes.get_mut((node as usize).checked_sub(1)?)
    }

    pub(super) fn name(&self, node: u32) -> Option<&Arc<str>> {
        self.get(node).map(|node| &node.name)
    }

    pub(super) fn is_paused(&self, node: u32) -> bool {
        self.get(node).is_some_and(|node| node.paused)
    }

    /// Whether the life is over that something belongs to.
    pub(super) fn is_dead(&self, home: Home) -> bool {
        let lives = |node: &NodeState| node.alive && node.incarnation == home.incarnation;
        home.is_node() && !self.get(home.node).is_some_and(lives)
    }

    /// Keeps a task back that has become ready, if its node is paused.
    pub(super) fn hold(&mut self, node: u32, slot: Slot) -> bool {
        match self.get_mut(node) {
            Some(node) if node.paused => {
                node.held.push(slot);
                true
            }
            _ => false,
        }
    }

    /// The names of the nodes that are paused.
    pub(super) fn paused(&self) -> Vec<String> {
        let paused = self.nodes.iter().filter(|node| node.paused);
        paused.map(|node| format!("'{}'", node.name)).collect()
    }

    /// What is to be dropped, once the lock is released.
    #[must_use]
    pub(super) fn close(&mut self) -> Vec<Main> {
        self.nodes.iter_mut().filter_map(|node| node.main.take()).collect()
    }
}

/// A task on its way out.
enum Doomed {
    Ready(Runnable),
    Waiting(Waker),
}

/// Events of nodes, for the trace.
#[derive(Clone, Copy)]
enum Event {
    Killed = 4,
    Born = 5,
    Paused = 6,
    Resumed = 7,
    ClockSet = 8,
}

impl State {
    fn trace_node(&mut self, node: u32, event: Event) {
        self.trace.add(u64::from(node) << 8 | event as u64);
    }

    /// Where the code is at home that runs now.
    fn here(&self) -> Home {
        let of_task = || self.tasks.get(self.current? as usize).map(|task| task.home);
        self.dropping.or_else(of_task).unwrap_or(Home::NONE)
    }

    /// Takes the tasks of a life that is over out of the schedule.
    fn doom(&mut self, node: u32) -> Vec<Doomed> {
        let mut doomed = Vec::new();
        for (_, task) in &mut self.tasks {
            if task.home.node != node || task.doomed {
                continue;
            }
            task.doomed = true;
            if mem::take(&mut task.ready) {
                self.schedule.remove(task.ready(task.slot));
            }
            // Neither is there of one that is about to be spawned, on another thread.
            match (task.runnable.take(), task.waker.take()) {
                (Some(runnable), _) => doomed.push((task.number, Doomed::Ready(runnable))),
                (None, Some(waker)) => doomed.push((task.number, Doomed::Waiting(waker))),
                (None, None) => {}
            }
        }
        doomed.sort_by_key(|(number, _)| *number);
        doomed.into_iter().map(|(_, doomed)| doomed).collect()
    }
}

impl Engine {
    /// The node of a name; made, if there is none.
    pub(in crate::sim) fn node(self: &Arc<Self>, name: Cow<'static, str>) -> Node {
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
            held: Vec::new(),
            clock: NodeClock::new(),
            main: None,
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

    pub(in crate::sim) fn host(self: &Arc<Self>, home: Home) -> Option<Node> {
        let name = self.lock().nodes.name(home.node)?.clone();
        Some(Node::new(self.clone(), home.node, name))
    }

    /// The runtime of the code that runs now, on this thread.
    pub(in crate::sim) fn current(self: &Arc<Self>) -> SimRuntime {
        let here = self.lock().here();
        SimRuntime::on(self.clone(), here)
    }

    pub(in crate::sim) fn is_node_alive(&self, node: u32) -> bool {
        self.lock().nodes.get(node).is_some_and(|node| node.alive)
    }

    pub(in crate::sim) fn is_node_paused(&self, node: u32) -> bool {
        self.lock().nodes.is_paused(node)
    }

    /// The node's present life, or its last one.
    pub(in crate::sim) fn home_on(&self, node: u32) -> Home {
        let incarnation = self.lock().nodes.get(node).map_or(0, |node| node.incarnation);
        Home { node, incarnation }
    }

    /// Whether the task's life is over, while it is polled.
    #[inline]
    pub(in crate::sim) fn is_doomed(&self, slot: Slot) -> bool {
        self.killed.load(Ordering::Relaxed)
            && self.lock().tasks.get(slot as usize).is_some_and(|task| task.doomed)
    }

    pub(in crate::sim) fn kill_node(&self, id: u32) {
        let mut state = self.lock();
        self.settle(&mut state);
        self.check_thread(&mut state, |state| format!("{} was killed", state.describe_node(id)));
        let state_ref = &mut *state;
        let Some(node) = state_ref.nodes.get_mut(id).filter(|node| node.alive) else { return };
        (node.alive, node.paused) = (false, false);
        node.held.clear();
        let home = Home { node: id, incarnation: node.incarnation };
        if state.closed {
            return;
        }
        self.killed.store(true, Ordering::Relaxed);
        state.trace_node(id, Event::Killed);
        let sleeping = state.timers.take_node(id);
        let doomed = state.doom(id);
        let outer = state.dropping;
        if self.is_here() {
            state.dropping = Some(home);
        }
        drop(state);
        // All of these run code of the user's. A task of the node that is woken now is dropped.
        sleeping.into_iter().for_each(discard);
        for task in doomed {
            match task {
                Doomed::Ready(runnable) => discard(runnable),
                Doomed::Waiting(waker) => waker.wake(),
            }
        }
        if self.is_here() {
            self.lock().dropping = outer;
        }
    }

    pub(in crate::sim) fn start_node(self: &Arc<Self>, id: u32, main: Main, place: Place) {
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
            self.run_main(id, place);
        } else {
            self.restart_node(id, place);
        }
    }

    pub(in crate::sim) fn restart_node(self: &Arc<Self>, id: u32, place: Place) {
        self.kill_node(id);
        let mut state = self.lock();
        // A destructor may have restarted it meanwhile.
        let Some(node) = state.nodes.get_mut(id).filter(|node| !node.alive) else { return };
        node.alive = true;
        node.incarnation += 1;
        state.trace_node(id, Event::Born);
        drop(state);
        self.run_main(id, place);
    }

    fn run_main(self: &Arc<Self>, id: u32, place: Place) {
        let state = self.lock();
        let Some(node) = state.nodes.get(id) else { return };
        let Some(main) = node.main.clone() else { return };
        let home = Home { node: id, incarnation: node.incarnation };
        drop(state);
        let runtime = SimRuntime::on(self.clone(), home);
        let future = async move { main(runtime).await };
        match self.spawn(home, Some(Cow::Borrowed("main")), place, future) {
            Ok(task) => task.detach(),
            Err(future) => discard(future),
        }
    }

    pub(in crate::sim) fn pause_node(&self, id: u32) {
        let mut state = self.lock();
        self.settle(&mut state);
        self.check_thread(&mut state, |state| format!("{} was paused", state.describe_node(id)));
        let state = &mut *state;
        match state.nodes.get_mut(id) {
            Some(node) if node.alive && !node.paused => node.paused = true,
            _ => return,
        }
        state.trace_node(id, Event::Paused);
        let mut ready = Vec::new();
        for (_, task) in &mut state.tasks {
            if task.home.node == id && mem::take(&mut task.ready) {
                state.schedule.remove(task.ready(task.slot));
                ready.push((task.number, task.slot));
            }
        }
        ready.sort_unstable();
        for (_, slot) in ready {
            state.nodes.hold(id, slot);
        }
    }

    pub(in crate::sim) fn resume_node(&self, id: u32) {
        let mut state = self.lock();
        self.settle(&mut state);
        self.check_thread(&mut state, |state| format!("{} was resumed", state.describe_node(id)));
        let Some(node) = state.nodes.get_mut(id).filter(|node| node.paused) else { return };
        node.paused = false;
        let held = mem::take(&mut node.held);
        state.trace_node(id, Event::Resumed);
        for slot in held {
            let runnable = state.tasks.get_mut(slot as usize).and_then(|task| task.runnable.take());
            if runnable.is_some() {
                state.make_ready(slot, runnable);
            }
        }
    }

    /// A sleep by a node's clock is polled.
    pub(in crate::sim) fn node_sleep(
        &self,
        home: Home,
        key: &mut Option<Key>,
        deadline: Shown,
        waker: &Waker,
    ) -> Poll<()> {
        let waker = waker.clone();
        let mut state = self.lock();
        let state_ref = &mut *state;
        let (timers, nodes) = (&mut state_ref.timers, &state_ref.nodes);
        let due = nodes.get(home.node).and_then(|node| node.clock.due(deadline));
        // The clock may have been set since.
        let void = key.take_if(|key| timers.due(*key) != due).and_then(|key| timers.remove(key));
        let mut ended = None;
        let (poll, replaced) = match due.filter(|_| !nodes.is_dead(home) && !state_ref.closed) {
            None => (Poll::Pending, Some(waker)),
            Some(due) if due <= self.clock.nanos() => {
                ended = key.take().and_then(|key| timers.remove(key));
                (Poll::Ready(()), Some(waker))
            }
            Some(due) => {
                let replaced = timers.register(key, due, home.node, waker);
                self.check_thread(state_ref, |_| "a sleep was polled".to_owned());
                (Poll::Pending, replaced)
            }
        };
        drop(state);
        drop((void, ended, replaced));
        poll
    }

    /// Asks the clocks of the node that something belongs to, if it belongs to one.
    #[inline]
    pub(super) fn by_node<T>(
        &self,
        home: Home,
        ask: impl FnOnce(&mut NodeClock, Nanos) -> T,
    ) -> Option<T> {
        if !home.is_node() {
            return None;
        }
        let now = self.clock.nanos();
        self.lock().nodes.get_mut(home.node).map(|node| ask(&mut node.clock, now))
    }

    fn set_node_clock(&self, id: u32, set: impl FnOnce(&mut NodeClock, Nanos)) {
        let mut state = self.lock();
        if let Some(node) = state.nodes.get_mut(id) {
            set(&mut node.clock, self.clock.nanos());
        }
        self.check_thread(&mut state, |state| {
            format!("the clock of {} was set", state.describe_node(id))
        });
        state.trace_node(id, Event::ClockSet);
        // They have to wait anew, by the clock as it is now.
        let sleeping = state.timers.take_node(id);
        drop(state);
        sleeping.into_iter().for_each(Waker::wake);
    }

    pub(in crate::sim) fn set_node_skew(&self, id: u32, skew: Offset) {
        self.set_node_clock(id, |clock, now| clock.set_skew(now, skew));
    }

    pub(in crate::sim) fn set_node_rate(&self, id: u32, rate: i64) {
        self.set_node_clock(id, |clock, now| clock.set_rate(now, rate));
    }

    pub(in crate::sim) fn jump_node(&self, id: u32, by: Offset) {
        // No sleep depends on it.
        self.by_node(self.home_on(id), |clock, _| clock.jump(by));
    }
}

impl State {
    fn describe_node(&self, id: u32) -> String {
        match self.nodes.name(id) {
            Some(name) => format!("the node '{name}'"),
            None => "a node".to_owned(),
        }
    }
}
