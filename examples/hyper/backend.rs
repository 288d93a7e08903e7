//! The backends that are compiled in, by name, each with the sockets that fit it. Nothing outside of this
//! file knows which they are.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::thread;

use async_channel::Sender;
use async_runtime_compat::{BoxFuture, Runtime};
use hyper::rt::{Read, Write};

/// All backends, and the feature of `async-runtime-compat` that each stands behind.
const FEATURES: [(&str, &str); 5] = [
    ("tokio", "tokio"),
    ("tokio-current-thread", "tokio"),
    ("smol", "smol"),
    ("async-std", "async-std"),
    ("async-executor", "async-executor"),
];

/// The backends whose feature is on.
pub(crate) const BACKENDS: &[Backend] = &[
    #[cfg(feature = "tokio")]
    Backend {
        name: "tokio",
        start: || on_tokio(tokio::runtime::Builder::new_multi_thread().enable_all().build()?),
    },
    #[cfg(feature = "tokio")]
    Backend {
        name: "tokio-current-thread",
        start: || on_tokio(tokio::runtime::Builder::new_current_thread().enable_all().build()?),
    },
    #[cfg(feature = "smol")]
    Backend {
        name: "smol",
        start: || Ok(Running::new(async_runtime_compat::smol::SmolSpawner, AsyncIo)),
    },
    #[cfg(feature = "async-std")]
    Backend {
        name: "async-std",
        start: || Ok(Running::new(async_runtime_compat::async_std::AsyncStdSpawner, AsyncStd)),
    },
    #[cfg(feature = "async-executor")]
    Backend {
        name: "async-executor",
        start: || {
            let executor = Arc::new(async_executor::Executor::new());
            let spawner =
                async_runtime_compat::async_executor::ExecutorSpawner::new(executor.clone());
            let running = Running::new(spawner, AsyncIo);
            (0..thread::available_parallelism()?.get()).try_fold(running, |running, _| {
                let executor = executor.clone();
                running.drive(move |stop| async_io::block_on(executor.run(stop)))
            })
        },
    },
];

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

#[cfg(feature = "tokio")]
fn on_tokio(runtime: tokio::runtime::Runtime) -> io::Result<Running> {
    let handle = runtime.handle().clone();
    let spawner = async_runtime_compat::tokio::TokioSpawner::new(handle.clone());
    Running::new(spawner, Tokio(handle)).drive(move |stop| runtime.block_on(stop))
}

/// async-io's sockets, which work on every executor, tokio's included.
#[allow(dead_code, reason = "tokio and async-std have sockets of their own")]
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

/// A backend that can be started.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    start: fn() -> io::Result<Running>,
}

impl Backend {
    /// The backend of that name.
    ///
    /// # Errors
    ///
    /// A message that says which names there are, and which features bring more.
    pub(crate) fn find(name: &str) -> Result<&'static Backend, String> {
        BACKENDS.iter().find(|backend| backend.name == name).ok_or_else(|| unavailable(name))
    }

    /// Starts the backend, with the threads that it needs.
    pub(crate) fn start(&self) -> io::Result<Running> {
        (self.start)()
    }
}

fn unavailable(name: &str) -> String {
    let mut message = match FEATURES.iter().find(|(known, _)| *known == name) {
        Some((_, feature)) => {
            format!("backend `{name}` is not compiled in: add `--features {feature}` to the build")
        }
        None => format!("there is no backend `{name}`"),
    };
    message.push_str("; the backends are");
    message.push_str(&listing());
    message
}

/// The names of all backends, and how to get those that are not compiled in.
pub(crate) fn listing() -> String {
    let mut lines = String::new();
    for (name, feature) in FEATURES {
        let compiled_in = BACKENDS.iter().any(|backend| backend.name == name);
        let how = if compiled_in { "available" } else { "not compiled in, needs" };
        let feature = if compiled_in { String::new() } else { format!(" `--features {feature}`") };
        // Writing to a string cannot fail.
        let _ = write!(lines, "\n  {name:<22}{how}{feature}");
    }
    lines
}

/// A backend that runs tasks until this is dropped.
///
/// The global executors of smol and async-std run on.
pub(crate) struct Running {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) net: Arc<dyn Net>,
    drivers: Vec<Driver>,
}

impl Running {
    #[allow(dead_code, reason = "without a backend nothing runs")]
    pub(crate) fn new(runtime: impl Runtime + 'static, net: impl Net + 'static) -> Running {
        Running { runtime: Arc::new(runtime), net: Arc::new(net), drivers: Vec::new() }
    }

    /// Adds a thread that drives the backend until the future that it is given completes.
    #[allow(dead_code, reason = "smol and async-std have their own threads")]
    fn drive(
        mut self,
        run: impl FnOnce(BoxFuture<'static, ()>) + Send + 'static,
    ) -> io::Result<Running> {
        let (stop, stopped) = async_channel::bounded::<Infallible>(1);
        let stopped = Box::pin(async move {
            // Fails when the sender is dropped.
            let _ = stopped.recv().await;
        });
        let thread = thread::Builder::new().name("driver".to_owned()).spawn(|| run(stopped))?;
        self.drivers.push(Driver { stop: Some(stop), thread: Some(thread) });
        Ok(self)
    }
}

/// A thread that is stopped and joined on drop.
struct Driver {
    stop: Option<Sender<Infallible>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed.
            let _ = thread.join();
        }
    }
}
