use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use typespec_client_core::async_runtime::{AbortableTask, AsyncRuntime, SpawnedTask, TaskFuture};

/// Runs the Azure SDK's tasks and timers on the given runtime. Pass it to `set_async_runtime`, once.
pub struct AzureRuntime(pub Arc<dyn Runtime>);

impl AsyncRuntime for AzureRuntime {
    fn spawn(&self, task: TaskFuture) -> SpawnedTask {
        Box::pin(AzureTask(self.0.spawn_with_handle(task)))
    }

    fn sleep(&self, duration: typespec_client_core::time::Duration) -> TaskFuture {
        // A negative duration has already elapsed.
        Box::pin(self.0.sleep(duration.try_into().unwrap_or_default()))
    }

    fn yield_now(&self) -> TaskFuture {
        Box::pin(yield_now())
    }
}

struct AzureTask(JoinHandle<()>);

impl Future for AzureTask {
    type Output = Result<(), Box<dyn Error + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = Pin::new(&mut self.0).poll(cx);
        joined.map_err(|error| Box::new(error) as Box<dyn Error + Send>)
    }
}

impl AbortableTask for AzureTask {
    fn abort(&self) {
        self.0.abort();
    }
}
