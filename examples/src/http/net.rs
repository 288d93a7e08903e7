//! The sockets for each backend.

use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;

use async_runtime_compat::{BoxFuture, Runtime, SpawnerExt as _};
use hyper::rt::{Read, Write};
use tokio::runtime::Handle;

use crate::backend::{Backend, Running};

/// A runtime and its sockets.
pub struct Host {
    pub runtime: Arc<dyn Runtime>,
    pub net: Arc<dyn Net>,
    _running: Option<Running>,
}

impl Host {
    /// Starts a backend, which runs until the host is dropped.
    pub fn start(backend: &Backend) -> io::Result<Host> {
        let running = backend.start()?;
        let runtime = running.runtime();
        let net: Arc<dyn Net> = match backend.name {
            "tokio" | "tokio-current-thread" => {
                // Only a task of the runtime can get its handle.
                let handle = runtime.spawn_with_handle(async { Handle::current() });
                Arc::new(Tokio(async_io::block_on(handle)?))
            }
            "async-std" => Arc::new(AsyncStd),
            _ => Arc::new(AsyncIo),
        };
        Ok(Host { runtime, net, _running: Some(running) })
    }

    /// A host of a runtime that somebody else drives.
    pub fn new(runtime: impl Runtime + 'static, net: impl Net + 'static) -> Host {
        Host { runtime: Arc::new(runtime), net: Arc::new(net), _running: None }
    }
}

/// A connection.
pub trait Io: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Io for T {}

/// Opens sockets.
pub trait Net: Send + Sync {
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>>;

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>>;
}

/// Accepts connections.
pub trait Listener: Send + Sync {
    fn local_addr(&self) -> io::Result<SocketAddr>;

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>>;
}

/// Binds a non-blocking socket, for runtimes that adopt one.
fn bind(address: SocketAddr) -> io::Result<net::TcpListener> {
    let listener = net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// tokio's sockets. They work on this runtime only.
struct Tokio(Handle);

mod on_tokio {
    use hyper_util::rt::TokioIo;
    use tokio::net::{TcpListener, TcpStream};

    use super::{BoxFuture, Io, Listener, Net, SocketAddr, Tokio, bind, io};

    impl Net for Tokio {
        fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
            let _entered = self.0.enter();
            Ok(Box::new(TcpListener::from_std(bind(address)?)?))
        }

        fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
            // Connects in a task of the runtime, because the caller may be outside of it.
            let stream = self.0.spawn(TcpStream::connect(address));
            Box::pin(async move { wrap(stream.await.map_err(io::Error::other)??) })
        }
    }

    impl Listener for TcpListener {
        fn local_addr(&self) -> io::Result<SocketAddr> {
            self.local_addr()
        }

        fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
            Box::pin(async { wrap(self.accept().await?.0) })
        }
    }

    fn wrap(stream: TcpStream) -> io::Result<Box<dyn Io>> {
        stream.set_nodelay(true)?;
        Ok(Box::new(TokioIo::new(stream)))
    }
}

/// async-io's sockets. They work on every executor, including tokio's.
pub struct AsyncIo;

mod on_async_io {
    use std::net::{TcpListener, TcpStream};

    use async_io::Async;
    use smol_hyper::rt::FuturesIo;

    use super::{AsyncIo, BoxFuture, Io, Listener, Net, SocketAddr, io};

    impl Net for AsyncIo {
        fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
            Ok(Box::new(Async::<TcpListener>::bind(address)?))
        }

        fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
            Box::pin(async move { wrap(Async::<TcpStream>::connect(address).await?) })
        }
    }

    impl Listener for Async<TcpListener> {
        fn local_addr(&self) -> io::Result<SocketAddr> {
            self.get_ref().local_addr()
        }

        fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
            Box::pin(async { wrap(self.accept().await?.0) })
        }
    }

    fn wrap(stream: Async<TcpStream>) -> io::Result<Box<dyn Io>> {
        stream.get_ref().set_nodelay(true)?;
        Ok(Box::new(FuturesIo::new(stream)))
    }
}

/// async-std's own sockets.
struct AsyncStd;

mod on_async_std {
    use async_std::net::{TcpListener, TcpStream};
    use smol_hyper::rt::FuturesIo;

    use super::{AsyncStd, BoxFuture, Io, Listener, Net, SocketAddr, bind, io};

    impl Net for AsyncStd {
        fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
            Ok(Box::new(TcpListener::from(bind(address)?)))
        }

        fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
            Box::pin(async move { wrap(TcpStream::connect(address).await?) })
        }
    }

    impl Listener for TcpListener {
        fn local_addr(&self) -> io::Result<SocketAddr> {
            self.local_addr()
        }

        fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
            Box::pin(async { wrap(self.accept().await?.0) })
        }
    }

    fn wrap(stream: TcpStream) -> io::Result<Box<dyn Io>> {
        stream.set_nodelay(true)?;
        Ok(Box::new(FuturesIo::new(stream)))
    }
}
