//! A service that clients talk to each other by.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_runtime_compat::{ActionContext, Service, ServiceContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tells all who listen what anybody says.
#[derive(Default)]
pub(crate) struct Chat {
    listeners: Mutex<Vec<ActionContext<Said>>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Talk {
    /// Tells those who listen.
    Say(Said),
    /// Each thing that is said is an event, until the call is cancelled.
    Listen,
}

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Said {
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
        // Those of the run before, if it was aborted.
        self.listeners().clear();
        Ok(())
    }

    async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Infallible> {
        cx.cancel_token().cancelled().await;
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
                    // Waits for one that is behind.
                    if !listener.emit(said.clone()).await {
                        // It has left, and nobody else tells its action.
                        listener.cancel_token().cancel();
                    }
                }
            }
        }
        self.listeners().retain(|listener| !listener.cancel_token().is_cancelled());
        Ok(())
    }
}
