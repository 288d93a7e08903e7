//! A service that emits events at an interval.

use std::convert::Infallible;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{ActionContext, ActionService};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ticks until an action has had all its ticks, or its client disconnects.
pub struct Ticker;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ticks {
    ticks: u32,
    /// The time between two ticks.
    millis: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct Tick {
    tick: u32,
    of: u32,
}

impl ActionService for Ticker {
    type Action = Ticks;
    type Event = Tick;
    type Error = Infallible;

    async fn dispatch(&self, action: Ticks, cx: ActionContext<Tick>) -> Result<(), Infallible> {
        let Ticks { ticks: of, millis } = action;
        let token = cx.cancel_token();
        for tick in 1..=of {
            let pause = cx.runtime().sleep(Duration::from_millis(millis.into()));
            let is_stopped = token.run_until_cancelled(pause).await.is_none();
            if is_stopped || !cx.emit(Tick { tick, of }).await {
                break;
            }
        }
        Ok(())
    }

    fn description(&self) -> &'static str {
        "Emits events at an interval."
    }
}
