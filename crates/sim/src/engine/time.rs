//! The engine's clocks and sleeps.

use std::cell::Cell;
use std::task::{Poll, Waker};
use std::time::{Instant, SystemTime};

use super::Engine;
use super::nodes::Event;
use super::state::State;
use crate::clock::{Nanos, NodeClock, Offset, Shown};
use crate::node::Home;
use crate::record::What;
use crate::timers::Key;

/// The rate of a clock that is right.
const RIGHT: i64 = 1_000_000;

impl Engine {
    #[inline]
    pub(crate) fn now(&self, home: Home) -> Instant {
        self.clock.instant(self.shown(home))
    }

    /// What the home's clock shows.
    #[inline]
    pub(crate) fn shown(&self, home: Home) -> Shown {
        let shown = self.by_node(home, NodeClock::shows);
        shown.unwrap_or_else(|| self.clock.shown())
    }

    pub(crate) fn system_time(&self, home: Home) -> SystemTime {
        let shown = self.by_node(home, |clock, now| clock.system_time(now));
        shown.unwrap_or_else(|| self.clock.system_time())
    }

    /// Wakes the waker at that time.
    pub(crate) fn sleep(&self, key: &mut Option<Key>, at: Nanos, waker: &Waker) {
        let waker = waker.clone();
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return;
        }
        self.check_thread(&mut state, |_| "a sleep was polled".to_owned());
        state.trace.mix(at);
        if state.record.is_some() {
            state.keep(self.clock.nanos(), What::Slept(at));
        }
        let replaced = state.timers.register(key, at, Home::NONE.node, waker);
        drop(state);
        drop(replaced);
    }

    pub(crate) fn forget_sleep(&self, key: Key) {
        let waker = self.lock().timers.remove(key);
        drop(waker);
    }

    /// A sleep by a node's clock is polled.
    pub(crate) fn node_sleep(
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
        // The clock may have been set since it was registered.
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

    /// Asks the clocks of the home's node, if it has one.
    #[inline]
    fn by_node<T>(&self, home: Home, ask: impl FnOnce(&mut NodeClock, Nanos) -> T) -> Option<T> {
        if !home.is_node() {
            return None;
        }
        let now = self.clock.nanos();
        self.lock().nodes.get_mut(home.node).map(|node| ask(&mut node.clock, now))
    }

    /// Sets a node's clock, unless it is a fault that does not happen. Returns whether it was set.
    fn set_node_clock(
        &self,
        id: u32,
        happens: impl FnOnce(&mut State) -> bool,
        set: impl FnOnce(&mut NodeClock, Nanos),
    ) -> bool {
        let mut state = self.lock();
        if !happens(&mut state) {
            return false;
        }
        if let Some(node) = state.nodes.get_mut(id) {
            set(&mut node.clock, self.clock.nanos());
        }
        self.check_thread(&mut state, |state| {
            format!("the clock of {} was set", state.describe_node(id))
        });
        state.trace_node(id, Event::ClockSet);
        // They register again, by the clock as it is now.
        let sleeping = state.timers.take_node(id);
        drop(state);
        sleeping.into_iter().for_each(Waker::wake);
        true
    }

    /// Whether it was set.
    pub(crate) fn set_node_skew(&self, id: u32, skew: Offset) -> bool {
        let by = Cell::new(skew);
        let happens = |state: &mut State| {
            self.offset(state, id, "skew", skew).map(|skew| by.set(skew)).is_some()
        };
        self.set_node_clock(id, happens, |clock, now| clock.set_skew(now, by.get()))
    }

    pub(crate) fn set_node_rate(&self, id: u32, rate: i64) {
        let happens = |state: &mut State| {
            if rate == RIGHT {
                self.mend(state, id, "drift");
            }
            rate == RIGHT || self.happens(state, id, "drift")
        };
        self.set_node_clock(id, happens, |clock, now| clock.set_rate(now, rate));
    }

    pub(crate) fn jump_node(&self, id: u32, by: Offset) {
        let mut state = self.lock();
        let Some(by) = self.offset(&mut state, id, "jump", by) else { return };
        // No sleep depends on it.
        if let Some(node) = state.nodes.get_mut(id) {
            node.clock.jump(by);
        }
    }
}
