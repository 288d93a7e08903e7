//! The layers that decorators and groups add to a task: they act at its spawn, around each poll, and at its
//! end.
//!
//! Everything here is below the traits: a list of layers is generic over its base.

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
pub(crate) use self::hooks::Hooks;
pub(crate) use self::limit::{Limit, Ticket};
pub(crate) use self::members::{Clock, Members};
pub use self::members::{ShutdownReport, TaskInfo};
pub(crate) use self::stack::{Layer, Layers, Naming, Refused, Terms};
pub(crate) use self::task::HookedTask;
