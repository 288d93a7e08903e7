//! Starts, stops, restarts and crashes services while clients call them.

use std::time::Duration;

use async_io::Timer;
use async_runtime_compat::services::{RunError, ServicePhase, ServiceWrapper};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::worker::{Job, Worker};
use super::{PATIENCE, Stage, WORKERS};
use crate::websocket::WebSocket;

/// The number of workers that have one driver each. The others have several concurrent drivers.
pub(super) const ALONE: usize = WORKERS - 2;

/// The longest grace period. Shorter ones do not suffice for some actions.
const GRACE_MILLIS: u64 = 30;

/// Applies random transitions to one service until the round ends, and checks each result.
pub(super) async fn drive_alone(stage: &Stage, worker: &ServiceWrapper<Worker>, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let account = &stage.account;
    while stage.goes_on() {
        Timer::after(Duration::from_millis(rng.random_range(100..1500))).await;
        let grace = Duration::from_millis(rng.random_range(1..=GRACE_MILLIS));
        match rng.random_range(0..6) {
            0 => {
                stop(stage, worker, grace).await;
                account.stopped.add(1);
            }
            1 => {
                stop(stage, worker, Duration::ZERO).await;
                account.killed.add(1);
            }
            2 => {
                worker.service().crash();
                match worker.wait_for(ServicePhase::Failed, PATIENCE).await {
                    Ok(state) if state.failure().is_some_and(RunError::is_panic) => {
                        assert_gone(stage, worker);
                    }
                    Ok(state) => account.mistake(format!("a service that panicked is {state}")),
                    Err(error) => account.mistake(format!("{error:#}")),
                }
                account.crashed.add(1);
            }
            3 => {
                stop(stage, worker, grace).await;
                worker.service().fail_to_start();
                match worker.start().await {
                    Err(error) if error.is_failed() => assert_gone(stage, worker),
                    other => account.mistake(format!("a start that had to fail: {other:?}")),
                }
                account.start_failed.add(1);
            }
            4 => {
                if let Err(error) = worker.restart(grace).await {
                    account.mistake(format!("{error:#}"));
                }
                account.restarted.add(1);
            }
            _ => {
                if let Err(error) = worker.check_health(PATIENCE).await {
                    account.mistake(format!("{error:#}"));
                }
            }
        }
        match worker.start().await {
            Ok(()) => account.started.add(1),
            Err(error) => account.mistake(format!("{error:#}")),
        }
    }
}

async fn stop(stage: &Stage, worker: &ServiceWrapper<Worker>, grace: Duration) {
    match worker.stop(grace).await {
        Err(error) if error.is_failed() => stage.account.mistake(format!("{error:#}")),
        // One of its tasks ignores the cancel token and had to be aborted.
        _ => assert_gone(stage, worker),
    }
}

/// Checks that no task or future of a service is left after it has stopped or failed.
fn assert_gone(stage: &Stage, worker: &ServiceWrapper<Worker>) {
    let (tasks, alive) = (worker.tasks(), worker.service().alive().count());
    if !tasks.is_empty() || alive > 0 {
        let name = worker.name();
        let mistake =
            format!("service '{name}' has ended, but {alive} futures are left; tasks: {tasks:?}");
        stage.account.mistake(mistake);
    }
}

/// Applies random transitions to a service that has other drivers, too. Any documented result is
/// possible, so the results are not checked.
pub(super) async fn drive_together(stage: &Stage, worker: &ServiceWrapper<Worker>, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let account = &stage.account;
    while stage.goes_on() {
        Timer::after(Duration::from_millis(rng.random_range(20..600))).await;
        let grace = Duration::from_millis(rng.random_range(0..=GRACE_MILLIS));
        match rng.random_range(0..8) {
            0 => {
                let _ = worker.stop(grace).await;
                account.stopped.add(1);
            }
            1..3 => {
                let _ = worker.restart(grace).await;
                account.restarted.add(1);
            }
            3 => {
                // The future is dropped; the restart continues.
                let _ = futures_lite::future::poll_once(worker.restart(grace)).await;
                account.restarted.add(1);
            }
            _ => {
                if worker.start().await.is_ok() {
                    account.started.add(1);
                }
            }
        }
    }
}

/// Restarts and kills the server itself, with all of its connections.
pub(super) async fn drive_server(stage: &Stage, server: &ServiceWrapper<WebSocket>, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let account = &stage.account;
    let pause = (stage.time / 4).min(Duration::from_secs(10)).as_secs_f64();
    loop {
        Timer::after(Duration::from_secs_f64(pause * rng.random_range(0.5..1.5))).await;
        if !stage.goes_on() {
            return;
        }
        let grace = match rng.random_range(0..2) {
            0 => Duration::ZERO,
            _ => Duration::from_secs(1),
        };
        if let Err(error) = server.restart(grace).await {
            account.mistake(format!("{error:#}"));
        }
        account.server_restarts.add(1);
    }
}

/// Replaces tasks that have completed by new ones.
pub(super) async fn renew_jobs(stage: &Stage) {
    let tasks = &stage.app.tasks;
    while stage.goes_on() {
        Timer::after(Duration::from_millis(100)).await;
        let completed = tasks.list().into_iter().filter(|task| task.state.is_completed());
        for task in completed {
            tasks.remove(&task.name);
            if let Err(error) = tasks.register(task.name, Job::new(stage.account.clone())) {
                stage.account.mistake(error.to_string());
            }
        }
    }
}
