//! The events of actions as streams, with the adapters that people know.

use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Events, ServiceWrapper};
use futures_util::stream::{FusedStream as _, SelectAll, StreamExt as _};

use crate::everywhere::everywhere;
use crate::probe::{Ask, LONG, Probe};

everywhere! {
    adapters_take_the_events,
    events_of_several_actions_are_one_stream,
    stream_may_be_left_and_ends,
}

fn count(service: &ServiceWrapper<Probe>, to: u32) -> Events<u32> {
    service.dispatch(Ask::Count(to)).unwrap().events
}

async fn adapters_take_the_events(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    let odd = count(&service, 100).filter(|number| std::future::ready(number % 2 == 1));
    let sums: Vec<_> = odd.chunks(10).map(|chunk| chunk.iter().sum::<u32>()).collect().await;
    assert_eq!(sums, [100, 300, 500, 700, 900]);
    let pairs: Vec<_> = count(&service, 2).zip(count(&service, 9)).collect().await;
    assert_eq!(pairs, [(1, 1), (2, 2)]);
    let events = futures_lite::stream::StreamExt::last(count(&service, 40));
    assert_eq!(events.await, Some(40));
    service.stop(LONG).await.unwrap();
}

async fn events_of_several_actions_are_one_stream(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    let mut all: SelectAll<_> =
        (0..3).map(|action| count(&service, 10).map(move |number| (action, number))).collect();
    let mut last = [0; 3];
    while let Some((action, number)) = all.next().await {
        assert_eq!(number, last[action] + 1, "each in its order");
        last[action] = number;
    }
    assert_eq!(last, [10; 3]);
    service.stop(LONG).await.unwrap();
}

async fn stream_may_be_left_and_ends(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    let left: Vec<_> = count(&service, 40).take(5).collect().await;
    assert_eq!(left, [1, 2, 3, 4, 5]);
    let mut flood = service.dispatch(Ask::Flood).unwrap().events;
    let first: Vec<_> = flood.by_ref().take(5).collect().await;
    assert_eq!(first, [0, 1, 2, 3, 4]);
    assert!(!flood.is_terminated());
    // The flood waits for room, or for its turn, and is aborted.
    service.stop(std::time::Duration::ZERO).await.unwrap_err();
    // The stream ends with the service, after the events that were buffered.
    let rest: Vec<_> = flood.by_ref().collect().await;
    assert!(rest.iter().copied().eq((5..).take(rest.len())));
    assert!(flood.is_terminated());
    assert_eq!(flood.next().await, None);
}

#[cfg(feature = "json")]
mod json {
    use std::convert::Infallible;

    use async_runtime_compat::services::{ActionContext, Service, ServiceContext, ServiceStack};
    use futures_util::stream::TryStreamExt as _;
    use serde_json::{Value, json};

    use super::*;

    struct Echo;

    impl Service for Echo {
        type Action = Vec<u8>;
        type Event = u8;
        type Error = Infallible;
        type Ready = ();

        async fn start(&self, _: &ServiceContext) -> Result<(), Infallible> {
            Ok(())
        }

        async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Infallible> {
            cx.cancel_token().cancelled().await;
            Ok(())
        }

        async fn dispatch(&self, echo: Vec<u8>, cx: ActionContext<u8>) -> Result<(), Infallible> {
            for number in echo {
                cx.emit(number).await;
            }
            Ok(())
        }
    }

    everywhere! {
        adapters_take_the_events_in_json,
    }

    async fn adapters_take_the_events_in_json(rt: Arc<dyn Runtime>) {
        let stack = ServiceStack::new(rt);
        stack.register("echo", Echo, &[]).unwrap();
        stack.start_all().await.unwrap();
        let mut run = stack.dispatch("echo", json!([3, 1, 2])).unwrap();
        let events: Vec<Value> = run.events.by_ref().try_collect().await.unwrap();
        assert_eq!(events, [3, 1, 2].map(Value::from));
        assert!(run.events.is_terminated());
        assert_eq!(run.handle.number(), None, "it is no run of a job");
        run.await.unwrap();
        let doubled = stack.dispatch("echo", json!([4, 5])).unwrap().events;
        let doubled = doubled.map_ok(|number| number.as_u64().unwrap() * 2);
        assert_eq!(doubled.try_collect::<Vec<_>>().await.unwrap(), [8, 10]);
        stack.stop_all(LONG).await.unwrap();
    }
}
