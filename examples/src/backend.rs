//! The backends, by name.
//!
//! The examples take a [`Running`] backend's `Arc<dyn Spawner>` or `Arc<dyn Runtime>` and do not
//! know which one it is.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::thread;

use async_channel::Sender;
use async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::async_std::AsyncStdSpawner;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{BoxFuture, Runtime, Spawner};
use tokio::runtime::Builder;

/// All backends.
pub const BACKENDS: &[Backend] = &[
    Backend { name: "tokio", start: || on_tokio(Builder::new_multi_thread()) },
    Backend { name: "tokio-current-thread", start: || on_tokio(Builder::new_current_thread()) },
    Backend { name: "smol", start: || Ok(Running::new(SmolSpawner)) },
    Backend { name: "async-std", start: || Ok(Running::new(AsyncStdSpawner)) },
    Backend { name: "async-executor", start: on_async_executor },
];

fn on_tokio(mut builder: Builder) -> io::Result<Running> {
    let runtime = builder.enable_all().build()?;
    let spawner = TokioSpawner::new(runtime.handle().clone());
    Running::new(spawner).drive(move |stop| runtime.block_on(stop))
}

fn on_async_executor() -> io::Result<Running> {
    let executor = Arc::new(Executor::new());
    let mut running = Running::new(ExecutorSpawner::new(executor.clone()));
    for _ in 0..thread::available_parallelism()?.get() {
        let executor = executor.clone();
        running = running.drive(move |stop| async_io::block_on(executor.run(stop)))?;
    }
    Ok(running)
}

/// A backend that can be started.
#[derive(Debug)]
pub struct Backend {
    pub name: &'static str,
    start: fn() -> io::Result<Running>,
}

impl Backend {
    /// Finds a backend by name; the error message lists the names.
    pub fn find(name: &str) -> Result<&'static Backend, String> {
        BACKENDS
            .iter()
            .find(|backend| backend.name == name)
            .ok_or_else(|| format!("unknown backend `{name}`; the backends are:{}", listing()))
    }

    /// Starts the backend, with the threads that drive it.
    pub fn start(&self) -> io::Result<Running> {
        (self.start)()
    }
}

/// The names of all backends, one per line.
pub fn listing() -> String {
    BACKENDS.iter().fold(String::new(), |mut lines, backend| {
        // Writing to a string cannot fail.
        let _ = write!(lines, "\n  {}", backend.name);
        lines
    })
}

/// A running backend. Dropping it stops its threads.
///
/// The global executors of smol and async-std keep running.
pub struct Running {
    runtime: Arc<dyn Runtime>,
    drivers: Vec<Driver>,
}

impl Running {
    fn new(runtime: impl Runtime + 'static) -> Running {
        Running { runtime: Arc::new(runtime), drivers: Vec::new() }
    }

    /// Adds a thread that drives the backend until the future passed to `run` completes.
    fn drive(
        mut self,
        run: impl FnOnce(BoxFuture<'static, ()>) + Send + 'static,
    ) -> io::Result<Running> {
        let (stop, stopped) = async_channel::bounded::<Infallible>(1);
        let stopped = Box::pin(async move {
            // Nothing is ever sent: this fails when the sender is dropped.
            let _ = stopped.recv().await;
        });
        let thread = thread::Builder::new().name("driver".to_owned()).spawn(|| run(stopped))?;
        self.drivers.push(Driver { stop: Some(stop), thread: Some(thread) });
        Ok(self)
    }

    /// Spawns onto the backend.
    pub fn spawner(&self) -> Arc<dyn Spawner> {
        self.runtime.clone()
    }

    /// Spawns onto the backend, and has its timer and its blocking threads.
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        self.runtime.clone()
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
            // If the thread panicked, the panic hook has already reported it.
            let _ = thread.join();
        }
    }
}
