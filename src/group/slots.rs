//! A list whose slots are reused, and whose memory shrinks with its contents.

use std::array;

/// The slot of a value. Small, because each task has one.
pub(super) type Key = u32;

/// The number of slots that are allocated at once.
const CHUNK: u32 = 32;

/// Values that are found by key. Keys are reused.
///
/// Slots are allocated in chunks, and an empty chunk is freed, so that memory follows the number of values,
/// and not the highest number there ever was, as in a `Vec`. One spare chunk is kept for lists that keep
/// growing and shrinking by one.
pub(super) struct Slots<T> {
    chunks: Vec<Option<Box<Chunk<T>>>>,
    /// The chunks with room, and those that were freed. The last one is used first.
    room: Vec<u32>,
    spare: Option<Box<Chunk<T>>>,
    len: usize,
}

struct Chunk<T> {
    /// A bit for each slot.
    taken: u32,
    slots: [Option<T>; CHUNK as usize],
}

impl<T> Slots<T> {
    pub(super) const fn new() -> Slots<T> {
        Slots { chunks: Vec::new(), room: Vec::new(), spare: None, len: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Inserts a value at the [next key](Slots::next_key).
    #[inline]
    pub(super) fn insert(&mut self, key: Key, value: T) {
        debug_assert_eq!(key, self.next_key());
        let spare = &mut self.spare;
        let chunk = self.chunks[(key / CHUNK) as usize]
            .get_or_insert_with(|| spare.take().unwrap_or_else(|| Box::new(Chunk::new())));
        chunk.slots[(key % CHUNK) as usize] = Some(value);
        chunk.taken |= 1 << (key % CHUNK);
        if chunk.taken == u32::MAX {
            self.room.pop();
        }
        self.len += 1;
    }

    /// The chunk that the next value goes to.
    #[inline]
    fn index(&mut self) -> u32 {
        match self.room.last() {
            Some(&index) => index,
            None => self.grow(),
        }
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        let index = u32::try_from(self.chunks.len()).ok().filter(|index| *index < u32::MAX / CHUNK);
        let index = index.expect("a group holds fewer than 2^32 tasks");
        self.chunks.push(None);
        self.room.push(index);
        index
    }

    /// The key of the value that is inserted next.
    pub(super) fn next_key(&mut self) -> Key {
        let index = self.index();
        let taken = self.chunks[index as usize].as_ref().map_or(0, |chunk| chunk.taken);
        index * CHUNK + taken.trailing_ones()
    }

    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let chunk = self.chunks.get((key / CHUNK) as usize)?.as_ref()?;
        chunk.slots[(key % CHUNK) as usize].as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let chunk = self.chunks.get_mut((key / CHUNK) as usize)?.as_mut()?;
        chunk.slots[(key % CHUNK) as usize].as_mut()
    }

    #[inline]
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let index = key / CHUNK;
        let slot = self.chunks.get_mut(index as usize)?;
        let chunk = slot.as_mut()?;
        let value = chunk.slots[(key % CHUNK) as usize].take()?;
        if chunk.taken == u32::MAX {
            self.room.push(index);
        }
        chunk.taken &= !(1 << (key % CHUNK));
        self.len -= 1;
        if chunk.taken == 0 {
            let empty = slot.take();
            if self.spare.is_none() {
                self.spare = empty;
            }
            if self.len == 0 && self.chunks.len() > 1 {
                self.shrink();
            }
        }
        Some(value)
    }

    #[cold]
    fn shrink(&mut self) {
        self.chunks = vec![None];
        self.room = vec![0];
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().flat_map(|chunk| chunk.slots.iter().flatten())
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        let chunks = self.chunks.into_iter().flatten();
        chunks.flat_map(|chunk| chunk.slots.into_iter().flatten())
    }
}

impl<T> Chunk<T> {
    #[cold]
    fn new() -> Chunk<T> {
        Chunk { taken: 0, slots: array::from_fn(|_| None) }
    }
}

#[cfg(all(test, not(model)))]
mod tests;
