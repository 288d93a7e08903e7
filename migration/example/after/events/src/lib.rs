//! Events, passed on to all who listen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_runtime_compat::prelude::*;
use smol::channel::{self, Receiver, Sender};

/// Passes events on to all who listen.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    listeners: Arc<Mutex<Vec<Sender<String>>>>,
}

impl Hub {
    /// The events from now on, until the hub is closed.
    pub fn listen(&self) -> Receiver<String> {
        let (sender, receiver) = channel::unbounded();
        self.listeners().push(sender);
        receiver
    }

    /// Passes an event on to all who listen.
    pub fn publish(&self, event: &str) {
        self.listeners().retain(|listener| listener.try_send(event.to_owned()).is_ok());
    }

    /// Publishes what comes from the source, for as long as something comes.
    pub fn forward(&self, spawner: &dyn Spawner, source: Receiver<String>) {
        let hub = self.clone();
        spawner.spawn_detached(async move {
            while let Ok(event) = source.recv().await {
                hub.publish(&event);
            }
        });
    }

    /// Ends the events of all who listen.
    pub fn close(&self) {
        self.listeners().clear();
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Sender<String>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;

    use super::*;

    #[test]
    fn what_comes_from_the_source_is_published() {
        let executor = Arc::new(Executor::new());
        let spawner = ExecutorSpawner::new(executor.clone());
        smol::block_on(executor.run(async {
            let hub = Hub::default();
            let events = hub.listen();
            let (sender, source) = channel::unbounded();
            hub.forward(&spawner, source);
            sender.send("one".to_owned()).await.unwrap();
            assert_eq!(events.recv().await.unwrap(), "one");
            hub.close();
            assert!(events.recv().await.is_err());
        }));
    }
}
