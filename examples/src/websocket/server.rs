//! A WebSocket server over TLS that runs on any spawner.
//!
//! It names no runtime. Its sockets come from async-net and work on any executor, its tasks are
//! spawned on the `Arc<dyn Spawner>` passed to its constructor, and its time limits use the clock
//! in its configuration. The registry in the configuration holds what clients can call beyond the
//! server's own operations.

mod calls;
mod connection;
mod protocol;
mod time;
mod tls;

use std::convert::Infallible;
use std::fmt;
use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_net::{TcpListener, TcpStream};
use async_runtime_compat::prelude::*;
use futures_lite::{FutureExt as _, StreamExt as _};
use futures_rustls::TlsAcceptor;
use futures_util::stream::FuturesUnordered;

pub use calls::{Call, Registry};
pub use connection::End;
pub use protocol::RequestError;
pub use time::Clock;
use tls::Identity;

/// The pause after a failed accept. The usual cause is a lack of file descriptors; the connection
/// then stays in the queue.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// A server's limits, its registry and its log.
#[derive(Clone)]
pub struct Config {
    /// The maximum message size in bytes. A larger message closes its connection.
    pub max_message_size: usize,
    /// The time limit for the TLS and the WebSocket handshake together.
    pub handshake_timeout: Duration,
    /// A client that sends nothing for this long is pinged; if it stays silent for this long
    /// again, its connection is dropped. Also the time limit for a client to accept a reply.
    pub idle_timeout: Duration,
    /// The time limit for the client to close its side after the server has closed its own.
    pub close_timeout: Duration,
    /// The clock for these limits.
    pub clock: Clock,
    /// What clients may call by name.
    pub registry: Arc<dyn Registry>,
    /// Called for each event, on the server's own task. Must not block or panic.
    pub log: Arc<dyn Fn(&Event<'_>) + Send + Sync>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_message_size: 64 * 1024,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(2),
            clock: Clock::default(),
            registry: Arc::new(calls::Empty),
            log: Arc::new(|_| {}),
        }
    }
}

/// An event worth logging.
#[derive(Debug)]
pub enum Event<'a> {
    /// A connection was accepted.
    Accepted(SocketAddr),
    /// A connection could not be accepted. The server tries again.
    AcceptFailed(&'a io::Error),
    /// A connection ended on its own.
    Ended(SocketAddr, &'a End),
    /// A connection's task panicked or was aborted.
    Broken(&'a JoinError),
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Accepted(peer) => write!(f, "connection from {peer}: accepted"),
            Event::AcceptFailed(error) => write!(f, "cannot accept a connection: {error}"),
            Event::Ended(peer, end) => write!(f, "connection from {peer}: {end}"),
            Event::Broken(error) => write!(f, "{error}"),
        }
    }
}

/// How the connections of a server ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// All connections that were accepted.
    pub accepted: u64,
    /// Those that were open at the shutdown and ended within the grace period.
    pub drained: u64,
    /// Those that were aborted after it.
    pub aborted: u64,
    /// Those whose handler panicked.
    pub panicked: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { accepted, drained, aborted, panicked } = self;
        write!(
            f,
            "{accepted} connections, {drained} ended within the grace period, {aborted} aborted, \
             {panicked} panicked"
        )
    }
}

/// A running server. Dropping it aborts the server and all of its connections.
#[must_use = "dropping a server aborts it"]
pub struct Server {
    local_addr: SocketAddr,
    authority: String,
    stop: Sender<Duration>,
    supervisor: AbortOnDrop<Report>,
}

impl Server {
    /// Binds a listener to the address and serves the connections that come in.
    pub async fn start(
        spawner: Arc<dyn Spawner>,
        address: SocketAddr,
        config: Config,
    ) -> io::Result<Server> {
        let Identity { acceptor, authority } = Identity::throw_away(address.ip())?;
        let listener = TcpListener::bind(address).await?;
        let local_addr = listener.local_addr()?;
        let (stop, stopped) = async_channel::bounded(1);
        let (stopping, connections_stop) = async_channel::bounded(1);
        let supervisor = Supervisor {
            spawner: spawner.clone(),
            tls: acceptor,
            config: Arc::new(config),
            connections: FuturesUnordered::new(),
            connections_stop,
            report: Report::default(),
        };
        let supervisor =
            spawner.spawn_named("supervisor", supervisor.run(listener, stopped, stopping));
        Ok(Server { local_addr, authority, stop, supervisor: supervisor.abort_on_drop() })
    }

