//! A list of tasks, which each task leaves without taking the list's lock.
//!
//! # Memory orderings
//!
//! A task shares two words with the list: `ended`, whose bits the task sets, and `stopped`, whose bits it reads. The
//! list writes both under its lock. Each write is a read-modify-write, so each word has one order of changes, and a
//! task and the list agree on which of their changes came first, whatever its ordering. Two things are left to order,
//! and each has its `Release` and its `Acquire`:
//!
//! - Whoever sees that a task has ended sees what the task did before. The task releases it in [`Chunk::end`]; the
//!   list acquires it wherever it reads `ended` to count tasks or to reclaim their slots.
//! - A task that sees that it must stop sees what was done before the request. [`List::stop`] releases it, and
//!   [`Chunk::is_stopped`] acquires it.
//!
//! All other accesses are `Relaxed`.

use std::array;
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;

use super::shard::Shard;
use crate::meta::Label;
use crate::sync::atomic::{AtomicU32, Ordering};

/// The number of slots in a chunk. Together with two flags they are the bits of a word.
const SLOTS: u32 = if cfg!(model) { 2 } else { 30 };

/// The bits of the slots.
const ALL: u32 = (1 << SLOTS) - 1;

/// All slots are taken: the first task that ends must tell the list.
const FULL: u32 = 1 << SLOTS;

/// The list is being awaited: each task that ends must tell it.
const WATCHED: u32 = FULL << 1;

/// The number of chunks that are kept even if they are empty: slots for a thousand tasks.
const KEPT: usize = if cfg!(model) {
    1
} else if cfg!(test) {
    2
} else {
    1024_usize.div_ceil(SLOTS as usize)
};

/// A chunk of slots, as its tasks see it. The tasks and the list own it together.
pub(super) struct Chunk {
    pub(super) shard: Arc<Shard>,
    /// The chunk's index in the list.
    index: u32,
    /// The flags, and a bit for each slot whose task has ended and that the list has not reclaimed yet. Tasks set
    /// bits without the lock; everything else happens under it.
    ended: AtomicU32,
    /// A bit for each slot whose task must stop. It is here, and not in the list, because tasks read it in each
    /// poll, while the list is being changed by others.
    stopped: AtomicU32,
}

impl Chunk {
    /// Marks the task in the slot as ended. If this returns true, the list must be [told](List::settle).
    #[inline]
    #[must_use]
    pub(super) fn end(&self, slot: u8) -> bool {
        // Only this sets the bit, so adding sets it; unlike `fetch_or`, there is an instruction for it.
        // Release: whoever counts this task as ended, or reuses its slot, sees what it did. A flag needs no acquire:
        // a task that sees one takes the lock under which it was set.
        let before = self.ended.fetch_add(1 << slot, Ordering::Release);
        before & (FULL | WATCHED) != 0 || before | 1 << slot == ALL
    }

    /// Whether the task in the slot must stop.
    #[inline]
    pub(super) fn is_stopped(&self, slot: u8) -> bool {
        // Acquire: the task sees what was done before it was told to stop.
        self.stopped.load(Ordering::Acquire) & 1 << slot != 0
    }
}

/// The tasks that were spawned and have not ended.
///
/// Slots are allocated in chunks. Empty chunks are freed, except for a few, so that memory follows the number of
/// tasks, and not the highest number there ever was.
pub(super) struct List {
    chunks: Vec<Option<Box<ListChunk>>>,
    /// The chunks with an empty slot, other than the open one, and those that were freed. The last one is used
    /// first.
    room: Vec<u32>,
    /// The open chunk, to which tasks are added.
    open: usize,
    /// The empty slots found in the open chunk.
    empty: u32,
    /// The number of chunks beyond those that are kept.
    extra: usize,
    spawned: usize,
    /// The number of tasks, counted only while the list is being awaited.
    watched: Option<usize>,
}

/// A chunk as the list sees it.
struct ListChunk {
    chunk: Arc<Chunk>,
    /// A bit for each slot with a task. The task may have ended.
    taken: u32,
    /// The number of tasks at the last count.
    counted: u32,
    /// A few more entries than slots, so that indexing needs no bounds check.
    entries: [Entry; u32::BITS as usize],
}

