//! Tasks that know their runtime.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};

use super::{Runtime, forward};
use crate::backend::{Hooked, SpawnHook, TaskHook, discard};
use crate::blocking::Blocking;
use crate::spawner::Spawner;

/// A runtime whose tasks find it by [`current`](crate::current).
///
/// It is for code that spawns in places which nothing can be passed to: the destructor of a type
/// that somebody else constructs, a callback, a library that is still to be ported. Whatever is
/// spawned through it, at whatever depth, has it as its current runtime: while the task is polled,
/// while its future is dropped, and in functions on the threads for work that blocks.
///
/// Only the tasks that are spawned through it pay: each poll sets and restores a thread-local
/// variable, and each task holds a reference to the runtime, as one would that was passed an
/// `Arc<dyn Runtime>`. A built-in backend is reached as directly as without, and there is no box, unless
/// the future has more than 16 KiB.
///
/// Where several decorators are put around each other, the outermost is current.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::tokio::TokioSpawner;
/// use async_runtime_compat::{Ambient, current};
///
/// /// Says goodbye, wherever it is dropped.
/// struct Session;
///
/// impl Drop for Session {
///     fn drop(&mut self) {
///         if let Ok(runtime) = current() {
///             runtime.spawn_detached(async { /* goodbye */ });
///         }
///     }
/// }
///
/// # let tokio = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
/// # let handle = tokio.handle().clone();
/// let runtime: Arc<dyn Runtime> = Ambient::new(TokioSpawner::new(handle));
/// let session = runtime.spawn_with_handle(async { drop(Session) });
/// # tokio.block_on(session).unwrap();
/// # }
/// ```
pub struct Ambient {
    runtime: Arc<dyn Runtime>,
    spawner: Hooked<dyn Spawner>,
    blocking: Hooked<dyn Blocking>,
    this: Weak<Ambient>,
}

impl Ambient {
    /// Makes the runtime one that its tasks find.
    ///
    /// Put it around what the program is to use, once, in `main`, and pass on the result. A task
    /// that is spawned past it does not find it.
    #[must_use]
    pub fn new(runtime: impl Runtime + 'static) -> Arc<Ambient> {
        let runtime: Arc<dyn Runtime> = Arc::new(runtime);
        Arc::new_cyclic(|this: &Weak<Ambient>| Ambient {
            spawner: Hooked::spawner(runtime.clone(), enter(this)),
            blocking: Hooked::blocking(runtime.clone(), enter(this)),
            runtime,
            this: this.clone(),
        })
    }

    /// Calls a function in which this is the [`current`](crate::current) runtime, on this thread.
    ///
    /// It is for what is not spawned: `ambient.in_scope(|| block_on(run()))` in `main`. Of a
    /// function that returns a future it is not the future's runtime, once the function is over.
    ///
    /// # Panics
    ///
    /// If the function does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use async_runtime_compat::smol::SmolSpawner;
    /// use async_runtime_compat::{Ambient, current};
    ///
    /// let ambient = Ambient::new(SmolSpawner);
    /// assert!(ambient.in_scope(|| smol::block_on(async { current().is_ok() })));
    /// # }
    /// ```
    pub fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
        struct Exit;

        impl Drop for Exit {
            fn drop(&mut self) {
                Ambient::exit();
            }
        }

        self.enter();
        let _exit = Exit;
        f()
    }
}

thread_local! {
    /// The runtimes of the tasks that are polled on this thread, one inside of the other.
    ///
    /// `None` is for one that is being dropped, which nobody shall find.
    static ENTERED: RefCell<Vec<Option<Arc<dyn Runtime>>>> = const { RefCell::new(Vec::new()) };
}

/// The runtime of the task that is polled on this thread.
pub(super) fn entered() -> Option<Arc<dyn Runtime>> {
    ENTERED.try_with(|entered| entered.borrow().last().cloned()).ok()??
}

// On a thread that is being torn down the variable may be gone. It is for `exit` then, too.
impl Ambient {
    fn enter(&self) {
        let this = self.this.upgrade().map(|this| this as Arc<dyn Runtime>);
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(this));
    }

    fn exit() {
        let left = ENTERED.try_with(|entered| entered.borrow_mut().pop());
        // Not while the variable is borrowed: a destructor may ask for the current runtime.
        discard(left);
    }
}

impl TaskHook for Ambient {
    fn scope(&self, f: &mut dyn FnMut()) {
        self.enter();
        f();
        Ambient::exit();
    }
}

/// Calls a function in which no such runtime is entered, other than by the function.
#[cfg(feature = "sim")]
pub(crate) fn hiding<T>(f: impl FnOnce() -> T) -> T {
    struct Restore(Vec<Option<Arc<dyn Runtime>>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            let entered = std::mem::take(&mut self.0);
            let _ = ENTERED.try_with(|hidden| hidden.replace(entered));
        }
    }

    let hidden = ENTERED.try_with(RefCell::take).unwrap_or_default();
    let _restore = Restore(hidden);
    f()
}

/// Does not own the runtime, which owns this.
fn enter(ambient: &Weak<Ambient>) -> SpawnHook {
    let ambient = ambient.clone();
    SpawnHook::Add(Arc::new(move |_| ambient.upgrade().map(|ambient| ambient as Arc<dyn TaskHook>)))
}

forward!(Spawner, spawner: impl<> Ambient);
forward!(Timer, runtime: impl<> Ambient);
forward!(Blocking, blocking: impl<> Ambient);

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient").finish_non_exhaustive()
    }
}
