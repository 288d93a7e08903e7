//! The whole runtime as one trait object: assembling one from parts, finding the current one, and declaring it.

mod ambient;
mod compose;
mod current;
mod forward;

pub use crate::seam::{EnterGuard, Runtime, ThreadContext, enter, enter_context};
pub use ambient::Ambient;
pub use compose::{WithBlocking, WithTimer, with_blocking, with_timer};
pub use current::{current, from_env};
pub(crate) use forward::forward;
