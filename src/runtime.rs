//! The whole runtime as one trait object: putting one together, finding one, declaring one.

mod ambient;
mod compose;
mod current;
mod forward;

pub use crate::seam::{EnterGuard, Runtime, ThreadContext, enter, enter_context};
pub use ambient::Ambient;
pub use compose::{WithBlocking, WithTimer, with_blocking, with_timer};
pub use current::{current, from_env};
pub(crate) use forward::forward;
