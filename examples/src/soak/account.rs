//! The counters and the mistakes of a soak.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The maximum number of mistakes that are listed one by one.
const LISTED: usize = 20;

/// A counter that is shared by many tasks.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted in a soak.
#[derive(Default)]
pub(super) struct Account {
    /// Actions that were started, by how they ended for their clients.
    pub(super) completed: Counter,
    pub(super) failed: Counter,
    pub(super) panicked: Counter,
    pub(super) cancelled: Counter,
    /// Actions whose connection ended before them, closed by the server or by the client.
    pub(super) cut: Counter,
    /// Actions that were not started because of the state of their service or task, or were invalid
    /// on purpose.
    pub(super) refused: Counter,
    /// Requests of other kinds.
    pub(super) others: Counter,
    /// Events that clients received, and events that they should have received but did not.
    pub(super) events: Counter,
    pub(super) lost: Counter,
    pub(super) connected: Counter,
    /// What happened to services.
    pub(super) started: Counter,
    pub(super) stopped: Counter,
    pub(super) killed: Counter,
    pub(super) restarted: Counter,
    pub(super) crashed: Counter,
    pub(super) start_failed: Counter,
    pub(super) server_restarts: Counter,
    /// The number of events that an action has emitted, by the number of its call.
    emitted: Mutex<HashMap<u64, Arc<AtomicU64>>>,
    last_call: Counter,
    mistakes: Mutex<Mistakes>,
}

#[derive(Default)]
struct Mistakes {
    listed: Vec<String>,
    count: usize,
}

impl Account {
    /// Returns a number for a call, and a counter for the events that it emits.
    pub(super) fn open(&self) -> (u64, Arc<AtomicU64>) {
        let call = self.last_call.0.fetch_add(1, Ordering::Relaxed);
        let emitted = Arc::new(AtomicU64::new(0));
        self.emitted().insert(call, emitted.clone());
        (call, emitted)
    }

    /// The counter of a call; a fresh one that nobody reads if its client has disconnected.
    pub(super) fn emitted_by(&self, call: u64) -> Arc<AtomicU64> {
        self.emitted().get(&call).cloned().unwrap_or_default()
    }

    pub(super) fn close(&self, call: u64) {
        self.emitted().remove(&call);
    }

    fn emitted(&self) -> MutexGuard<'_, HashMap<u64, Arc<AtomicU64>>> {
        self.emitted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records something that must not happen.
    pub(super) fn mistake(&self, what: String) {
        let mut mistakes = self.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        mistakes.count += 1;
        if mistakes.listed.len() < LISTED {
            mistakes.listed.push(what);
        }
    }

    /// The first mistakes, and the number of further ones.
    pub(super) fn mistakes(&self) -> (Vec<String>, usize) {
        let mistakes = self.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        (mistakes.listed.clone(), mistakes.count - mistakes.listed.len())
    }

    /// The number of actions that were started and have ended.
    pub(super) fn actions(&self) -> u64 {
        let ends = [&self.completed, &self.failed, &self.panicked, &self.cancelled, &self.cut];
        ends.into_iter().map(Counter::get).sum()
    }
}
