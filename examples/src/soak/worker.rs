//! The services and tasks under test.

use std::future::{self, Future};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    ActionContext, BoxError, Service, ServiceContext, SetUp, Task, TaskContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::Account;

/// The message of intended panics.
pub const PANIC: &str = "the soak asked for this panic";

/// The maximum number of tasks from which an action emits events.
pub(super) const EMITTERS: usize = 4;

/// Counts the futures of a service that have not been dropped.
#[derive(Clone, Default)]
pub(super) struct Alive(Arc<AtomicUsize>);

/// Counts as one future until it is dropped.
pub(super) struct Living(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> Living {
        self.0.fetch_add(1, Ordering::SeqCst);
        Living(self.0.clone())
    }

    /// Counts a future until it is dropped.
    fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let living = self.one();
        async move {
            let _living = living;
            future.await
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A service that emits the requested events, and has tasks of its own.
pub(super) struct Worker {
    account: Arc<Account>,
    alive: Alive,
    is_set_up: AtomicBool,
    fails_to_start: AtomicBool,
    crash: Sender<()>,
    crashes: Receiver<()>,
}

/// The actions of a [`Worker`]. The account counts their events by `call`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Work {
    /// Emits events from each of several tasks, with pauses.
    Tell { call: u64, events: u32, emitters: u8, micros: u32 },
    /// Emits events, then panics.
    Panic { call: u64, events: u32 },
    /// Emits events until the service stops or the client disconnects.
    Endless { call: u64 },
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Told {
    emitter: u8,
    number: u32,
}

impl Worker {
    pub(super) fn new(account: Arc<Account>) -> Worker {
        let (crash, crashes) = async_channel::unbounded();
        Worker {
            account,
            alive: Alive::default(),
            is_set_up: AtomicBool::new(false),
            fails_to_start: AtomicBool::new(false),
            crash,
            crashes,
        }
    }

    /// The service's live futures, including those of its actions.
    pub(super) fn alive(&self) -> &Alive {
        &self.alive
    }

    /// Makes the current or the next run panic.
    pub(super) fn crash(&self) {
        // Cannot fail: the channel is unbounded, and `self` has both of its ends.
        let _ = self.crash.try_send(());
    }

    /// Makes the next start fail.
    pub(super) fn fail_to_start(&self) {
        self.fails_to_start.store(true, Ordering::SeqCst);
    }
}

/// Emits events, with pauses.
async fn tell(
    cx: ActionContext<Told>,
    emitted: Arc<AtomicU64>,
    emitter: u8,
    events: u32,
    pause: Duration,
) {
    for number in 0..events {
        if !pause.is_zero() {
            cx.runtime().sleep(pause).await;
        }
        if !cx.emit(Told { emitter, number }).await {
            return;
        }
        // No abort can come between the two, because there is no await.
        emitted.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service for Worker {
    type Action = Work;
    type Event = Told;
    type Error = BoxError;
    type Ready = Living;

    async fn is_set_up(&self, _: &ServiceContext) -> Result<SetUp, BoxError> {
        Ok(if self.is_set_up.load(Ordering::SeqCst) { SetUp::Done } else { SetUp::Needed })
    }

    async fn set_up(&self, cx: &ServiceContext) -> Result<(), BoxError> {
        let _living = self.alive.one();
        cx.runtime().sleep(Duration::from_millis(1)).await;
        self.is_set_up.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn start(&self, cx: &ServiceContext) -> Result<Living, BoxError> {
        let living = self.alive.one();
        cx.runtime().sleep(Duration::from_millis(1)).await;
        if self.fails_to_start.swap(false, Ordering::SeqCst) {
            return Err("the soak asked for this failure".into());
        }
        Ok(living)
    }

    async fn run(&self, _living: Living, cx: ServiceContext) -> Result<(), BoxError> {
        let (spawner, timer, token) = (cx.spawner(), cx.timer(), cx.cancel_token());
        // One task that observes the cancel token, one that has to be aborted, and one that spawns
        // others.
        let follows = self.alive.around(async move { token.cancelled().await });
        spawner.spawn_named("follows", follows).detach();
        let stays = self.alive.around(future::pending::<()>());
        spawner.spawn_named("stays", stays).detach();
        let (alive, inner) = (self.alive.clone(), spawner.clone());
        let spawns = async move {
            loop {
                let sleep = timer.sleep(Duration::from_millis(30));
                inner.spawn_detached(alive.around(sleep));
                timer.sleep(Duration::from_millis(20)).await;
            }
        };
        spawner.spawn_detached(self.alive.around(spawns));
        let crashed = cx.cancel_token().run_until_cancelled(self.crashes.recv()).await;
        assert!(crashed.is_none(), "{PANIC}");
        Ok(())
    }

    async fn dispatch(&self, work: Work, cx: ActionContext<Told>) -> Result<(), BoxError> {
        let _living = self.alive.one();
        match work {
            Work::Tell { call, events, emitters, micros } => {
                let emitted = self.account.emitted_by(call);
                let pause = Duration::from_micros(micros.into());
                let tellers: Vec<_> = (0..emitters)
                    .map(|emitter| {
                        let telling = tell(cx.clone(), emitted.clone(), emitter, events, pause);
                        cx.spawner().spawn_named("tells", self.alive.around(telling))
                    })
                    .collect();
                for teller in tellers {
                    teller.await?;
                }
            }
            Work::Panic { call, events } => {
                let emitted = self.account.emitted_by(call);
                tell(cx, emitted, 0, events, Duration::ZERO).await;
                panic!("{PANIC}");
            }
            Work::Endless { call } => {
                let emitted = self.account.emitted_by(call);
                let token = cx.cancel_token();
                let telling = tell(cx, emitted, 0, u32::MAX, Duration::from_millis(2));
                // Cancelling loses no event: each is either emitted and counted, or neither.
                token.run_until_cancelled(telling).await;
            }
        }
        Ok(())
    }
}

/// A task that ends in the requested way.
pub(super) struct Job {
    account: Arc<Account>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Order {
    call: u64,
    events: u32,
    end: End,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum End {
    Complete,
    Fail,
    Panic,
}

impl Job {
    pub(super) fn new(account: Arc<Account>) -> Job {
        Job { account }
    }
}

impl Task for Job {
    type Action = Order;
    type Event = Told;
    type Output = u32;
    type Error = String;

    async fn run(&self, order: Order, cx: TaskContext<Told>) -> Result<u32, String> {
        let Order { call, events, end } = order;
        let emitted = self.account.emitted_by(call);
        for number in 0..events {
            if cx.emit(Told { emitter: 0, number }).await {
                emitted.fetch_add(1, Ordering::SeqCst);
            }
        }
        match end {
            End::Complete => Ok(events),
            End::Fail => Err("the soak asked for this failure".to_owned()),
            End::Panic => panic!("{PANIC}"),
        }
    }
}
