//! A list of tasks that each task leaves by itself, without the lock that the list is under.

use std::array;
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;

use super::shard::Shard;
use crate::origin::{Name, Place};

/// How many places are allocated at once. With two flags they are the bits of a word.
const PLACES: u32 = 30;

/// The bits of the places.
const ALL: u32 = (1 << PLACES) - 1;

/// All places are taken, and the list wants to know when the first is empty.
const FULL: u32 = 1 << PLACES;

/// Somebody waits until the list is empty, and so the list wants to know of each task.
const WATCHED: u32 = FULL << 1;

/// As many of the chunks are kept, if there is a task in them or not: places for a thousand tasks.
const KEPT: usize = if cfg!(test) { 2 } else { 1024_usize.div_ceil(PLACES as usize) };

/// A chunk of the list's places, as its tasks see it. They own it together with the list.
pub(super) struct Chunk {
    pub(super) shard: Arc<Shard>,
    /// Which of the list's chunks it is.
    index: u32,
    /// A bit for each place whose task has ended and that the list has not taken back yet, and the
    /// flags. Tasks set the bits, and all else is done under the lock.
    ended: AtomicU32,
    /// A bit for each place whose task is to stop. Here, and not with the list, because tasks look
    /// at it in each poll, while others change the list.
    stopped: AtomicU32,
}

impl Chunk {
    /// The task in the place has ended. If this is true, the list must be [told](List::settle).
    #[inline]
    #[must_use]
    pub(super) fn end(&self, place: u8) -> bool {
        // The same as setting the bit, because nobody else does; but there is an instruction for it.
        let before = self.ended.fetch_add(1 << place, Ordering::AcqRel);
        before & (FULL | WATCHED) != 0 || before | 1 << place == ALL
    }

    /// Whether the task in the place is to stop.
    #[inline]
    pub(super) fn is_stopped(&self, place: u8) -> bool {
        self.stopped.load(Ordering::Acquire) & 1 << place != 0
    }
}

/// The tasks that were spawned and have not ended.
///
/// The places come in chunks. But for some that are kept for lists that grow and shrink all the time,
/// a chunk without a task is given back: so the memory is that of the tasks that are there, and not
/// of those that were there once.
pub(super) struct List {
    chunks: Vec<Option<Box<Places>>>,
    /// The chunks with an empty place, other than the open one, and those that were given back. The
    /// last one is used first.
    room: Vec<u32>,
    /// The chunk that tasks are added to.
    open: usize,
    /// The empty places of that one which were found.
    empty: u32,
    /// How many chunks there are besides those that are kept.
    extra: usize,
    spawned: usize,
    /// How many tasks there are. Counted only if somebody waits until there are none.
    watched: Option<usize>,
}

/// A chunk, as the list sees it.
struct Places {
    chunk: Arc<Chunk>,
    /// A bit for each place with a task. The task may have ended.
    taken: u32,
    /// How many tasks there were when they were counted last.
    counted: u32,
    /// Some more than places, so that it need not be looked at whether there is one.
    entries: [Entry; u32::BITS as usize],
}

/// What is known of a task. Small, because each spawn writes one.
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) place: Place,
    /// When it was spawned: in nanoseconds since the group was made, or, without a clock, the how
    /// manieth of this list it is.
    pub(super) stamp: u64,
    /// How to get the task polled, so that it finds out that it is to stop. Only while it waits.
    pub(super) waker: Option<Waker>,
}

impl Entry {
    fn empty() -> Entry {
        Entry { name: None, place: Location::caller(), stamp: 0, waker: None }
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
        place: Place,
    ) -> (Arc<Chunk>, u8, &mut Entry) {
        if self.empty == 0 {
            self.find_room(shard);
        }
        let bit = self.empty.trailing_zeros();
        self.empty &= self.empty - 1;
        self.spawned += 1;
        let places = self.chunks[self.open].as_mut().expect("the open chunk is not given back");
        places.taken |= 1 << bit;
        let entry = &mut places.entries[bit as usize % u32::BITS as usize];
        entry.place = place;
        entry.stamp = self.spawned as u64;
        if let Some(tasks) = &mut self.watched {
            *tasks += 1;
            places.counted += 1;
        }
        // Of so few places, none has a larger number.
        (places.chunk.clone(), u8::try_from(bit).unwrap_or(u8::MAX), entry)
    }

