//! The runtimes that the work is done on.

#[cfg(feature = "async-executor")]
pub mod async_executor;
#[cfg(feature = "async-std")]
pub mod async_std;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "tokio")]
pub mod tokio;

use std::future::Future;
use std::sync::Arc;

use async_runtime_compat::{FnSpawner, Runtime, Spawner};

use crate::wait::{BlockWay, TimeWay};
use crate::way::{CancelWay, JoinWay, Way};

/// A runtime that is up.
///
/// The native way and the spawners of one value run on the same runtime.
pub trait Backend: Clone + Send + Sync + 'static {
    /// How one spawns on the runtime without this crate.
    type Native: JoinWay;

    /// The runtime's own way to spawn.
    fn native(&self) -> Self::Native;

    /// The adapter of this crate.
    fn spawner(&self) -> Arc<dyn Spawner>;

    /// A spawner that a caller wrote for the same runtime, and that this crate knows nothing of.
    fn opaque(&self) -> Arc<dyn Spawner> {
        let native = self.native();
        Arc::new(FnSpawner::new(move |task| native.spawn_detached(task)))
    }

    /// Runs the future as a task of the runtime, and waits for it.
    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;
}

/// A backend with everything that is measured.
pub trait FullBackend: Backend<Native: CancelWay + BlockWay> {
    /// The native way with handles of the size of ours.
    type Padded: JoinWay;
    /// The runtime's own timer.
    type Timer: TimeWay;

    /// The runtime's own timer.
    fn timer(&self) -> Self::Timer;

    /// The native way with handles of the size of ours.
    fn padded(&self) -> Self::Padded;

    /// The adapter of this crate, with all that it can do.
    fn runtime(&self) -> Arc<dyn Runtime>;
}
