//! Tasks come and go, and so does the memory.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Weak;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

impl List {
    fn in_memory(&self) -> usize {
        self.chunks.iter().flatten().count()
    }

    /// What must be true whenever the lock is free.
    fn check(&self) {
        let known: Vec<_> = (0..self.chunks.len())
            .filter(|index| self.chunks[*index].is_some() && *index != self.open)
            .collect();
        for index in known {
            let is_full = self.chunks[index].as_ref().is_some_and(|it| {
                let ended = it.chunk.ended.load(Ordering::Acquire);
                assert_eq!(ended & WATCHED != 0, self.watched.is_some());
                ended & FULL != 0
            });
            let rooms = self.room.iter().filter(|it| **it as usize == index).count();
            assert_eq!(rooms, usize::from(!is_full), "chunk {index}");
        }
        let extra = self.chunks.iter().skip(KEPT).flatten().count();
        assert_eq!(extra, self.extra);
    }
}

fn shard() -> Arc<Shard> {
    Shard::new(0, Weak::new())
}

/// A task leaves; gives whether the list has to be told.
fn leave((chunk, slot): &(Arc<Chunk>, u8)) -> bool {
    chunk.end(*slot)
}

#[test]
fn list_knows_its_tasks_whatever_came_and_went() {
    let (shard, mut list, mut random) = (shard(), List::new(), StdRng::seed_from_u64(1));
    // By stamp. Those that have left, but have not told the list yet, are in `telling`.
    let (mut tasks, mut telling) = (BTreeMap::new(), Vec::<Arc<Chunk>>::new());
    // The stamp of the last task that was to stop.
    let mut stopped = 0;
    for round in 0..30_000 {
        // Grows for a while, then shrinks, and so on.
        let grows = round / 1000 % 2 == 0;
        match random.random_range(0..8) {
            0 if list.watched().is_none() => list.watch(),
            0 => list.unwatch(),
            1 if random.random_range(0..100) == 0 => {
                assert!(list.stop().is_empty(), "nobody waits");
                stopped = list.spawned() as u64;
            }
            1 if !telling.is_empty() => {
                let late = telling.swap_remove(random.random_range(0..telling.len()));
                list.settle(&late);
            }
            other if (other < 6) == grows => {
                let (chunk, slot, entry) = list.insert(&shard, Location::caller());
                let stamp = entry.stamp;
                assert!(tasks.insert(stamp, (chunk, slot)).is_none());
            }
            _ if tasks.is_empty() => {}
            _ => {
                let stamp = *tasks.keys().nth(random.random_range(0..tasks.len())).unwrap();
                let task = tasks.remove(&stamp).unwrap();
                if leave(&task) {
                    telling.push(task.0);
                }
            }
        }
        list.check();
        assert!(list.watched().is_some() || list.len() == tasks.len());
        if round % 100 == 0 {
            telling.drain(..).for_each(|late| list.settle(&late));
            assert!(list.watched().is_none_or(|counted| counted == tasks.len()));
            let mut stamps: Vec<_> = list.iter().map(|entry| entry.stamp).collect();
            stamps.sort_unstable();
            assert!(stamps.iter().eq(tasks.keys()));
            for (stamp, (chunk, slot)) in &tasks {
                assert_eq!(chunk.is_stopped(*slot), *stamp <= stopped);
            }
        }
        // A count that is not up to date is too high: somebody is still to tell.
        assert!(list.watched().is_none_or(|counted| counted >= tasks.len()));
    }
}

#[test]
fn memory_goes_with_the_tasks() {
    let (shard, mut list) = (shard(), List::new());
    let slots = SLOTS as usize;
    let insert = |list: &mut List| {
        let (chunk, slot, _) = list.insert(&shard, Location::caller());
        (chunk, slot)
    };
    let end = |list: &mut List, task: (Arc<Chunk>, u8)| {
        if leave(&task) {
            list.settle(&task.0);
        }
    };
    let mut tasks: Vec<_> = (0..slots * 1000).map(|_| insert(&mut list)).collect();
    assert_eq!(list.in_memory(), 1000);
    let stays = tasks.remove(slots * 500);
    for task in tasks {
        end(&mut list, task);
    }
    // The last one is open.
    assert_eq!(list.in_memory(), KEPT + 2, "the one that stays keeps more than its chunk");
    assert_eq!(list.len(), 1);
    end(&mut list, stays);
    for _ in 0..=slots {
        let task = insert(&mut list);
        end(&mut list, task);
    }
    assert_eq!(list.in_memory(), KEPT);
    assert!(list.chunks.capacity() <= KEPT && list.room.capacity() <= KEPT);

    for _ in 0..slots * 1000 {
        let task = insert(&mut list);
        end(&mut list, task);
    }
    assert_eq!((list.in_memory(), list.len()), (KEPT, 0));
    assert_eq!(list.spawned(), slots * 2001 + 1);
}
