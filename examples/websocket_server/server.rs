//! A WebSocket server over TLS that runs on whatever it is given to spawn on.
//!
//! It names no runtime. Its sockets come from async-net, which works on any executor; its tasks go
//! through the `Arc<dyn Spawner>` in its constructor, and its time limits by the clock in its
//! configuration. What its clients may call beyond the operations of its own is there, too.

// Other targets include this file with a `path` of their own, and from there the modules would be
// looked for elsewhere.
#[path = "server/calls.rs"]
mod calls;
#[path = "server/connection.rs"]
mod connection;
#[path = "server/protocol.rs"]
mod protocol;
#[path = "server/time.rs"]
mod time;
#[path = "server/tls.rs"]
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

#[allow(unused_imports, reason = "for what is built around a server")]
pub(crate) use calls::{Call, Registry};
pub(crate) use connection::End;
#[allow(unused_imports, reason = "for what is built around a server")]
pub(crate) use protocol::RequestError;
pub(crate) use time::Clock;
use tls::Identity;

/// How long the server waits before it accepts again when it cannot: mostly, when it is out of
/// file descriptors, and the connection stays in the queue.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// What a server allows its clients, and whom it tells.
#[derive(Clone)]
pub(crate) struct Config {
    /// The largest message that is taken, in bytes. A larger one closes its connection.
    pub(crate) max_message_size: usize,
    /// The time for the TLS and the WebSocket handshake together.
    pub(crate) handshake_timeout: Duration,
    /// The time without a message after which the client is pinged, and then again until the
    /// connection is dropped. Also the time for the client to take a reply.
    pub(crate) idle_timeout: Duration,
    /// The time for the client to close its side once the server has closed its own.
    pub(crate) close_timeout: Duration,
    /// What these times go by.
    pub(crate) clock: Clock,
    /// What clients may call by name.
    pub(crate) registry: Arc<dyn Registry>,
    /// Gets to see what happens. It is called in the server's own task, and must neither block nor
    /// panic.
    pub(crate) log: Arc<dyn Fn(&Event<'_>) + Send + Sync>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_message_size: 64 * 1024,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(2),
            clock: Clock::default(),
            registry: Arc::new(calls::Nothing),
            log: Arc::new(|_| {}),
        }
    }
}

/// Something worth a line in a log.
#[derive(Debug)]
pub(crate) enum Event<'a> {
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

/// What became of the connections of a server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    /// The connections accepted, in all.
    pub(crate) accepted: u64,
    /// Those that were open at the shutdown and ended within the grace period.
    pub(crate) drained: u64,
    /// Those that were aborted after it.
    pub(crate) aborted: u64,
    /// Those whose handler panicked.
    pub(crate) panicked: u64,
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

/// A running server. Dropping it aborts it, with all of its connections.
#[must_use = "dropping a server aborts it"]
pub(crate) struct Server {
    local_addr: SocketAddr,
    authority: String,
    stop: Sender<Duration>,
    supervisor: AbortOnDrop<Report>,
}

impl Server {
    /// Binds a listener to the address and serves the connections that come in.
    pub(crate) async fn start(
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
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The certificate, in PEM, that a client has to trust.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Stops the server in order, and waits until it is gone.
    ///
    /// No more connections are accepted. The open ones finish the requests that were read, and are
    /// closed. Those that have not ended after the grace period are aborted.
    ///
    /// # Errors
    ///
    /// If the server's own task did not live to see it; say, its runtime is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the server.
    pub(crate) async fn shutdown(self, grace: Duration) -> Result<Report, JoinError> {
        // Fails if the supervisor has ended, and its join says why.
        let _ = self.stop.send(grace).await;
        self.supervisor.await
    }
}

/// The server's own task: it accepts connections, and sees to their end.
struct Supervisor {
    spawner: Arc<dyn Spawner>,
    tls: TlsAcceptor,
    config: Arc<Config>,
    // Aborted when the supervisor is.
    connections: FuturesUnordered<AbortOnDrop<(SocketAddr, End)>>,
    connections_stop: connection::Stopping,
    report: Report,
}

/// What the supervisor waits for.
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
            // An aborted task is gone when its join says so.
            self.join_all().await;
        }
        self.report
    }

    /// Serves until the server is to stop, and gives the grace period.
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

/// Accepts a connection. No failure to do so is the end of the server.
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
