//! A list of tasks that each task leaves by itself, without the lock that the list is under.

use std::array;
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;

use super::shard::Shard;
use crate::meta::Name;

/// How many slots are allocated at once. With two flags they are the bits of a word.
const SLOTS: u32 = 30;

/// The bits of the slots.
const ALL: u32 = (1 << SLOTS) - 1;

/// All slots are taken, and the list wants to know when the first is empty.
const FULL: u32 = 1 << SLOTS;

/// Somebody waits until the list is empty, and so the list wants to know of each task.
const WATCHED: u32 = FULL << 1;

/// As many of the chunks are kept, if there is a task in them or not: slots for a thousand tasks.
const KEPT: usize = if cfg!(test) { 2 } else { 1024_usize.div_ceil(SLOTS as usize) };

/// A chunk of the list's slots, as its tasks see it. They own it together with the list.
pub(super) struct Chunk {
    pub(super) shard: Arc<Shard>,
    /// Which of the list's chunks it is.
    index: u32,
    /// A bit for each slot whose task has ended and that the list has not taken back yet, and the
    /// flags. Tasks set the bits, and all else is done under the lock.
    ended: AtomicU32,
    /// A bit for each slot whose task is to stop. Here, and not with the list, because tasks look
    /// at it in each poll, while others change the list.
    stopped: AtomicU32,
}

impl Chunk {
    /// The task in the slot has ended. If this is true, the list must be [told](List::settle).
    #[inline]
    #[must_use]
    pub(super) fn end(&self, slot: u8) -> bool {
        // The same as setting the bit, because nobody else does; but there is an instruction for it.
        let before = self.ended.fetch_add(1 << slot, Ordering::AcqRel);
        before & (FULL | WATCHED) != 0 || before | 1 << slot == ALL
    }

    /// Whether the task in the slot is to stop.
    #[inline]
    pub(super) fn is_stopped(&self, slot: u8) -> bool {
        self.stopped.load(Ordering::Acquire) & 1 << slot != 0
    }
}

/// The tasks that were spawned and have not ended.
///
/// The slots come in chunks. But for some that are kept for lists that grow and shrink all the time,
/// a chunk without a task is given back: so the memory is that of the tasks that are there, and not
/// of those that were there once.
pub(super) struct List {
    chunks: Vec<Option<Box<ListChunk>>>,
    /// The chunks with an empty slot, other than the open one, and those that were given back. The
    /// last one is used first.
    room: Vec<u32>,
    /// The chunk that tasks are added to.
    open: usize,
    /// The empty slots of that one which were found.
    empty: u32,
    /// How many chunks there are besides those that are kept.
    extra: usize,
    spawned: usize,
    /// How many tasks there are. Counted only if somebody waits until there are none.
    watched: Option<usize>,
}

/// A chunk, as the list sees it.
struct ListChunk {
    chunk: Arc<Chunk>,
    /// A bit for each slot with a task. The task may have ended.
    taken: u32,
    /// How many tasks there were when they were counted last.
    counted: u32,
    /// Some more than slots, so that it need not be looked at whether there is one.
    entries: [Entry; u32::BITS as usize],
}

/// What is known of a task. Small, because each spawn writes one.
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) location: &'static Location<'static>,
    /// When it was spawned: in nanoseconds since the group was made, or, without a clock, the how
    /// manieth of this list it is.
    pub(super) stamp: u64,
    /// How to get the task polled, so that it finds out that it is to stop. Only while it waits.
    pub(super) waker: Option<Waker>,
}

impl Entry {
    fn empty() -> Entry {
        Entry { name: None, location: Location::caller(), stamp: 0, waker: None }
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
        // Of so few slots, none has a larger number.
        (slots.chunk.clone(), u8::try_from(bit).unwrap_or(u8::MAX), entry)
    }

