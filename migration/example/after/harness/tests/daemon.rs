//! The daemon, and its clients, on two runtimes.

use std::sync::Arc;

use async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::prelude::*;
use async_runtime_compat::tokio::TokioSpawner;
use async_tungstenite::tungstenite::Message;
use harness::TestDaemon;
use smol::stream::StreamExt as _;

/// Runs a test on an executor of its own, and then on a tokio runtime of its own.
fn on_each<F: Future<Output = ()>>(test: impl Fn(Arc<dyn Spawner>) -> F) {
    let executor = Arc::new(Executor::new());
    let spawner = Arc::new(ExecutorSpawner::new(executor.clone()));
    smol::block_on(executor.run(test(spawner)));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let spawner = Arc::new(TokioSpawner::new(runtime.handle().clone()));
    runtime.block_on(test(spawner));
}

#[test]
fn clients_are_told_of_events() {
    on_each(|spawner| async move {
        let daemon = TestDaemon::start(spawner).await.unwrap();
        let mut first = daemon.connect().await.unwrap();
        let mut second = daemon.connect().await.unwrap();
        daemon.hub().publish("one");
        for client in [&mut first, &mut second] {
            assert_eq!(client.next().await.unwrap().unwrap(), Message::text("one"));
        }
    });
}

#[test]
fn clients_are_told_of_the_end() {
    on_each(|spawner| async move {
        let daemon = TestDaemon::start(spawner).await.unwrap();
        let mut client = daemon.connect().await.unwrap();
        drop(daemon);
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text("closing"));
        assert!(matches!(client.next().await, Some(Ok(Message::Close(_)))));
    });
}