/// The entry of a task. Small, because each spawn writes one.
pub(super) struct Entry {
    pub(super) label: Label,
    pub(super) location: &'static Location<'static>,
    /// When it was spawned: in nanoseconds since the group was created, or, without a clock, its index in this
    /// list.
    pub(super) stamp: u64,
    /// The waker that gets the task polled, so that it notices that it must stop. Present only while it waits.
    pub(super) waker: Option<Waker>,
}

impl Entry {
    fn empty() -> Entry {
        Entry { label: Label::default(), location: Location::caller(), stamp: 0, waker: None }
    }
}

impl List {
    pub(super) const fn new() -> List {
        List {
            chunks: Vec::new(),
            room: Vec::new(),
            open: 0,
            empty: 0,
            extra: 0,
            spawned: 0,
            watched: None,
        }
    }

    /// Adds a task, stamped with its number.
    #[inline]
    pub(super) fn insert(
        &mut self,
        shard: &Arc<Shard>,
        location: &'static Location<'static>,
    ) -> (Arc<Chunk>, u8, &mut Entry) {
        if self.empty == 0 {
            self.find_room(shard);
        }
        let bit = self.empty.trailing_zeros();
        self.empty &= self.empty - 1;
        self.spawned += 1;
        let slots = self.chunks[self.open].as_mut().expect("the open chunk is not given back");
        slots.taken |= 1 << bit;
        let entry = &mut slots.entries[bit as usize % u32::BITS as usize];
        entry.location = location;
        entry.stamp = self.spawned as u64;
        if let Some(tasks) = &mut self.watched {
            *tasks += 1;
            slots.counted += 1;
        }
        // A slot's number fits, since there are so few.
        (slots.chunk.clone(), u8::try_from(bit).unwrap_or(u8::MAX), entry)
    }

    /// Finds empty slots.
    #[cold]
    fn find_room(&mut self, shard: &Arc<Shard>) {
        if let Some(Some(open)) = self.chunks.get_mut(self.open) {
            let mut empty = open.take_back();
            // Relaxed: a task ends before this, and is seen here, or after it, and sees the flag.
            if empty == 0 && open.chunk.ended.fetch_or(FULL, Ordering::Relaxed) & ALL != 0 {
                // A task ended between the two reads. Taking its slot back acquires what it did.
                open.chunk.ended.fetch_and(!FULL, Ordering::Relaxed);
                empty = open.take_back();
            }
            if empty == ALL && self.open >= KEPT && self.extra == 1 {
                // A task that is about to tell the list finds the chunk gone.
                if let Some(tasks) = &mut self.watched {
                    *tasks -= open.recount(0);
                }
                self.extra = 0;
                self.shrink();
            } else if empty != 0 {
                self.empty = empty;
                return;
            }
        }
        self.open = self.room.pop().map_or(self.chunks.len(), |index| index as usize);
        if self.open == self.chunks.len() {
            self.chunks.push(None);
        }
        let slots = &mut self.chunks[self.open];
        let slots = slots.get_or_insert_with(|| {
            self.extra += usize::from(self.open >= KEPT);
            let index = u32::try_from(self.open).expect("there is no memory for so many tasks");
            let ended = AtomicU32::new(if self.watched.is_some() { WATCHED } else { 0 });
            let stopped = AtomicU32::new(0);
            Box::new(ListChunk {
                chunk: Arc::new(Chunk { shard: shard.clone(), index, ended, stopped }),
                taken: 0,
                counted: 0,
                entries: array::from_fn(|_| Entry::empty()),
            })
        });
        self.empty = slots.take_back();
    }

    /// Frees the memory of past entries.
    #[cold]
    fn shrink(&mut self) {
        self.chunks.truncate(KEPT);
        self.chunks.shrink_to_fit();
        self.room.retain(|index| (*index as usize) < KEPT);
        self.room.shrink_to_fit();
    }

    /// The entry of a task that has not ended; `None` if the group is gone.
    #[inline]
    pub(super) fn entry(&mut self, chunk: &Arc<Chunk>, slot: u8) -> Option<&mut Entry> {
        let slots = self.chunks.get_mut(chunk.index as usize)?.as_mut()?;
        slots.entries.get_mut(usize::from(slot))
    }

