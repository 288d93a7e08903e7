//! A service through which clients talk to each other.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_runtime_compat::services::{ActionContext, Service, ServiceContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sends each message to everyone who listens.
#[derive(Default)]
pub struct Chat {
    listeners: Mutex<Vec<ActionContext<Said>>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Talk {
    /// Sends a message to all listeners.
    Say(Said),
    /// Emits each message as an event, until the call is cancelled.
    Listen,
}

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct Said {
    from: String,
    text: String,
}

impl Chat {
    fn listeners(&self) -> MutexGuard<'_, Vec<ActionContext<Said>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Chat {
    type Action = Talk;
    type Event = Said;
    type Error = Infallible;
    type Ready = ();

    async fn start(&self, _: &ServiceContext) -> Result<(), Infallible> {
        // Listeners of the previous run remain if it was aborted.
        self.listeners().clear();
        Ok(())
    }

    async fn dispatch(&self, talk: Talk, cx: ActionContext<Said>) -> Result<(), Infallible> {
        match talk {
            Talk::Listen => {
                self.listeners().push(cx.clone());
                cx.cancel_token().cancelled().await;
            }
            Talk::Say(said) => {
                let listeners = self.listeners().clone();
                for listener in listeners {
                    // Waits for a listener that lags behind.
                    if !listener.emit(said.clone()).await {
                        // The client has disconnected, and only this can end its action.
                        listener.cancel_token().cancel();
                    }
                }
            }
        }
        self.listeners().retain(|listener| !listener.cancel_token().is_cancelled());
        Ok(())
    }

    fn description(&self) -> &'static str {
        "Sends each message to all clients that listen."
    }
}
