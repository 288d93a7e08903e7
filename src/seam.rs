//! The seam: the traits that are injected, and the types in their signatures.
//!
//! A spawner tells which built-in backend it is (`native`), a timer returns sleeps of that backend (`sleep`),
//! and a thread knows the runtime of its running code (`context`), so these files import each other. The rest
//! of the crate is either above them, or below and independent of them.

mod blocking;
mod context;
mod native;
mod runtime;
pub(crate) mod sleep;
mod spawner;
mod timer;

pub use self::blocking::{Blocking, BoxJob};
pub use self::context::{EnterGuard, ThreadContext, enter, enter_context};
pub(crate) use self::context::{
    enter_if_alive, entered, keeps_end, next_id, panicked, running_id, takes_real_time,
};
#[cfg(feature = "async-executor")]
pub(crate) use self::native::Owner;
pub(crate) use self::native::{BlockingKind, Kind};
pub use self::native::{Native, NativeBlocking};
pub use self::runtime::Runtime;
pub use self::sleep::{RawSleep, Sleep};
pub use self::spawner::{BoxFuture, FnSpawner, Spawner};
pub use self::timer::Timer;