    /// Reclaims the slots of tasks that have ended in the chunk.
    pub(super) fn settle(&mut self, chunk: &Arc<Chunk>) {
        let index = chunk.index as usize;
        let Some(slot) = self.chunks.get_mut(index) else { return };
        let Some(slots) = slot.as_mut().filter(|it| Arc::ptr_eq(&it.chunk, chunk)) else {
            return;
        };
        // Read once, for the count and the rest: a task that ends after this must still find the chunk.
        // Acquire: this also counts tasks that have not told yet, and the chunk may be freed, after which nothing
        // else reads what they released.
        let ended = chunk.ended.load(Ordering::Acquire);
        if let Some(tasks) = &mut self.watched {
            *tasks -= slots.recount(ended);
        }
        if index == self.open {
            return;
        }
        // A task that tells late may find the chunk full again.
        if ended & FULL != 0 && ended & ALL != 0 {
            // Relaxed: under the lock. A task that ends meanwhile and has seen the flag finds it gone when it tells.
            chunk.ended.fetch_and(!FULL, Ordering::Relaxed);
            self.room.push(chunk.index);
        }
        if ended & ALL == ALL && index >= KEPT {
            *slot = None;
            self.extra -= 1;
            if self.extra == 0 {
                self.shrink();
            }
        }
    }

    /// The number of tasks, if it is being counted.
    pub(super) fn watched(&self) -> Option<usize> {
        self.watched
    }

    /// Counts the tasks from now on.
    pub(super) fn watch(&mut self) {
        let mut tasks = 0;
        for slots in self.chunks.iter_mut().flatten() {
            // A task that ends after this is subtracted when it tells; one that ended before is not counted.
            // Relaxed: the read that follows sees at least what this has seen.
            slots.chunk.ended.fetch_or(WATCHED, Ordering::Relaxed);
            slots.counted = slots.tasks().count_ones();
            tasks += slots.counted as usize;
        }
        self.watched = Some(tasks);
    }

    pub(super) fn unwatch(&mut self) {
        if self.watched.take().is_some() {
            for slots in self.chunks.iter().flatten() {
                // Relaxed: a task that still sees the flag tells in vain.
                slots.chunk.ended.fetch_and(!WATCHED, Ordering::Relaxed);
            }
        }
    }

    /// The number of tasks. While the list is being awaited this includes tasks that are about to tell it:
    /// otherwise it would be zero for a moment without the waiters being woken.
    pub(super) fn len(&self) -> usize {
        self.watched.unwrap_or_else(|| {
            self.chunks.iter().flatten().map(|slots| slots.tasks().count_ones() as usize).sum()
        })
    }

    /// The number of tasks that were ever added.
    pub(super) fn spawned(&self) -> usize {
        self.spawned
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flatten().flat_map(|slots| {
            let tasks = slots.tasks();
            slots
                .entries
                .iter()
                .enumerate()
                .filter_map(move |(bit, it)| if tasks & 1 << bit != 0 { Some(it) } else { None })
        })
    }

    /// Marks all tasks to stop. Returns the wakers of those that wait.
    pub(super) fn stop(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for slots in self.chunks.iter_mut().flatten() {
            // Release: a task that sees it sees what was done before.
            slots.chunk.stopped.fetch_or(slots.tasks(), Ordering::Release);
            wakers.extend(slots.entries.iter_mut().filter_map(|entry| entry.waker.take()));
        }
        wakers
    }
}

impl ListChunk {
    /// The slots whose tasks have not ended.
    fn tasks(&self) -> u32 {
        // Acquire: a task that is not counted has ended, and what it did is seen.
        self.taken & !self.chunk.ended.load(Ordering::Acquire)
    }

    /// Reclaims the slots of tasks that have ended, and returns the empty slots.
    fn take_back(&mut self) -> u32 {
        // Acquire: the tasks are not counted from here on, and if the chunk is freed, nothing else acquires what
        // they did.
        let ended = self.chunk.ended.fetch_and(!ALL, Ordering::Acquire) & ALL;
        // Relaxed: the next task in the slot is spawned after this.
        self.chunk.stopped.fetch_and(!ended, Ordering::Relaxed);
        self.taken &= !ended;
        !self.taken & ALL
    }

    /// The number of tasks that ended since the last call.
    fn recount(&mut self, ended: u32) -> usize {
        let tasks = (self.taken & !ended).count_ones();
        let before = mem::replace(&mut self.counted, tasks);
        (before - self.counted) as usize
    }
}

#[cfg(all(test, model))]
mod models;
#[cfg(all(test, not(model)))]
mod tests;
