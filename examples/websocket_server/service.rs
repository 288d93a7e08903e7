//! The server as a service: it is started, stopped and asked like the others.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{ActionContext, BoxError, Service, ServiceContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server::{Clock, Config, Event, Report, Server};

/// A WebSocket server through which clients call what there is in a registry.
pub(crate) struct WebSocket {
    address: SocketAddr,
    /// The time for open connections to end when it is told to stop. It is to be given somewhat
    /// more, or it is aborted before it can tell what became of them.
    grace: Duration,
    config: Config,
    counts: Arc<Counts>,
    site: Mutex<Site>,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    ended: AtomicU64,
}

/// Where the present run is found, and what became of the last one.
#[derive(Default)]
struct Site {
    endpoint: Option<Endpoint>,
    report: Option<Report>,
}

/// What a client has to know.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// The certificate to trust, in PEM. It is another one after each start.
    pub(crate) authority: String,
}

/// What it can be asked, by a client as well as by the program.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// How many connections there are. It is one event.
    Status,
}

/// The connections since it was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    accepted: u64,
    open: u64,
}

impl WebSocket {
    /// The clock in the configuration is of no account: it goes by that of its runtime.
    pub(crate) fn new(address: SocketAddr, grace: Duration, config: Config) -> WebSocket {
        WebSocket { address, grace, config, counts: Arc::default(), site: Mutex::default() }
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a client has to know, if it was ever started.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        self.site().endpoint.clone()
    }

    /// What became of the connections, if it was ever stopped in order.
    pub(crate) fn report(&self) -> Option<Report> {
        self.site().report
    }

    fn config(&self, timer: Arc<dyn Timer>) -> Config {
        let (log, counts) = (self.config.log.clone(), self.counts.clone());
        Config {
            clock: Clock::new(move |duration| timer.sleep(duration)),
            log: Arc::new(move |event| {
                match event {
                    Event::Accepted(_) => counts.accepted.fetch_add(1, Ordering::Relaxed),
                    Event::Ended(..) | Event::Broken(_) => {
                        counts.ended.fetch_add(1, Ordering::Relaxed)
                    }
                    Event::AcceptFailed(_) => 0,
                };
                log(event);
            }),
            ..self.config.clone()
        }
    }
}

impl Service for WebSocket {
    type Action = Ask;
    type Event = Status;
    type Error = BoxError;
    type Ready = Server;

    /// When it returns, clients can connect.
    async fn start(&self, cx: &ServiceContext) -> Result<Server, BoxError> {
        // What the server spawns belongs to this run of the service.
        let server = Server::start(cx.runtime(), self.address, self.config(cx.timer())).await;
        let server =
            server.map_err(|error| format!("cannot listen on {}: {error}", self.address))?;
        let (address, authority) = (server.local_addr(), server.authority().to_owned());
        self.site().endpoint = Some(Endpoint { address, authority });
        Ok(server)
    }

    /// Serves until it is told to stop, and then lets the connections finish what they have read.
    async fn run(&self, server: Server, cx: ServiceContext) -> Result<(), BoxError> {
        cx.cancel_token().cancelled().await;
        let report = server.shutdown(self.grace).await?;
        self.site().report = Some(report);
        Ok(())
    }

    async fn dispatch(&self, ask: Ask, cx: ActionContext<Status>) -> Result<(), BoxError> {
        match ask {
            Ask::Status => {
                let ended = self.counts.ended.load(Ordering::Relaxed);
                let accepted = self.counts.accepted.load(Ordering::Relaxed);
                cx.emit(Status { accepted, open: accepted.saturating_sub(ended) }).await;
                Ok(())
            }
        }
    }
}