    /// Finds empty slots.
    #[cold]
    fn find_room(&mut self, shard: &Arc<Shard>) {
        if let Some(Some(open)) = self.chunks.get_mut(self.open) {
            let mut empty = open.take_back();
            if empty == 0 && open.chunk.ended.fetch_or(FULL, Ordering::AcqRel) & ALL != 0 {
                // That was between the two.
                open.chunk.ended.fetch_and(!FULL, Ordering::AcqRel);
                empty = open.take_back();
            }
            if empty == ALL && self.open >= KEPT && self.extra == 1 {
                // Who is about to tell will not find it any more.
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

    /// Gives back the memory for what was there once.
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

    /// Takes notice of what has ended in the chunk.
    pub(super) fn settle(&mut self, chunk: &Arc<Chunk>) {
        let index = chunk.index as usize;
        let Some(slot) = self.chunks.get_mut(index) else { return };
        let Some(slots) = slot.as_mut().filter(|it| Arc::ptr_eq(&it.chunk, chunk)) else {
            return;
        };
        // Read once, for the count and for what follows: who ends after this must find the chunk.
        let ended = chunk.ended.load(Ordering::Acquire);
        if let Some(tasks) = &mut self.watched {
            *tasks -= slots.recount(ended);
        }
        if index == self.open {
            return;
        }
        // Who tells late may find the chunk full again.
        if ended & FULL != 0 && ended & ALL != 0 {
            chunk.ended.fetch_and(!FULL, Ordering::AcqRel);
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

    /// How many tasks there are, if that is being counted.
    pub(super) fn watched(&self) -> Option<usize> {
        self.watched
    }

    /// Counts the tasks from now on.
    pub(super) fn watch(&mut self) {
        let mut tasks = 0;
        for slots in self.chunks.iter_mut().flatten() {
            // Who ends after this is counted when it tells; who has ended before is not.
            slots.chunk.ended.fetch_or(WATCHED, Ordering::AcqRel);
            slots.counted = slots.tasks().count_ones();
            tasks += slots.counted as usize;
        }
        self.watched = Some(tasks);
    }

    pub(super) fn unwatch(&mut self) {
        if self.watched.take().is_some() {
            for slots in self.chunks.iter().flatten() {
                slots.chunk.ended.fetch_and(!WATCHED, Ordering::AcqRel);
            }
        }
    }

    /// How many tasks there are. If somebody waits, those that are about to tell are among them: or
    /// there would be none for a moment, and who waits would not be told.
    pub(super) fn len(&self) -> usize {
        self.watched.unwrap_or_else(|| {
            self.chunks.iter().flatten().map(|slots| slots.tasks().count_ones() as usize).sum()
        })
    }

    /// How many tasks there have been.
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

    /// Tells all tasks that they are to stop. Gives how to wake those that wait.
    pub(super) fn stop(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for slots in self.chunks.iter_mut().flatten() {
            slots.chunk.stopped.fetch_or(slots.tasks(), Ordering::AcqRel);
            wakers.extend(slots.entries.iter_mut().filter_map(|entry| entry.waker.take()));
        }
        wakers
    }
}

impl ListChunk {
    /// The slots whose tasks have not ended.
    fn tasks(&self) -> u32 {
        self.taken & !self.chunk.ended.load(Ordering::Acquire)
    }

    /// Takes back the slots of those that have. Gives the empty slots.
    fn take_back(&mut self) -> u32 {
        let ended = self.chunk.ended.fetch_and(!ALL, Ordering::AcqRel) & ALL;
        self.chunk.stopped.fetch_and(!ended, Ordering::AcqRel);
        self.taken &= !ended;
        !self.taken & ALL
    }

    /// How many tasks have ended since the last time.
    fn recount(&mut self, ended: u32) -> usize {
        let tasks = (self.taken & !ended).count_ones();
        let before = mem::replace(&mut self.counted, tasks);
        (before - self.counted) as usize
    }
}

#[cfg(test)]
mod tests;
