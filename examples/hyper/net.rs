//! The sockets that fit each backend.

use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;

use async_runtime_compat::{BoxFuture, Runtime};
use hyper::rt::{Read, Write};

use crate::backend::{Backend, Running};

/// A runtime, and the sockets that fit it.
pub(crate) struct Host {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) net: Arc<dyn Net>,
    _running: Option<Running>,
}

impl Host {
    /// Starts a backend, which runs until this is dropped.
    pub(crate) fn start(backend: &Backend) -> io::Result<Host> {
        let running = backend.start()?;
        let runtime = running.runtime();
        let net: Arc<dyn Net> = match backend.name {
            #[cfg(feature = "tokio")]
            "tokio" | "tokio-current-thread" => {
                use async_runtime_compat::SpawnerExt as _;

                // Only what runs on it can tell which one it is.
                let handle = runtime.spawn_with_handle(async { tokio::runtime::Handle::current() });
                Arc::new(Tokio(async_io::block_on(handle)?))
            }
            #[cfg(feature = "async-std")]
            "async-std" => Arc::new(AsyncStd),
            _ => Arc::new(AsyncIo),
        };
        Ok(Host { runtime, net, _running: Some(running) })
    }

    /// What somebody else runs.
    #[allow(dead_code, reason = "a test has a runtime of its own")]
    pub(crate) fn new(runtime: impl Runtime + 'static, net: impl Net + 'static) -> Host {
        Host { runtime: Arc::new(runtime), net: Arc::new(net), _running: None }
    }
}

/// A connection, of whatever kind.
pub(crate) trait Io: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Io for T {}

/// What the example needs of the sockets that fit a backend.
pub(crate) trait Net: Send + Sync {
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>>;

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>>;
}

pub(crate) trait Listener: Send + Sync {
    fn local_addr(&self) -> io::Result<SocketAddr>;

    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>>;
}

/// Binds a socket that does not block, for the libraries that adopt one.
#[allow(dead_code, reason = "without a backend nothing listens")]
fn bind(address: SocketAddr) -> io::Result<net::TcpListener> {
    let listener = net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// tokio's sockets, which belong to a runtime.
#[cfg(feature = "tokio")]
struct Tokio(tokio::runtime::Handle);

#[cfg(feature = "tokio")]
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
            // On the runtime, because whoever awaits this need not be.
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

/// async-io's sockets, which work on every executor, tokio's included.
pub(crate) struct AsyncIo;

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
#[cfg(feature = "async-std")]
struct AsyncStd;

#[cfg(feature = "async-std")]
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
