//! The server as a service: started, stopped and queried like the others.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{ActionContext, BoxError, Service, ServiceContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server::{Clock, Config, Event, Report, Server};

/// A WebSocket server whose clients can call the services and tasks in a registry.
pub struct WebSocket {
    address: SocketAddr,
    /// The time for open connections to end when the service is stopped. The grace period of the
    /// stop itself has to be longer, or the service is aborted before it has its report.
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

/// The address of the current run, and the report of the last one.
#[derive(Default)]
struct Site {
    endpoint: Option<Endpoint>,
    report: Option<Report>,
}

/// The address and certificate of a running server.
#[derive(Clone)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// The certificate to trust, in PEM. Each start generates a new one.
    pub authority: String,
}

/// The service's actions, for its clients as well as for the program.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Emits one event with the number of connections.
    Status,
}

/// The number of connections since the service was created.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    accepted: u64,
    open: u64,
}

impl WebSocket {
    /// The clock in the configuration is ignored: the service uses its runtime's timer.
    pub fn new(address: SocketAddr, grace: Duration, config: Config) -> WebSocket {
        WebSocket { address, grace, config, counts: Arc::default(), site: Mutex::default() }
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The endpoint of the last start, if there was one.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.site().endpoint.clone()
    }

    /// The report of the last graceful stop, if there was one.
    pub fn report(&self) -> Option<Report> {
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

    /// Starts the server. Once this returns, clients can connect.
    async fn start(&self, cx: &ServiceContext) -> Result<Server, BoxError> {
        // The server's tasks belong to this run of the service.
        let server = Server::start(cx.runtime(), self.address, self.config(cx.timer())).await;
        let server =
            server.map_err(|error| format!("cannot listen on {}: {error}", self.address))?;
        let (address, authority) = (server.local_addr(), server.authority().to_owned());
        self.site().endpoint = Some(Endpoint { address, authority });
        Ok(server)
    }

    /// Serves until the service is stopped, then lets the connections answer the requests they
    /// have read.
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

    fn description(&self) -> &'static str {
        "Serves clients, who call the other services and the tasks."
    }
}
