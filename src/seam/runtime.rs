//! The umbrella of the three traits.

use super::{Blocking, Spawner, Timer};

/// A runtime, as much of it as code that names none needs to know: it spawns, it tells the time,
/// and it has threads for work that blocks.
///
/// Take an `Arc<dyn Runtime>` in the constructor of whatever needs more than one of the three, and
/// one of the parts where one is enough: `Arc<dyn Runtime>` upcasts to `Arc<dyn Spawner>`,
/// `Arc<dyn Timer>` and `Arc<dyn Blocking>`. The methods of
/// [`SpawnerExt`](crate::SpawnerExt), [`TimerExt`](crate::TimerExt) and
/// [`BlockingExt`](crate::BlockingExt) are there on it, and cost what they cost on the part.
///
/// There is nothing to implement: what is a [`Spawner`], a [`Timer`] and [`Blocking`] is a
/// `Runtime`. Every built-in spawner is. A spawner that lacks a part is given one by
/// [`with_timer`] and [`with_blocking`]; one that still lacks a part does not compile as a
/// `Runtime`.
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
/// /// Needs less.
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
    note = "add what is missing with `with_timer(spawner, timer)` and `with_blocking(spawner, pool)`"
)]
pub trait Runtime: Spawner + Timer + Blocking {}

impl<R: Spawner + Timer + Blocking + ?Sized> Runtime for R {}
