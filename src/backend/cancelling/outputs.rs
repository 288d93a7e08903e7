//! Outputs that async-task is about to drop.
//!
//! async-task marks a task as ended and then drops the output of a cancelled one. A cancellation whose first poll comes
//! in between resolves at once, and async-task tells nobody of the drop. So each thread notes that a task has returned
//! an output to async-task, and that an output is being dropped. Only such a cancellation, which is rare, looks at the
//! notes of other threads.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::{mem, thread};

use crate::contain::wake;

/// A thread's note: the number of outputs that its tasks have returned, and the phase of the last one.
struct Note {
    value: AtomicUsize,
    /// Those who wait for the end of the drop.
    waiting: Mutex<Vec<Waker>>,
}

const PHASE: usize = 3;
/// The last output is kept for the handle, or was dropped: nothing more can be known about it.
const DONE: usize = 0;
/// The task has returned its output. async-task keeps it for the handle, or drops it next.
const RETURNED: usize = 1;
const DROPPING: usize = 2;

/// How often to yield to a thread that has returned an output. If it drops it, it does so after a few instructions.
/// Otherwise the output is kept, and the note may stay as it is for long.
const YIELDS: usize = 1000;

static NOTES: Mutex<Vec<Arc<Note>>> = Mutex::new(Vec::new());

thread_local! {
    static NOTE: OnceCell<Owner> = const { OnceCell::new() };
}

/// Removes the note with its thread.
struct Owner(Arc<Note>);

impl Drop for Owner {
    fn drop(&mut self) {
        lock(&NOTES).retain(|note| !Arc::ptr_eq(note, &self.0));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user code runs under the locks, so no panic can poison them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cold]
fn owner() -> Owner {
    let note = Arc::new(Note { value: AtomicUsize::new(DONE), waiting: Mutex::new(Vec::new()) });
    lock(&NOTES).push(note.clone());
    Owner(note)
}

/// Notes that a task of this thread returns an output to async-task.
#[inline]
pub(in crate::backend) fn returning() {
    // A thread that is being torn down takes no notes.
    let _ = NOTE.try_with(|note| {
        let value = &note.get_or_init(owner).0.value;
        let count = value.load(Ordering::Relaxed) | PHASE;
        // Only this thread writes. What async-task does next, to mark the task as ended, releases it.
        value.store(count.wrapping_add(1) | RETURNED, Ordering::Relaxed);
    });
}

/// Calls a function that drops an output.
pub(in crate::backend) fn dropping(drop_output: impl FnOnce()) {
    let note = NOTE.try_with(|note| note.get().map(|owner| owner.0.clone())).ok().flatten();
    let Some(note) = note.filter(|note| note.value.load(Ordering::Relaxed) & PHASE == RETURNED)
    else {
        return drop_output();
    };
    let count = note.value.load(Ordering::Relaxed) & !PHASE;
    note.value.store(count | DROPPING, Ordering::Relaxed);
    drop_output();
    let mut waiting = lock(&note.waiting);
    // Release pairs with the acquire in `poll`: who sees the end of the drop also sees what the drop did.
    note.value.store(count | DONE, Ordering::Release);
    let woken = mem::take(&mut *waiting);
    // Wake after unlocking: the wakers are user code.
    drop(waiting);
    for waiter in woken {
        wake(Some(waiter));
    }
}

/// Waits for outputs that other threads may be about to drop, or are dropping.
pub(super) struct Drops(Vec<(Arc<Note>, usize)>);

impl Drops {
    pub(super) fn new() -> Drops {
        let own = NOTE.try_with(|note| note.get().map(|owner| owner.0.clone())).ok().flatten();
        let is_own = |note: &Arc<Note>| own.as_ref().is_some_and(|own| Arc::ptr_eq(own, note));
        let notes = lock(&NOTES);
        let noted = notes.iter().filter(|note| !is_own(note)).map(|note| {
            // The caller has seen that the task has ended, and so sees the note of its return.
            (note.clone(), note.value.load(Ordering::Acquire))
        });
        Drops(noted.filter(|(_, value)| value & PHASE != DONE).collect())
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some((note, value)) = self.0.last() {
            if note.poll(*value & !PHASE, cx).is_pending() {
                return Poll::Pending;
            }
            self.0.pop();
        }
        Poll::Ready(())
    }
}

impl Note {
    fn poll(&self, count: usize, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..YIELDS {
            let value = self.value.load(Ordering::Acquire);
            if value == count | DROPPING {
                // Clone and drop wakers without the lock: both may run user code.
                let waker = cx.waker().clone();
                let mut waiting = lock(&self.waiting);
                // Under the lock: the end of the drop wakes it, or has come before this.
                if self.value.load(Ordering::Acquire) == count | DROPPING {
                    waiting.push(waker);
                    return Poll::Pending;
                }
                drop(waiting);
                return Poll::Ready(());
            }
            if value != count | RETURNED {
                return Poll::Ready(());
            }
            thread::yield_now();
        }
        Poll::Ready(())
    }
}
