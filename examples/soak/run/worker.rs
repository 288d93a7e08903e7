//! The services and the tasks that are called, and that come to grief.

use std::future::{self, Future};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{
    ActionContext, BoxError, Service, ServiceContext, SetUp, Task, TaskContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::Account;

/// What panics that are meant to be begin with.
pub(crate) const PANIC: &str = "the soak asked for this panic";

/// How many tasks an action emits from, at most.
pub(crate) const EMITTERS: usize = 4;

/// Counts the futures of a service that are there.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<AtomicUsize>);

/// One of them.
pub(crate) struct Living(Arc<AtomicUsize>);

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

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A service that emits what it is asked to, and has tasks of its own.
pub(crate) struct Worker {
    account: Arc<Account>,
    alive: Alive,
    is_set_up: AtomicBool,
    fails_to_start: AtomicBool,
    crash: Sender<()>,
    crashes: Receiver<()>,
}

/// What it can be asked. The call is what the account knows it by.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Emits so many events from each of some tasks, and waits in between.
    Tell { call: u64, events: u32, emitters: u8, micros: u32 },
    /// Emits so many events, and panics.
    Panic { call: u64, events: u32 },
    /// Emits until it is stopped, or nobody listens.
    Endless { call: u64 },
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Told {
    emitter: u8,
    number: u32,
}

impl Worker {
    pub(crate) fn new(account: Arc<Account>) -> Worker {
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

    /// The futures that it has, its actions' among them.
    pub(crate) fn alive(&self) -> &Alive {
        &self.alive
    }

    /// Makes the present run, or the next, panic.
    pub(crate) fn crash(&self) {
        // The channel has no bound, and both of its ends are here.
        let _ = self.crash.try_send(());
    }

    /// Makes the next start fail.
    pub(crate) fn fail_to_start(&self) {
        self.fails_to_start.store(true, Ordering::SeqCst);
    }
}

/// Emits from one task.
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
        // Nothing comes between the two: this task is aborted at an await only.
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
        // One that follows the token, one that has to be aborted, and one that has others spawned.
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
                // Its end cuts no event off: one is emitted, or it is not.
                token.run_until_cancelled(telling).await;
            }
        }
        Ok(())
    }
}

/// A task that comes to the end that it is asked for.
pub(crate) struct Job {
    account: Arc<Account>,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Order {
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
    pub(crate) fn new(account: Arc<Account>) -> Job {
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
