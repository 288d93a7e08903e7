//! The Azure SDK's trait.

use std::sync::Arc;
use std::time::Instant;

use async_runtime_compat::prelude::*;
use async_runtime_compat_consumers::azure::AzureRuntime;
use typespec_client_core::async_runtime::{AsyncRuntime, get_async_runtime, set_async_runtime};
use typespec_client_core::time::Duration;

use crate::{on_all_backends, run};

#[test]
fn tasks_sleeps_and_yields() {
    on_all_backends(|running| {
        let azure = AzureRuntime(running.runtime.clone());
        run(async {
            let start = Instant::now();
            azure.sleep(Duration::milliseconds(5)).await;
            assert!(start.elapsed() >= Duration::milliseconds(5));
            azure.sleep(Duration::seconds(-1)).await;
            azure.yield_now().await;

            let (sender, receiver) = async_channel::bounded(1);
            azure.spawn(Box::pin(async move { sender.send(1).await.unwrap() })).await.unwrap();
            assert_eq!(receiver.recv().await, Ok(1));
        });
    });
}

#[test]
fn panic_is_an_error_and_an_abort_too() {
    on_all_backends(|running| {
        let azure = AzureRuntime(running.runtime.clone());
        run(async {
            let failed = azure.spawn(Box::pin(async { panic!("bad frame") })).await.unwrap_err();
            assert!(failed.to_string().ends_with("panicked: bad frame"), "{failed}");

            let task = azure.spawn(Box::pin(std::future::pending()));
            task.abort();
            assert!(task.await.unwrap_err().to_string().ends_with("was cancelled"));
        });
    });
}

/// The only test that sets what the whole process uses from then on.
#[test]
fn the_sdk_uses_it() {
    let spawner = async_runtime_compat::smol::SmolSpawner;
    let azure: Arc<dyn AsyncRuntime> = Arc::new(AzureRuntime(Arc::new(spawner)));
    set_async_runtime(azure.clone()).unwrap();
    assert!(Arc::ptr_eq(&get_async_runtime(), &azure));
    let start = spawner.now();
    run(typespec_client_core::sleep(Duration::milliseconds(5)));
    assert!(spawner.now() - start >= Duration::milliseconds(5));
}
