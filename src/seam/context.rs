//! The runtime and the executor that code on a thread belongs to.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Runtime;
use crate::contain::{Payload, Unseen, discard};
use crate::error::message_of;

/// Makes a runtime the [`current`](crate::current) one of this thread, until the guard is dropped.
///
/// It is for an executor of one's own: enter its runtime around the polls of its tasks, or once for
/// each of its threads, and [`current`](crate::current) finds it in every task. Guards nest; the one
/// entered last counts. A guard cannot be sent to another thread, so do not hold it across an await
/// of a task that may move: for tasks of any runtime there is [`Ambient`](crate::Ambient).
///
/// # Examples
///
/// An executor with a thread for each task, which its tasks find:
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::{
///     BlockingPool, BoxFuture, current, runtime, with_blocking, with_timer,
/// };
///
/// #[derive(Clone)]
/// struct Threads;
///
/// impl Threads {
///     fn runtime() -> Arc<dyn Runtime> {
///         Arc::new(with_blocking(with_timer(Threads, SmolSpawner), BlockingPool::new()))
///     }
/// }
///
/// impl Spawner for Threads {
///     fn spawn(&self, task: BoxFuture<'static, ()>) {
///         std::thread::spawn(|| {
///             let _entered = runtime::enter(Threads::runtime());
///             futures_lite::future::block_on(task);
///         });
///     }
/// }
///
/// let task = Threads.spawn_with_handle(async {
///     // Somewhere deep inside, in a destructor perhaps.
///     current()?.spawn_detached(async {});
///     Ok::<(), async_runtime_compat::NoRuntime>(())
/// });
/// futures_lite::future::block_on(task)??;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the runtime is current until the guard is dropped"]
pub fn enter(runtime: Arc<dyn Runtime>) -> EnterGuard {
    push(Entered::Runtime(Some(runtime)))
}

/// Tells the executor of this thread about the code that runs on it, until the guard is dropped.
///
/// It is for executors that must know more of their thread than its current runtime, such as one
/// with a virtual clock: it learns when code on its thread turns to real time. Contexts nest; the one
/// entered last is told.
///
/// # Examples
///
/// An executor with a virtual clock that finds out that something took real time:
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::runtime::{self, ThreadContext};
/// use async_runtime_compat::{BlockingPool, Runtime};
///
/// #[derive(Default)]
/// struct Virtual {
///     cheated: AtomicBool,
/// }
///
/// impl ThreadContext for Virtual {
///     fn runtime(&self) -> Option<Arc<dyn Runtime>> {
///         None
///     }
///
///     fn real_time(&self, what: &str) {
///         eprintln!("{what} was used under a virtual clock");
///         self.cheated.store(true, Ordering::Relaxed);
///     }
/// }
///
/// let context = Arc::new(Virtual::default());
/// let entered = runtime::enter_context(context.clone());
/// BlockingPool::new().spawn_blocking(|| ()).detach();
/// drop(entered);
/// assert!(context.cheated.load(Ordering::Relaxed));
/// ```
#[must_use = "the context is entered until the guard is dropped"]
pub fn enter_context(context: Arc<dyn ThreadContext>) -> EnterGuard {
    push(Entered::Context(context))
}

/// An executor's view of its thread; see [`enter_context`].
///
/// The methods are called on that thread, possibly while a task is polled. They must not panic.
pub trait ThreadContext: Send + Sync + 'static {
    /// The runtime of the code that runs now: what [`current`](crate::current) finds.
    ///
    /// The context hides whatever was entered before it. `None` leaves the search to the backends.
    fn runtime(&self) -> Option<Arc<dyn Runtime>>;

    /// Something on this thread is about to use a clock, a timer or a pool of real threads.
    ///
    /// `what` says which, as in "a sleep of tokio's". The default ignores it.
    fn real_time(&self, what: &str) {
        let _ = what;
    }

    /// A [contained](crate::SpawnMeta::is_contained) task panicked in the present poll, with this
    /// message if the payload is a string.
    ///
    /// The function that is returned, if any, is called if the panic is dropped without ever having
    /// been handed to a join. The default returns none.
    fn task_panicked(&self, message: Option<&str>) -> Option<Box<dyn FnOnce() + Send>> {
        let _ = message;
        None
    }

    /// Whether a [contained](crate::SpawnMeta::is_contained) task that ends in the present poll may
    /// have that end.
    ///
    /// With `false` its output is dropped and the task stays pending. The executor is to drop it,
    /// and its join says [`is_shutdown`](crate::JoinError::is_shutdown) then. The default is `true`.
    fn keeps_end(&self) -> bool {
        true
    }
}

