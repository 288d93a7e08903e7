//! The seam: the traits that are injected, and the types that they are made of.
//!
//! A spawner says which built-in backend it is (`native`), a timer makes sleeps of that backend
//! (`sleep`), and a thread knows the runtime of the code that it runs (`context`): so these files
//! import each other. Everything else in the crate is above them, or below and knows none of them.

mod blocking;
mod context;
mod native;
mod runtime;
pub(crate) mod sleep;
mod spawner;
mod timer;

pub use self::blocking::{Blocking, BoxJob};
pub use self::context::{EnterGuard, ThreadContext, enter, enter_context};
pub(crate) use self::context::{enter_if_alive, entered, keeps_end, panicked, takes_real_time};
#[cfg(feature = "async-executor")]
pub(crate) use self::native::Owner;
pub(crate) use self::native::{BlockingKind, Kind};
pub use self::native::{Native, NativeBlocking};
pub use self::runtime::Runtime;
pub use self::sleep::{RawSleep, Sleep};
pub use self::spawner::{BoxFuture, FnSpawner, Spawner};
pub use self::timer::Timer;
