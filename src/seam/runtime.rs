//! The umbrella of the three traits.

use super::{Blocking, Spawner, Timer};

/// A whole runtime: it spawns tasks, keeps time, and runs blocking work.
///
/// Take an `Arc<dyn Runtime>` in the constructor of a type that needs more than one of the three, and one of
/// the parts where that is enough: `Arc<dyn Runtime>` upcasts to `Arc<dyn Spawner>`, `Arc<dyn Timer>` and
/// `Arc<dyn Blocking>`. It has the methods of [`SpawnerExt`](crate::SpawnerExt),
/// [`TimerExt`](crate::TimerExt) and [`BlockingExt`](crate::BlockingExt), at the same cost as on the parts.
///
/// There is nothing to implement: every type that is a [`Spawner`], a [`Timer`] and [`Blocking`] is a
/// `Runtime`, and so is every built-in spawner. Add a missing part with
/// [`with_timer`](crate::with_timer) or [`with_blocking`](crate::with_blocking).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::prelude::*;
///
/// struct Saver {
///     runtime: Arc<dyn Runtime>,
///     cleaner: Cleaner,
/// }
///
/// /// Only spawns.
/// struct Cleaner {
///     spawner: Arc<dyn Spawner>,
/// }
///
/// impl Saver {
///     fn new(runtime: Arc<dyn Runtime>) -> Saver {
///         let cleaner = Cleaner { spawner: runtime.clone() };
///         Saver { runtime, cleaner }
///     }
///
///     fn save_later(&self, text: String) -> JoinHandle<std::io::Result<()>> {
///         let runtime = self.runtime.clone();
///         self.runtime.spawn_with_handle(async move {
///             runtime.sleep(Duration::from_secs(1)).await;
///             let write = runtime.spawn_blocking(|| std::fs::write("notes.txt", text));
///             write.await.map_err(std::io::Error::other)?
///         })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Runtime`",
    label = "is not a `Spawner`, a `Timer` and `Blocking` at once",
    note = "add a missing part with `with_timer(spawner, timer)` or `with_blocking(spawner, pool)`"
)]
pub trait Runtime: Spawner + Timer + Blocking {}

impl<R: Spawner + Timer + Blocking + ?Sized> Runtime for R {}
