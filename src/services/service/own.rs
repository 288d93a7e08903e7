//! The service's own task: calls its methods in their order.

use std::future::Future;
use std::sync::Arc;

use super::core::Core;
use super::life::Life;
use super::{Service, ServiceContext, SetUp};
use crate::services::run::RunError;

/// How the service's own task ended.
#[derive(Default)]
pub(super) struct Own {
    pub(super) failure: Option<RunError>,
    /// The error that its start returned after it was stopped.
    pub(super) in_start: Option<RunError>,
}

/// Sets the service up, starts it and runs it.
pub(super) async fn own_task<S: Service>(core: Arc<Core<S>>, life: Arc<Life>) -> Own {
    let cx = core.context(&life);
    let ready = match get_ready(&core, &cx).await {
        Ok(Some(ready)) => ready,
        Ok(None) => return Own::default(),
        // The error of a start that was stopped is no failure of the service.
        Err(error) if cx.cancel_token().is_cancelled() => {
            return Own { in_start: Some(error), ..Own::default() };
        }
        Err(error) => return Own { failure: Some(error), ..Own::default() },
    };
    if !core.started(&life) {
        return Own::default();
    }
    // It owns the group, which this task would keep alive.
    drop(life);
    let result = core.service.run(ready, cx).await;
    Own { failure: result.map_err(|error| core.failed("run", error)).err(), ..Own::default() }
}

/// Sets the service up and starts it; `None` if it is to stop.
async fn get_ready<S: Service>(
    core: &Core<S>,
    cx: &ServiceContext,
) -> Result<Option<S::Ready>, RunError> {
    let (service, token) = (&core.service, cx.cancel_token());
    if token.is_cancelled() {
        return Ok(None);
    }
    let is_set_up = || call(core, "is_set_up", service.is_set_up(cx));
    let before = is_set_up().await?;
    if token.is_cancelled() {
        return Ok(None);
    }
    if before != SetUp::Done {
        call(core, "set_up", service.set_up(cx)).await?;
    }
    if token.is_cancelled() {
        return Ok(None);
    }
    if before == SetUp::Needed && is_set_up().await? != SetUp::Done {
        return Err(core.failed("set_up", "`is_set_up` did not return `Done` afterwards"));
    }
    if token.is_cancelled() {
        return Ok(None);
    }
    call(core, "start", service.start(cx)).await.map(Some)
}

async fn call<S: Service, T>(
    core: &Core<S>,
    method: &str,
    called: impl Future<Output = Result<T, S::Error>>,
) -> Result<T, RunError> {
    called.await.map_err(|error| core.failed(method, error))
}
