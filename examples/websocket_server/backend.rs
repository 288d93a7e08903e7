//! The backends that are compiled in, by name. Nothing outside of this file knows which they are.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::thread;

use async_channel::Sender;
use async_runtime_compat::{BoxFuture, Runtime, Spawner};

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
        start: || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let spawner = async_runtime_compat::tokio::TokioSpawner::new(runtime.handle().clone());
            Running::new(spawner).drive(move |stop| runtime.block_on(stop))
        },
    },
    #[cfg(feature = "tokio")]
    Backend {
        name: "tokio-current-thread",
        start: || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let spawner = async_runtime_compat::tokio::TokioSpawner::new(runtime.handle().clone());
            Running::new(spawner).drive(move |stop| runtime.block_on(stop))
        },
    },
    #[cfg(feature = "smol")]
    Backend { name: "smol", start: || Ok(Running::new(async_runtime_compat::smol::SmolSpawner)) },
    #[cfg(feature = "async-std")]
    Backend {
        name: "async-std",
        start: || Ok(Running::new(async_runtime_compat::async_std::AsyncStdSpawner)),
    },
    #[cfg(feature = "async-executor")]
    Backend {
        name: "async-executor",
        start: || {
            let executor = Arc::new(async_executor::Executor::new());
            let spawner =
                async_runtime_compat::async_executor::ExecutorSpawner::new(executor.clone());
            (0..thread::available_parallelism()?.get()).try_fold(Running::new(spawner), |it, _| {
                let executor = executor.clone();
                it.drive(move |stop| async_io::block_on(executor.run(stop)))
            })
        },
    },
];

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
    runtime: Arc<dyn Runtime>,
    drivers: Vec<Driver>,
}

#[allow(
    dead_code,
    reason = "some backends need the one, some the other; without any, neither is used"
)]
impl Running {
    fn new(runtime: impl Runtime + 'static) -> Running {
        Running { runtime: Arc::new(runtime), drivers: Vec::new() }
    }

    /// Adds a thread that drives the backend until the future that it is given completes.
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

#[allow(dead_code, reason = "some need no more than to spawn, others the whole runtime")]
impl Running {
    /// What to spawn on.
    pub(crate) fn spawner(&self) -> Arc<dyn Spawner> {
        self.runtime.clone()
    }

    /// What to spawn on, with its timer and its threads for what blocks.
    pub(crate) fn runtime(&self) -> Arc<dyn Runtime> {
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
            // Its panic has been printed.
            let _ = thread.join();
        }
    }
}
