//! Events, passed on to all who listen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    pub fn forward(&self, source: Receiver<String>) {
        let hub = self.clone();
        smol::spawn(async move {
            while let Ok(event) = source.recv().await {
                hub.publish(&event);
            }
        })
        .detach();
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
    use super::*;

    #[test]
    fn what_comes_from_the_source_is_published() {
        smol::block_on(async {
            let hub = Hub::default();
            let events = hub.listen();
            let (sender, source) = channel::unbounded();
            hub.forward(source);
            sender.send("one".to_owned()).await.unwrap();
            assert_eq!(events.recv().await.unwrap(), "one");
            hub.close();
            assert!(events.recv().await.is_err());
        });
    }
}
