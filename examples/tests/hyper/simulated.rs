//! The same server and client in a simulation, connected by pipes.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_runtime_compat::prelude::*;
use async_runtime_compat_examples::http::net::{Io, Listener};
use async_runtime_compat_examples::http::{Client, Protocol, Server};
use async_runtime_compat_sim::{Sim, SimRuntime};
use futures_util::future::join_all;
use hyper::StatusCode;
use hyper::rt::{Read, ReadBufCursor, Write};

use crate::NEVER;

/// One direction of a connection.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    closed: bool,
    reader: Option<Waker>,
}

impl Pipe {
    fn wake(pipe: &Mutex<Pipe>, change: impl FnOnce(&mut Pipe)) {
        let mut pipe = pipe.lock().unwrap();
        change(&mut pipe);
        let reader = pipe.reader.take();
        // Wake after unlocking: the waker may poll.
        drop(pipe);
        reader.into_iter().for_each(Waker::wake);
    }
}

/// An end of a connection. Its buffer is unbounded.
struct End {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
}

fn connection() -> (End, End) {
    let (one, other) = (Arc::<Mutex<Pipe>>::default(), Arc::<Mutex<Pipe>>::default());
    (End { incoming: one.clone(), outgoing: other.clone() }, End { incoming: other, outgoing: one })
}

impl Read for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pipe = self.incoming.lock().unwrap();
        if pipe.bytes.is_empty() && !pipe.closed {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = pipe.bytes.len().min(buf.remaining());
        let bytes: Vec<u8> = pipe.bytes.drain(..count).collect();
        buf.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl Write for End {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pipe::wake(&self.outgoing, |pipe| pipe.bytes.extend(buf));
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pipe::wake(&self.outgoing, |pipe| pipe.closed = true);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        Pipe::wake(&self.outgoing, |pipe| pipe.closed = true);
    }
}

/// Accepts the connections that a test opens.
struct Pipes(Receiver<End>);

impl Listener for Pipes {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([127, 0, 0, 1], 80)))
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async {
            match self.0.recv().await {
                Ok(end) => Ok(Box::new(end) as Box<dyn Io>),
                Err(_) => std::future::pending().await,
            }
        })
    }
}

struct Net {
    runtime: Arc<dyn Runtime>,
    connect: Sender<End>,
    server: Server,
}

impl Net {
    fn new(sim: &SimRuntime, header_timeout: Duration) -> Net {
        let runtime: Arc<dyn Runtime> = Arc::new(sim.clone());
        let (connect, accept) = async_channel::unbounded();
        let listener = Box::new(Pipes(accept));
        let server = Server::start(runtime.clone(), listener, header_timeout).unwrap();
        Net { runtime, connect, server }
    }

    fn connect(&self) -> End {
        let (client, server) = connection();
        self.connect.try_send(server).unwrap();
        client
    }

    async fn client(&self, protocol: Protocol) -> Client {
        Client::new(&self.runtime, Box::new(self.connect()), protocol).await.unwrap()
    }
}

/// A hundred requests, which wait for a second each, over ten connections.
async fn conversation(sim: SimRuntime, protocol: Protocol) {
    let net = Net::new(&sim, NEVER);
    let clients = join_all((0..10).map(async |_| {
        let mut client = net.client(protocol).await;
        for _ in 0..10 {
            let (status, body) = client.get("/sleep/1000").await.unwrap();
            assert_eq!((status, &*body), (StatusCode::OK, &b"Slept for 1000 ms.\n"[..]));
        }
    }));
    clients.await;
    let report = net.server.shutdown(Duration::from_secs(10)).await;
    assert!(report.is_clean(), "{report}");
}

#[test]
fn requests_take_virtual_time_alone() {
    for protocol in Protocol::ALL {
        let report = Sim::new(7).run(|sim| conversation(sim, protocol)).unwrap();
        assert_eq!(report.elapsed, Duration::from_secs(10), "{protocol}");
    }
}

#[test]
fn same_seed_gives_the_same_run() {
    for protocol in Protocol::ALL {
        let hash = |seed| Sim::new(seed).run(|sim| conversation(sim, protocol)).unwrap().trace_hash;
        assert_eq!(hash(7), hash(7), "{protocol}");
        assert_ne!(hash(7), hash(8), "{protocol}");
    }
}

#[test]
fn no_schedule_loses_a_request() {
    for protocol in Protocol::ALL {
        let exploration = Sim::new(1).explore(50, |sim| conversation(sim, protocol));
        assert!(exploration.first.is_none(), "{}", exploration.first.unwrap());
    }
}

/// hyper's limits use the simulation's clock.
#[test]
fn client_that_sends_no_headers_is_dropped_at_the_limit() {
    let limit = Duration::from_secs(30);
    let report = Sim::new(7).run(|sim| async move {
        let net = Net::new(&sim, limit);
        let mut end = net.connect();
        Pipe::wake(&end.outgoing, |pipe| pipe.bytes.extend(b"GET / HTTP/1.1\r\nHost: local"));
        let closed = std::future::poll_fn(|cx| {
            let mut room = [0; 1024];
            let mut room = hyper::rt::ReadBuf::new(&mut room);
            let poll = Pin::new(&mut end).poll_read(cx, room.unfilled());
            match poll {
                Poll::Ready(Ok(())) if room.filled().is_empty() => Poll::Ready(()),
                // The server may send an error response before it closes the connection.
                Poll::Ready(Ok(())) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Poll::Ready(Err(error)) => panic!("{error}"),
                Poll::Pending => Poll::Pending,
            }
        });
        closed.await;
        net.server.shutdown(Duration::ZERO).await;
    });
    let elapsed = report.unwrap().elapsed;
    assert!(elapsed >= limit && elapsed < limit * 2, "{elapsed:?}");
}
