//! The layers that decorators and groups put around a task: asked at its spawn, around each of its
//! polls, and at its end.
//!
//! Everything here is below the traits: a list of layers is on any base, whatever spawns on that.

mod counters;
mod end;
mod hook;
mod hooks;
mod limit;
mod members;
mod stack;
mod task;

pub(crate) use self::counters::{Counters, Sums};
pub(crate) use self::end::EndState;
pub use self::hook::{SpawnHook, Spawning, TaskEnd, TaskHook};
pub(crate) use self::limit::{Limit, Ticket};
pub(crate) use self::members::{Clock, Members};
pub use self::members::{ShutdownReport, TaskInfo};
pub(crate) use self::stack::{Layer, Layers, Naming, Terms};
