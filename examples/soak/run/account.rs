//! What is counted, and what must not have happened.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most mistakes that are told one by one.
const TOLD: usize = 20;

/// A number that many count up.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happens in a soak, counted by all who take part.
#[derive(Default)]
pub(crate) struct Account {
    /// Actions that were begun, by how they ended for their client.
    pub(crate) completed: Counter,
    pub(crate) failed: Counter,
    pub(crate) panicked: Counter,
    pub(crate) cancelled: Counter,
    /// Those whose connection ended before them, with the server or by the client.
    pub(crate) cut: Counter,
    /// Those that were not begun, because of what they were for, or as they were meant to be.
    pub(crate) refused: Counter,
    /// Requests of other kinds.
    pub(crate) others: Counter,
    /// Events that clients got, and those that they should have got besides.
    pub(crate) events: Counter,
    pub(crate) lost: Counter,
    pub(crate) connected: Counter,
    /// What was done to services.
    pub(crate) started: Counter,
    pub(crate) stopped: Counter,
    pub(crate) killed: Counter,
    pub(crate) restarted: Counter,
    pub(crate) crashed: Counter,
    pub(crate) start_failed: Counter,
    pub(crate) server_restarts: Counter,
    /// What an action has emitted, by the number of its call.
    emitted: Mutex<HashMap<u64, Arc<AtomicU64>>>,
    last_call: Counter,
    mistakes: Mutex<Mistakes>,
}

#[derive(Default)]
struct Mistakes {
    told: Vec<String>,
    count: usize,
}

impl Account {
    /// A number for a call, and the counter of what it will have emitted.
    pub(crate) fn open(&self) -> (u64, Arc<AtomicU64>) {
        let call = self.last_call.0.fetch_add(1, Ordering::Relaxed);
        let emitted = Arc::new(AtomicU64::new(0));
        self.emitted().insert(call, emitted.clone());
        (call, emitted)
    }

    /// The counter of a call; one that nobody reads, if its client has left.
    pub(crate) fn emitted_by(&self, call: u64) -> Arc<AtomicU64> {
        self.emitted().get(&call).cloned().unwrap_or_default()
    }

    pub(crate) fn close(&self, call: u64) {
        self.emitted().remove(&call);
    }

    fn emitted(&self) -> MutexGuard<'_, HashMap<u64, Arc<AtomicU64>>> {
        self.emitted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that must not happen.
    pub(crate) fn mistake(&self, what: String) {
        let mut mistakes = self.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        mistakes.count += 1;
        if mistakes.told.len() < TOLD {
            mistakes.told.push(what);
        }
    }

    /// What must not have happened, and the number of what is not told.
    pub(crate) fn mistakes(&self) -> (Vec<String>, usize) {
        let mistakes = self.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        (mistakes.told.clone(), mistakes.count - mistakes.told.len())
    }

    /// The actions that were begun and have ended.
    pub(crate) fn actions(&self) -> u64 {
        let ends = [&self.completed, &self.failed, &self.panicked, &self.cancelled, &self.cut];
        ends.into_iter().map(Counter::get).sum()
    }
}