    /// Finds empty places.
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
        let places = &mut self.chunks[self.open];
        let places = places.get_or_insert_with(|| {
            self.extra += usize::from(self.open >= KEPT);
            let index = u32::try_from(self.open).expect("there is no memory for so many tasks");
            let ended = AtomicU32::new(if self.watched.is_some() { WATCHED } else { 0 });
            let stopped = AtomicU32::new(0);
            Box::new(Places {
                chunk: Arc::new(Chunk { shard: shard.clone(), index, ended, stopped }),
                taken: 0,
                counted: 0,
                entries: array::from_fn(|_| Entry::empty()),
            })
        });
        self.empty = places.take_back();
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
    pub(super) fn entry(&mut self, chunk: &Arc<Chunk>, place: u8) -> Option<&mut Entry> {
        let places = self.chunks.get_mut(chunk.index as usize)?.as_mut()?;
        places.entries.get_mut(usize::from(place))
    }

    /// Takes notice of what has ended in the chunk.
    pub(super) fn settle(&mut self, chunk: &Arc<Chunk>) {
        let index = chunk.index as usize;
        let Some(place) = self.chunks.get_mut(index) else { return };
        let Some(places) = place.as_mut().filter(|it| Arc::ptr_eq(&it.chunk, chunk)) else {
            return;
        };
        // Read once, for the count and for what follows: who ends after this must find the chunk.
        let ended = chunk.ended.load(Ordering::Acquire);
        if let Some(tasks) = &mut self.watched {
            *tasks -= places.recount(ended);
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
            *place = None;
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
        for places in self.chunks.iter_mut().flatten() {
            // Who ends after this is counted when it tells; who has ended before is not.
            places.chunk.ended.fetch_or(WATCHED, Ordering::AcqRel);
            places.counted = places.tasks().count_ones();
            tasks += places.counted as usize;
        }
        self.watched = Some(tasks);
    }

    pub(super) fn unwatch(&mut self) {
        if self.watched.take().is_some() {
            for places in self.chunks.iter().flatten() {
                places.chunk.ended.fetch_and(!WATCHED, Ordering::AcqRel);
            }
        }
    }

    /// How many tasks there are. If somebody waits, those that are about to tell are among them: or
    /// there would be none for a moment, and who waits would not be told.
    pub(super) fn len(&self) -> usize {
        self.watched.unwrap_or_else(|| {
            self.chunks.iter().flatten().map(|places| places.tasks().count_ones() as usize).sum()
        })
    }

    /// How many tasks there have been.
    pub(super) fn spawned(&self) -> usize {
        self.spawned
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flatten().flat_map(|places| {
            let tasks = places.tasks();
            places
                .entries
                .iter()
                .enumerate()
                .filter_map(move |(bit, it)| if tasks & 1 << bit != 0 { Some(it) } else { None })
        })
    }

    /// Tells all tasks that they are to stop. Gives how to wake those that wait.
    pub(super) fn stop(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for places in self.chunks.iter_mut().flatten() {
            places.chunk.stopped.fetch_or(places.tasks(), Ordering::AcqRel);
            wakers.extend(places.entries.iter_mut().filter_map(|entry| entry.waker.take()));
        }
        wakers
    }
}

impl Places {
    /// The places whose tasks have not ended.
    fn tasks(&self) -> u32 {
        self.taken & !self.chunk.ended.load(Ordering::Acquire)
    }

    /// Takes back the places of those that have. Gives the empty places.
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
