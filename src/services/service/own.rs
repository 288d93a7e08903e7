//! The service's own task: calls its methods in their order.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::sync::Arc;

use super::core::Core;
use super::life::{Goal, Life, Progress};
use super::state::{ServicePhase, ServiceState};
use super::{Service, ServiceContext, SetUp};
use crate::services::run::RunError;

/// How the service's own task ended.
#[derive(Default)]
pub(super) struct Own {
    pub(super) failure: Option<RunError>,
    /// The error that its start returned after it was stopped.
    pub(super) in_start: Option<RunError>,
    /// Whether the start was refused, because the service is not set up.
    pub(super) is_refused: bool,
}

/// Sets the service up; then, if that is the goal, starts it and runs it.
pub(super) async fn own_task<S: Service>(core: Arc<Core<S>>, life: Arc<Life>) -> Own {
    let cx = core.context(&life);
    let ready = match get_ready(&core, &life, &cx).await {
        Ok(Got::Ready(ready)) => ready,
        Ok(Got::IsSetUp) => {
            life.progress.set(Progress::Running);
            return Own::default();
        }
        Ok(Got::ToStop) => return Own::default(),
        Ok(Got::Refused) => return Own { is_refused: true, ..Own::default() },
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

/// How far a start came.
enum Got<T> {
    Ready(T),
    /// The set-up was the goal.
    IsSetUp,
    /// It is to stop.
    ToStop,
    /// It needs to be set up, and a start does not do that.
    Refused,
}

/// Sets the service up, and starts it if that is the goal.
async fn get_ready<S: Service>(
    core: &Core<S>,
    life: &Life,
    cx: &ServiceContext,
) -> Result<Got<S::Ready>, RunError> {
    let (service, token) = (&core.service, cx.cancel_token());
    if token.is_cancelled() {
        return Ok(Got::ToStop);
    }
    let is_set_up = || call(core, "is_set_up", service.is_set_up(cx));
    let before = is_set_up().await?;
    life.set_lacks_set_up(before == SetUp::Needed);
    if before != SetUp::Done {
        if token.is_cancelled() {
            return Ok(Got::ToStop);
        }
        if before == SetUp::Needed && life.goal == Goal::Run && !core.settings.starts_set_up {
            return Ok(Got::Refused);
        }
        set_up(core, cx, before).await?;
    }
    if before == SetUp::Needed {
        if token.is_cancelled() {
            return Ok(Got::ToStop);
        }
        if is_set_up().await? != SetUp::Done {
            return Err(core.failed("set_up", "`is_set_up` did not return `Done` afterwards"));
        }
        life.set_lacks_set_up(false);
    }
    if life.goal == Goal::SetUp {
        return Ok(Got::IsSetUp);
    }
    if token.is_cancelled() {
        return Ok(Got::ToStop);
    }
    core.advance(ServicePhase::SettingUp, ServiceState::Starting);
    call(core, "start", service.start(cx)).await.map(Got::Ready)
}

/// Calls `set_up`, and shows it in the state.
async fn set_up<S: Service>(
    core: &Core<S>,
    cx: &ServiceContext,
    before: SetUp,
) -> Result<(), RunError> {
    let show = || core.advance(ServicePhase::Starting, ServiceState::SettingUp);
    let mut is_shown = before == SetUp::Needed;
    if is_shown {
        show();
    }
    let mut set_up = pin!(call(core, "set_up", core.service.set_up(cx)));
    poll_fn(|task| {
        let poll = set_up.as_mut().poll(task);
        // One that is ready at once, such as the default, is not worth a change of the state.
        if poll.is_pending() && !mem::replace(&mut is_shown, true) {
            show();
        }
        poll
    })
    .await
}

async fn call<S: Service, T>(
    core: &Core<S>,
    method: &str,
    called: impl Future<Output = Result<T, S::Error>>,
) -> Result<T, RunError> {
    called.await.map_err(|error| core.failed(method, error))
}
