//! Programs in which one task hands things to another.

use std::sync::{Arc, Mutex};

use async_runtime_compat::yield_now;

use super::super::exact::Actors;

const ITEMS: u32 = 3;

/// SCTBench's circular buffer: both sides count their rounds, and a round in which the buffer was not
/// as it had to be is skipped, but counted. Fixed, the receiver counts what it has received.
pub(crate) async fn circular_buffer(on: Actors, fixed: bool) {
    let buffer = Arc::new(Mutex::new(None));
    let theirs = buffer.clone();
    let sender = on.spawn("sender", async move {
        let mut sent = 0;
        for round in 0..ITEMS {
            {
                let mut slot = theirs.lock().unwrap();
                if slot.is_none() {
                    *slot = Some(if fixed { sent } else { round });
                    sent += 1;
                }
            }
            yield_now().await;
        }
    });
    let receiver = on.spawn("receiver", async move {
        let mut received = 0;
        for round in 0..ITEMS {
            let item = buffer.lock().unwrap().take();
            if let Some(item) = item {
                assert_eq!(item, if fixed { received } else { round }, "out of order");
                received += 1;
            }
            yield_now().await;
        }
    });
    sender.await.unwrap();
    receiver.await.unwrap();
}

/// SCTBench's stack and queue, which have the same bug: a flag says that something was put in, and
/// not that it is still there. Fixed, the container is asked.
async fn container(on: Actors, fixed: bool, take: fn(&mut Vec<u32>) -> Option<u32>) {
    let shared = Arc::new(Mutex::new((Vec::new(), false)));
    let theirs = shared.clone();
    let producer = on.spawn("producer", async move {
        for item in 0..ITEMS {
            {
                let mut shared = theirs.lock().unwrap();
                shared.0.push(item);
                shared.1 = true;
            }
            yield_now().await;
        }
    });
    let consumer = on.spawn("consumer", async move {
        for _ in 0..ITEMS {
            {
                let (items, flag) = &mut *shared.lock().unwrap();
                if if fixed { !items.is_empty() } else { *flag } {
                    assert!(take(items).is_some(), "there is nothing left");
                }
            }
            yield_now().await;
        }
    });
    producer.await.unwrap();
    consumer.await.unwrap();
}

/// From the end.
pub(crate) async fn stack(on: Actors, fixed: bool) {
    container(on, fixed, Vec::pop).await;
}

/// From the front.
pub(crate) async fn queue(on: Actors, fixed: bool) {
    container(on, fixed, |items| (!items.is_empty()).then(|| items.remove(0))).await;
}
