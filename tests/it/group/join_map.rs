//! Keys, and tasks that are found by them.

use std::future::pending;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{JoinMap, JoinQueue};
use futures_lite::future::block_on;
use test_support::threads::Threads;

use super::{Alive, spawners};

/// Hashes that are nearly all the same.
#[derive(Clone, Default)]
struct Poor(u64);

impl BuildHasher for Poor {
    type Hasher = Poor;

    fn build_hasher(&self) -> Poor {
        Poor(0)
    }
}

impl Hasher for Poor {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = u64::from(bytes[0] % 2);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[test]
fn keys_with_the_same_hash_are_told_apart() {
    // Without a first, a middle and a last one of each hash.
    for removed in [[0, 1, 2], [4, 5, 0], [8, 9, 1], [7, 5, 3], [8, 6, 4]] {
        let spawner = Arc::new(Threads::default());
        let mut map = JoinMap::<u8, (), _>::with_hasher(spawner, Poor::default());
        for key in 0..10 {
            map.spawn(key, pending());
        }
        for key in removed {
            assert!(map.contains_key(&key) && map.detach(&key));
            assert!(!map.contains_key(&key) && !map.detach(&key));
        }
        let kept: Vec<_> = (0..10).filter(|key| !removed.contains(key)).collect();
        assert_eq!(map.len(), kept.len());
        for key in kept {
            map.spawn_named(key, "second", pending());
            assert_eq!(map.get(&key).unwrap().task_name().as_deref(), Some("second"));
            assert!(map.abort(&key));
        }
        while let Some((key, result)) = block_on(map.join_next()) {
            assert!(!map.contains_key(&key));
            assert_eq!(result.unwrap_err().task_name(), Some("second"));
        }
        assert!(map.keys().next().is_none());
    }
}

#[test]
fn a_detached_task_runs_on() {
    for (name, spawner, _running) in spawners() {
        let mut map = JoinMap::new(spawner);
        let (sender, receiver) = async_channel::bounded(1);
        let (open, gate) = async_channel::bounded::<()>(1);
        map.spawn("detached", async move {
            let _ = gate.recv().await;
            sender.send(7).await.unwrap();
        });
        assert!(map.detach("detached"));
        assert!(map.is_empty() && block_on(map.join_next()).is_none());
        drop((open, map));
        assert_eq!(block_on(receiver.recv()), Ok(7), "on {name}");
    }
}

/// The misuse leaves the map as it was.
#[test]
fn a_handle_that_was_joined_is_refused() {
    let spawner = Arc::new(Threads::default());
    let mut map = JoinMap::new(spawner.clone());
    map.spawn(1, pending());
    let mut joined = spawner.spawn_with_handle(async {});
    block_on(&mut joined).unwrap();
    // The map is unwind safe, and so this needs no `AssertUnwindSafe`.
    let mut map = {
        let refused = std::panic::catch_unwind(move || {
            let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                map.insert(1, joined);
            }));
            (map, refused.is_err())
        });
        let (map, refused) = refused.unwrap();
        assert!(refused);
        map
    };
    assert_eq!(map.len(), 1);
    assert!(!map.get(&1).unwrap().is_finished(), "the task was replaced");
    map.spawn(2, async {});
    let (key, result) = block_on(map.join_next()).unwrap();
    assert!(key == 2 && result.is_ok());
}

#[test]
fn maps_and_queues_show_their_tasks() {
    let spawner = Arc::new(Threads::default());
    let mut map = JoinMap::<_, ()>::new(spawner.clone());
    map.spawn_named("key", "name", pending());
    let shown = format!("{map:?}");
    assert!(shown.starts_with("{\"key\": JoinHandle(task 'name' spawned at"), "{shown}");
    let mut queue = JoinQueue::<()>::new(spawner);
    queue.spawn(pending());
    assert_eq!(format!("{queue:?}"), "JoinQueue { len: 1, .. }");
}

#[test]
fn blocking_work_has_a_key_too() {
    let pool = async_runtime_compat::BlockingPool::new();
    let (mut map, alive) = (JoinMap::new(Arc::new(Threads::default())), Alive::default());
    let owned = alive.clone();
    map.spawn_blocking("job", &pool, move || drop(owned));
    let (key, result) = block_on(map.join_next()).unwrap();
    assert!(key == "job" && result.is_ok() && alive.count() == 0);
    let mut queue = JoinQueue::new(Arc::new(Threads::default()));
    queue.spawn_blocking(&pool, || 1);
    queue.spawn_named("second", async { 2 });
    assert_eq!(block_on(queue.join_all()).unwrap(), [1, 2]);
}
