//! The events of jobs as streams, with the adapters that people know.

use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Events, Run};
use futures_util::stream::{FusedStream as _, SelectAll, StreamExt as _};

use crate::kit::{everywhere, job};

everywhere! {
    adapters_of_futures_take_the_events,
    adapters_of_futures_lite_take_the_events,
    events_of_several_jobs_are_one_stream,
    ended_stream_says_so_and_may_be_polled,
    stream_by_reference_goes_on,
}

/// The events of a job that counts, and its result.
fn counting(rt: &Arc<dyn Runtime>, count: u32) -> Events<u32> {
    let job = job(rt, |count, cx| async move {
        for number in 0..count {
            assert!(cx.emit(number).await);
        }
        Ok(count)
    });
    job.start(count).unwrap().events
}

async fn adapters_of_futures_take_the_events(rt: Arc<dyn Runtime>) {
    let even = counting(&rt, 100).filter(|number| std::future::ready(number % 2 == 0));
    let chunks: Vec<Vec<u32>> = even.map(|number| number / 2).chunks(20).collect().await;
    assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 10]);
    assert_eq!(chunks.concat(), (0..50).collect::<Vec<_>>());

    let sum = counting(&rt, 10).fold(0, |sum, number| async move { sum + number }).await;
    assert_eq!(sum, 45);
    let pairs: Vec<_> = counting(&rt, 3).zip(counting(&rt, 5)).collect().await;
    assert_eq!(pairs, [(0, 0), (1, 1), (2, 2)]);
}

async fn adapters_of_futures_lite_take_the_events(rt: Arc<dyn Runtime>) {
    use futures_lite::stream;

    let events = stream::StreamExt::skip(counting(&rt, 10), 7);
    let events: Vec<u32> = stream::StreamExt::collect(events).await;
    assert_eq!(events, [7, 8, 9]);
    let both = stream::StreamExt::chain(counting(&rt, 4), counting(&rt, 6));
    assert_eq!(stream::StreamExt::count(both).await, 10);
}

async fn events_of_several_jobs_are_one_stream(rt: Arc<dyn Runtime>) {
    let mut all: SelectAll<_> =
        (1..=3).map(|job| counting(&rt, job * 10).map(move |number| (job, number))).collect();
    let mut next = [0; 4];
    while let Some((job, number)) = all.next().await {
        assert_eq!(number, next[job as usize], "each in its order");
        next[job as usize] += 1;
    }
    assert_eq!(next, [0, 10, 20, 30]);
}

async fn ended_stream_says_so_and_may_be_polled(rt: Arc<dyn Runtime>) {
    let job = job(&rt, |_, cx| async move {
        cx.emit(1).await;
        Ok(0)
    });
    let Run { mut events, handle, .. } = job.start(0).unwrap();
    handle.await.unwrap();
    assert!(!events.is_terminated(), "there is one to be read");
    assert_eq!(events.select_next_some().await, 1);
    assert!(events.is_terminated());
    for _ in 0..3 {
        assert_eq!(events.next().await, None);
    }
    assert!(events.is_terminated());
}

async fn stream_by_reference_goes_on(rt: Arc<dyn Runtime>) {
    let mut events = counting(&rt, 10);
    let first: Vec<_> = events.by_ref().take(4).collect().await;
    let rest: Vec<_> = events.collect().await;
    assert_eq!((first, rest), (vec![0, 1, 2, 3], (4..10).collect()));
}

#[cfg(feature = "json")]
mod json {
    use async_runtime_compat::services::{JsonTask, Task, TaskContext, TaskWrapper};
    use futures_util::stream::{FusedStream as _, TryStreamExt as _};
    use serde_json::{Value, json};

    use super::*;

    struct Counter;

    impl Task for Counter {
        type Action = u32;
        type Event = u32;
        type Output = ();
        type Error = String;

        async fn run(&self, count: u32, cx: TaskContext<u32>) -> Result<(), String> {
            for number in 0..count {
                cx.emit(number).await;
            }
            Ok(())
        }
    }

    everywhere! {
        adapters_take_the_events_in_json,
    }

    async fn adapters_take_the_events_in_json(rt: Arc<dyn Runtime>) {
        let counter: Arc<dyn JsonTask> = Arc::new(TaskWrapper::new(rt, Counter));
        let mut run = counter.execute(json!(5)).unwrap();
        let events: Vec<Value> = run.events.by_ref().try_collect().await.unwrap();
        assert_eq!(events, [0, 1, 2, 3, 4].map(Value::from));
        assert!(run.events.is_terminated());
        run.await.unwrap();
        let events = counter.execute(json!(3)).unwrap().events.map(Result::unwrap);
        assert_eq!(events.collect::<Vec<_>>().await, [0, 1, 2].map(Value::from));
    }
}