/// Leaves a runtime or a context when it is dropped; made by [`enter`] and [`enter_context`].
///
/// Guards may be dropped in any order.
#[must_use = "dropping the guard leaves what was entered"]
pub struct EnterGuard {
    key: u64,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").finish_non_exhaustive()
    }
}

enum Entered {
    /// `None` is for one that is being dropped, which nobody is to find.
    Runtime(Option<Arc<dyn Runtime>>),
    Context(Arc<dyn ThreadContext>),
}

#[derive(Default)]
struct Stack {
    entered: Vec<(u64, Entered)>,
    next: u64,
}

thread_local! {
    static STACK: RefCell<Stack> = const { RefCell::new(Stack { entered: Vec::new(), next: 0 }) };
    /// How many contexts are on the stack. By itself, because it is asked often, and nearly always 0:
    /// it has no destructor, so that reading it is one instruction.
    static CONTEXTS: Cell<usize> = const { Cell::new(0) };
}

/// Enters a runtime, or hides the one around if there is none.
pub(crate) fn enter_if_alive(runtime: Option<Arc<dyn Runtime>>) -> EnterGuard {
    push(Entered::Runtime(runtime))
}

// On a thread that is being torn down the variable may be gone. It is for the guard then, too.
fn push(entered: Entered) -> EnterGuard {
    if matches!(entered, Entered::Context(_)) {
        CONTEXTS.set(CONTEXTS.get() + 1);
    }
    let key = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let key = stack.next;
        stack.next += 1;
        stack.entered.push((key, entered));
        key
    });
    EnterGuard { key: key.unwrap_or(u64::MAX), thread: PhantomData }
}

impl Drop for EnterGuard {
    #[inline]
    fn drop(&mut self) {
        let left = STACK.try_with(|stack| {
            let mut stack = stack.borrow_mut();
            let at = stack.entered.iter().rposition(|(key, _)| *key == self.key)?;
            Some(stack.entered.remove(at).1)
        });
        if let Ok(Some(Entered::Context(_))) = left {
            CONTEXTS.set(CONTEXTS.get() - 1);
        }
        // Not while the variable is borrowed: a destructor may ask for the current runtime.
        discard(left);
    }
}

/// The runtime of the code that runs on this thread, as far as one was entered.
pub(crate) fn entered() -> Option<Arc<dyn Runtime>> {
    let innermost = STACK.try_with(|stack| {
        let stack = stack.borrow();
        stack.entered.iter().rev().find_map(|(_, entered)| match entered {
            Entered::Runtime(runtime) => runtime.clone().map(Ok),
            Entered::Context(context) => Some(Err(context.clone())),
        })
    });
    // The context is asked outside of the borrow.
    innermost.ok()??.map_or_else(|context| context.runtime(), Some)
}

/// The innermost context of this thread.
#[inline]
fn context() -> Option<Arc<dyn ThreadContext>> {
    if CONTEXTS.get() == 0 { None } else { find_context() }
}

#[cold]
fn find_context() -> Option<Arc<dyn ThreadContext>> {
    let found = STACK.try_with(|stack| {
        let stack = stack.borrow();
        stack.entered.iter().rev().find_map(|(_, entered)| match entered {
            Entered::Context(context) => Some(context.clone()),
            Entered::Runtime(_) => None,
        })
    });
    found.ok().flatten()
}

/// Says that something is used which takes real time.
#[inline]
pub(crate) fn takes_real_time(what: &str) {
    if let Some(context) = context() {
        context.real_time(what);
    }
}

/// A task has panicked: the executor is told, and told again if nobody sees the payload.
#[cold]
pub(crate) fn panicked(payload: Payload) -> Payload {
    let Some(context) = context() else { return payload };
    match context.task_panicked(message_of(&*payload).as_deref()) {
        Some(report) => Unseen::watch(payload, report),
        None => payload,
    }
}

/// Whether the task that is polled may end.
#[inline]
pub(crate) fn keeps_end() -> bool {
    context().is_none_or(|context| context.keeps_end())
}