    /// The address that clients connect to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The certificate that clients have to trust, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Shuts the server down gracefully, and waits until it has ended.
    ///
    /// No more connections are accepted. The open ones answer the requests they have read, and are
    /// closed. Connections that are still open after the grace period are aborted.
    ///
    /// # Errors
    ///
    /// If the server's own task has ended before, for example because its runtime was shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the server.
    pub async fn shutdown(self, grace: Duration) -> Result<Report, JoinError> {
        // Fails if the supervisor has ended; joining it returns the reason.
        let _ = self.stop.send(grace).await;
        self.supervisor.await
    }
}

/// The server's own task: accepts connections and joins their tasks.
struct Supervisor {
    spawner: Arc<dyn Spawner>,
    tls: TlsAcceptor,
    config: Arc<Config>,
    // Dropped, and so aborted, with the supervisor.
    connections: FuturesUnordered<AbortOnDrop<(SocketAddr, End)>>,
    connections_stop: connection::Stopping,
    report: Report,
}

/// An event that the supervisor waits for.
enum Incident {
    Stop(Duration),
    Ended(Result<(SocketAddr, End), JoinError>),
    Accepted(TcpStream, SocketAddr),
}

impl Supervisor {
    async fn run(
        mut self,
        listener: TcpListener,
        stop: Receiver<Duration>,
        stopping: Sender<Infallible>,
    ) -> Report {
        let grace = self.serve(&listener, &stop).await;
        drop(listener);
        drop(stopping);
        let clock = self.config.clock.clone();
        if clock.timeout(grace, self.join_all()).await.is_none() {
            self.connections.iter().for_each(AbortOnDrop::abort);
            // Once a join resolves, the task's future has been dropped.
            self.join_all().await;
        }
        self.report
    }

    /// Serves until the server is told to stop, and returns the grace period.
    async fn serve(&mut self, listener: &TcpListener, stop: &Receiver<Duration>) -> Duration {
        loop {
            match self.incident(listener, stop).await {
                Incident::Stop(grace) => return grace,
                Incident::Ended(end) => self.record(end),
                Incident::Accepted(tcp, peer) => self.spawn(tcp, peer),
            }
        }
    }

    async fn incident(&mut self, listener: &TcpListener, stop: &Receiver<Duration>) -> Incident {
        let Supervisor { connections, config, .. } = self;
        let stopped = async {
            match stop.recv().await {
                Ok(grace) => Incident::Stop(grace),
                // The server was dropped: this task is being aborted.
                Err(_closed) => future::pending().await,
            }
        };
        let ended = async {
            match connections.next().await {
                Some(end) => Incident::Ended(end),
                // There are no connections.
                None => future::pending().await,
            }
        };
        let accepted = async {
            let (tcp, peer) = accept(listener, config).await;
            Incident::Accepted(tcp, peer)
        };
        stopped.or(ended).or(accepted).await
    }

    fn spawn(&mut self, tcp: TcpStream, peer: SocketAddr) {
        self.report.accepted += 1;
        (self.config.log)(&Event::Accepted(peer));
        let connection = connection::serve(
            tcp,
            self.tls.clone(),
            self.config.clone(),
            self.connections_stop.clone(),
        );
        let task = self.spawner.spawn_named(format!("connection from {peer}"), async move {
            (peer, connection.await)
        });
        self.connections.push(task.abort_on_drop());
    }

    async fn join_all(&mut self) {
        while let Some(end) = self.connections.next().await {
            self.report.drained += u64::from(end.is_ok());
            self.record(end);
        }
    }

    fn record(&mut self, end: Result<(SocketAddr, End), JoinError>) {
        match end {
            Ok((peer, end)) => (self.config.log)(&Event::Ended(peer, &end)),
            Err(error) => {
                if error.is_panic() {
                    self.report.panicked += 1;
                } else {
                    self.report.aborted += 1;
                }
                (self.config.log)(&Event::Broken(&error));
            }
        }
    }
}

/// Accepts a connection. Retries after errors: none of them ends the server.
async fn accept(listener: &TcpListener, config: &Config) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                (config.log)(&Event::AcceptFailed(&error));
                config.clock.sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}
