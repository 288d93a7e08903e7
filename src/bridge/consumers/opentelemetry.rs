use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use opentelemetry_sdk::runtime::{RuntimeChannel, TrySend, TrySendError};

/// Runs OpenTelemetry's background work on the given runtime.
#[derive(Clone)]
pub struct OtelRuntime(pub Arc<dyn Runtime>);

impl opentelemetry_sdk::runtime::Runtime for OtelRuntime {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn_detached(future);
    }

    fn delay(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        self.0.sleep(duration)
    }
}

/// The batch processors also need a channel.
impl RuntimeChannel for OtelRuntime {
    type Receiver<T: Debug + Send> = async_channel::Receiver<T>;
    type Sender<T: Debug + Send> = OtelSender<T>;

    fn batch_message_channel<T: Debug + Send>(
        &self,
        capacity: usize,
    ) -> (Self::Sender<T>, Self::Receiver<T>) {
        let (sender, receiver) = async_channel::bounded(capacity);
        (OtelSender(sender), receiver)
    }
}

#[derive(Debug)]
pub struct OtelSender<T>(async_channel::Sender<T>);

impl<T: Send> TrySend for OtelSender<T> {
    type Message = T;

    fn try_send(&self, message: T) -> Result<(), TrySendError> {
        self.0.try_send(message).map_err(|error| match error {
            async_channel::TrySendError::Full(_) => TrySendError::ChannelFull,
            async_channel::TrySendError::Closed(_) => TrySendError::ChannelClosed,
        })
    }
}
