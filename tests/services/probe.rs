//! A service that does what a test wants of it, and notes what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    Accepts, ActionContext, Service, ServiceContext, ServiceWrapper, SetUp,
};
use async_runtime_compat::yield_now;

/// Long enough for whatever comes to an end.
pub(crate) const LONG: Duration = Duration::from_secs(50);

/// Short enough to wait for what comes to no end.
pub(crate) const SHORT: Duration = Duration::from_millis(20);

/// Counts those of it that are alive.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<()>);

impl Alive {
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// What a method does.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    Return,
    Fail,
    Panic,
    Hang,
    /// Returns when the token is cancelled.
    Follow,
    /// The same, with an error.
    FollowAndFail,
    /// The same, after some more steps.
    FollowSlowly,
    Yield(u32),
    YieldAndFail(u32),
}

#[derive(Debug)]
pub(crate) struct Refused(pub(crate) &'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused", self.0)
    }
}

impl std::error::Error for Refused {}

#[derive(Default)]
pub(crate) struct Probe {
    /// What `is_set_up` says, call by call; then it says `Unchecked`.
    set_up: Mutex<VecDeque<SetUp>>,
    does: Mutex<BTreeMap<&'static str, Does>>,
    /// The children that `run` spawns.
    children: Mutex<Vec<Does>>,
    /// Which methods were called.
    log: Mutex<Vec<&'static str>>,
    pub(crate) alive: Alive,
    always: bool,
    /// The context of the last run.
    pub(crate) context: Mutex<Option<ServiceContext>>,
}

impl Probe {
    pub(crate) fn set_up(self, says: impl IntoIterator<Item = SetUp>) -> Probe {
        self.set_up.lock().unwrap().extend(says);
        self
    }

    pub(crate) fn with(self, method: &'static str, does: Does) -> Probe {
        self.then(method, does);
        self
    }

    /// It accepts actions while it does not run, too.
    pub(crate) fn always(self) -> Probe {
        Probe { always: true, ..self }
    }

    pub(crate) fn child(self, does: Does) -> Probe {
        self.children.lock().unwrap().push(does);
        self
    }

    /// From now on.
    pub(crate) fn then(&self, method: &'static str, does: Does) {
        self.does.lock().unwrap().insert(method, does);
    }

    pub(crate) fn log(&self) -> Vec<&'static str> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self, method: &str) -> usize {
        self.log().iter().filter(|called| **called == method).count()
    }

    pub(crate) fn wrap(self, rt: &Arc<dyn Runtime>) -> ServiceWrapper<Probe> {
        ServiceWrapper::builder(rt.clone(), self).name("probe").grace(LONG).build()
    }

    async fn called(&self, method: &'static str, token: &CancelToken) -> Result<(), Refused> {
        self.log.lock().unwrap().push(method);
        let does = self.does.lock().unwrap().get(method).copied();
        let default = if method == "run" { Does::Follow } else { Does::Return };
        act(does.unwrap_or(default), method, token, self.alive.clone()).await
    }
}

pub(crate) async fn act(
    does: Does,
    method: &'static str,
    token: &CancelToken,
    alive: Alive,
) -> Result<(), Refused> {
    let result = do_it(does, method, token).await;
    drop(alive);
    result
}

async fn do_it(does: Does, method: &'static str, token: &CancelToken) -> Result<(), Refused> {
    match does {
        Does::Return => {}
        Does::Fail => return Err(Refused(method)),
        // Not `panic!`, whose message would be printed a thousand times.
        Does::Panic => std::panic::resume_unwind(Box::new(format!("{method} panics"))),
        Does::Hang => pending().await,
        Does::Follow => token.cancelled().await,
        Does::FollowAndFail => {
            token.cancelled().await;
            return Err(Refused(method));
        }
        Does::FollowSlowly => {
            token.cancelled().await;
            yields(3).await;
        }
        Does::Yield(times) => yields(times).await,
        Does::YieldAndFail(times) => {
            yields(times).await;
            return Err(Refused(method));
        }
    }
    Ok(())
}

/// Waits for something that nobody tells of. In a simulation all that is ready goes first.
pub(crate) async fn until(rt: &Arc<dyn Runtime>, happened: impl Fn() -> bool) {
    while !happened() {
        rt.sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) async fn yields(times: u32) {
    for _ in 0..times {
        yield_now().await;
    }
}

/// What the probe is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Counts up to it, and returns.
    Count(u32),
    /// Counts for ever.
    Flood,
    /// Leaves tasks behind that follow the token, and returns.
    Leave(u32),
    Act(&'static str),
}

impl Service for Probe {
    type Action = Ask;
    type Event = u32;
    type Error = Refused;
    type Ready = Alive;

    async fn is_set_up(&self, cx: &ServiceContext) -> Result<SetUp, Refused> {
        self.called("is_set_up", &cx.cancel_token()).await?;
        Ok(self.set_up.lock().unwrap().pop_front().unwrap_or(SetUp::Unchecked))
    }

    async fn set_up(&self, cx: &ServiceContext) -> Result<(), Refused> {
        self.called("set_up", &cx.cancel_token()).await
    }

    async fn start(&self, cx: &ServiceContext) -> Result<Alive, Refused> {
        self.called("start", &cx.cancel_token()).await?;
        Ok(self.alive.clone())
    }

    async fn run(&self, _ready: Alive, cx: ServiceContext) -> Result<(), Refused> {
        *self.context.lock().unwrap() = Some(cx.clone());
        let children = self.children.lock().unwrap().clone();
        for does in children {
            let (cx, alive) = (cx.clone(), self.alive.clone());
            cx.runtime().spawn_detached(async move {
                let (inner, token, owned) = (cx.spawner(), cx.cancel_token(), alive.clone());
                inner.spawn_detached(async move {
                    act(does, "grandchild", &token, owned).await.ok();
                });
                act(does, "child", &cx.cancel_token(), alive).await.ok();
            });
        }
        self.called("run", &cx.cancel_token()).await
    }

    async fn check_health(&self, cx: &ServiceContext) -> Result<(), Refused> {
        self.called("check_health", &cx.cancel_token()).await
    }

    async fn dispatch(&self, ask: Ask, cx: ActionContext<u32>) -> Result<(), Refused> {
        match ask {
            Ask::Count(to) => {
                for number in 1..=to {
                    cx.emit(number).await;
                }
                Ok(())
            }
            Ask::Flood => {
                for number in 0.. {
                    cx.emit(number).await;
                    yield_now().await;
                }
                Ok(())
            }
            Ask::Leave(times) => {
                for _ in 0..times {
                    let (token, alive) = (cx.cancel_token(), self.alive.clone());
                    cx.spawner().spawn_detached(async move {
                        act(Does::Follow, "left", &token, alive).await.ok();
                    });
                }
                Ok(())
            }
            Ask::Act(method) => self.called(method, &cx.cancel_token()).await,
        }
    }

    fn accepts(&self) -> Accepts {
        if self.always { Accepts::Always } else { Accepts::WhileRunning }
    }
}
