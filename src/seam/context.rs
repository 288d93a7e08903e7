//! The runtime and the executor of the code on a thread.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Runtime;
use crate::contain::{Payload, Unseen, discard};
use crate::error::message_of;
use crate::ids::TaskId;

/// Makes a runtime the [`current`](crate::current) runtime of this thread, until the guard is dropped.
///
/// This is for a custom executor: enter its runtime around the polls of its tasks, or once on each of its
/// threads, and [`current`](crate::current) finds it in every task. Guards nest, and the last one entered takes
/// precedence. A guard is not `Send`, so it cannot be held across an await of a task that may move to another
/// thread; to make tasks on any runtime find it, use [`Ambient`](crate::Ambient).
///
/// # Examples
///
/// An executor with a thread for each task, whose tasks find its runtime:
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
///     // Somewhere deep inside, such as in a destructor.
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

/// Reports events on this thread to its executor, until the guard is dropped.
///
/// This is for executors that need more than a current runtime. For instance, an executor with a virtual clock
/// learns when code on its thread uses real time. Contexts nest, and the last one entered gets the reports.
///
/// # Examples
///
/// An executor with a virtual clock notices that real time was used:
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

/// The interface of an executor to its thread; see [`enter_context`].
///
/// The methods are called on that thread, possibly while a task is polled. They must not panic.
pub trait ThreadContext: Send + Sync + 'static {
    /// Returns the runtime of the running code, for [`current`](crate::current).
    ///
    /// The context hides all runtimes that were entered before it. With `None`, the backends are searched.
    fn runtime(&self) -> Option<Arc<dyn Runtime>>;

    /// Called before code on this thread uses a real clock, timer or thread pool.
    ///
    /// `what` describes it, as in "a `BlockingPool`". The default does nothing.
    fn real_time(&self, what: &str) {
        let _ = what;
    }

    /// Called when a [contained](crate::SpawnMeta::is_contained) task panics in the current poll, with the
    /// panic's message if it is a string.
    ///
    /// The returned function, if any, is called if the payload is dropped without having been returned by a
    /// join. The default returns `None`.
    fn task_panicked(&self, message: Option<&str>) -> Option<Box<dyn FnOnce() + Send>> {
        let _ = message;
        None
    }

    /// Called when a [contained](crate::SpawnMeta::is_contained) task ends in the current poll; returns whether
    /// the end counts.
    ///
    /// With `false` its output is dropped and the task stays pending. The executor must then drop the task,
    /// and its join says [`is_shutdown`](crate::JoinError::is_shutdown). The default is `true`.
    ///
    /// Asked at the end of every task: it must be quick, and neither enter nor leave a runtime or a context.
    fn keeps_end(&self) -> bool {
        true
    }

    /// Returns the id of the running task, for [`task::try_id`](crate::task::try_id).
    ///
    /// With `None`, the default, it is the id of the innermost [`scope`](TaskId::scope) on this thread.
    fn task_id(&self) -> Option<TaskId> {
        None
    }

    /// Returns the id for a task that [`Identified`](crate::decorate::Identified) is about to spawn on this thread.
    ///
    /// An executor that runs the same way each time gives ids of its own here: those of the process differ from run
    /// to run. The id comes back in the task's [metadata](crate::SpawnMeta::id), unless another decorator refuses
    /// the task. With `None`, the default, it is [`TaskId::next`].
    fn next_task_id(&self) -> Option<TaskId> {
        None
    }
}

/// Leaves a runtime or a context when it is dropped; returned by [`enter`] and [`enter_context`].
///
/// Guards may be dropped in any order.
#[must_use = "dropping the guard leaves the runtime or the context"]
pub struct EnterGuard {
    key: u64,
    /// Not `Send`: the guard belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").finish_non_exhaustive()
    }
}

enum Entered {
    /// `None` hides the outer runtimes, for an `Ambient` that is being dropped.
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
    /// The number of contexts on the stack. It is read often and nearly always 0, so it is a variable of its
    /// own, without a destructor: reading it takes one instruction.
    static CONTEXTS: Cell<usize> = const { Cell::new(0) };
}

/// Enters a runtime; `None` hides the outer ones.
pub(crate) fn enter_if_alive(runtime: Option<Arc<dyn Runtime>>) -> EnterGuard {
    push(Entered::Runtime(runtime))
}

// On a thread that is being torn down the stack may be gone; the guard then leaves nothing.
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
        // Drop after the borrow: a destructor may look for the current runtime.
        discard(left);
    }
}

/// The runtime that was entered on this thread, if any.
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

/// The id of the running task, if the thread's context knows it.
pub(crate) fn running_id() -> Option<TaskId> {
    context()?.task_id()
}

/// An id for a task that is being spawned.
pub(crate) fn next_id() -> TaskId {
    context().and_then(|context| context.next_task_id()).unwrap_or_else(TaskId::next)
}

/// Reports a use of real time to the thread's context.
#[inline]
pub(crate) fn takes_real_time(what: &str) {
    if let Some(context) = context() {
        context.real_time(what);
    }
}

/// Reports a task's panic to the thread's context, and a second time if no join returns the payload.
#[cold]
pub(crate) fn panicked(payload: Payload) -> Payload {
    let Some(context) = context() else { return payload };
    match context.task_panicked(message_of(&*payload).as_deref()) {
        Some(report) => Unseen::watch(payload, report),
        None => payload,
    }
}

/// Whether the end of the task that is being polled counts.
#[inline]
pub(crate) fn keeps_end() -> bool {
    CONTEXTS.get() == 0 || asks_context()
}

/// Every task of an executor with a context comes here once. So the context is asked where it is: cloning
/// its `Arc` would cost more than the rest.
fn asks_context() -> bool {
    let asked = STACK.try_with(|stack| {
        let stack = stack.borrow();
        let innermost = stack.entered.iter().rev().find_map(|(_, entered)| match entered {
            Entered::Context(context) => Some(context),
            Entered::Runtime(_) => None,
        });
        innermost.is_none_or(|context| context.keeps_end())
    });
    asked.unwrap_or(true)
}
