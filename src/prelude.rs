//! The traits and types that most code written against this crate names.
//!
//! ```
//! use async_runtime_compat::prelude::*;
//! ```

pub use crate::{AbortHandle, AbortOnDrop, BoxFuture, JoinError, JoinHandle, Spawner, SpawnerExt};
pub use crate::{Blocking, BlockingExt, Runtime};
pub use crate::{CancelToken, JoinGroup, TaskGroup};
pub use crate::{Elapsed, Interval, MissedTickBehavior, Sleep, Timer, TimerExt};
