//! Cases from the test suites of other projects, on each backend. `docs/ported.md` lists them.

mod async_task_cancel;
mod cancellation_token;
mod counted;
mod join_map;
mod join_queue;
mod join_set;
mod stepped;
mod task_abort;
mod task_tracker;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use async_channel::{Receiver, Sender, bounded};

/// A gate at which a task waits. Dropping the sender opens it.
fn gate() -> (Sender<()>, Receiver<()>) {
    bounded(1)
}

/// A waker, and a channel that gets a message for each time that it is woken.
fn signal() -> (Waker, Receiver<()>) {
    struct Signal(Sender<()>);

    impl Wake for Signal {
        fn wake(self: Arc<Self>) {
            self.0.try_send(()).expect("the channel is unbounded, and the receiver is there");
        }
    }

    let (sender, receiver) = async_channel::unbounded();
    (Waker::from(Arc::new(Signal(sender))), receiver)
}

/// Polls a future once.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits until all clones of the sender have been dropped.
async fn all_dropped<T>(owned: Receiver<T>) {
    assert!(owned.recv().await.is_err(), "nothing is sent");
}

/// A task that gives its number when the gate is open.
async fn after<T>(gate: Receiver<()>, number: T) -> T {
    let _ = gate.recv().await;
    number
}

/// Shuts a runtime down.
#[cfg(any(feature = "tokio", feature = "async-executor"))]
type Shutdown = Box<dyn FnOnce()>;

/// Spawns onto a runtime that is then shut down; the set, and what its task is to say.
#[cfg(any(feature = "tokio", feature = "async-executor"))]
fn runtimes_that_end() -> Vec<(Arc<dyn async_runtime_compat::Spawner>, Shutdown)> {
    vec![
        #[cfg(feature = "tokio")]
        {
            let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let handle = tokio.handle().clone();
            let spawner = Arc::new(async_runtime_compat::tokio::TokioSpawner::new(handle));
            (spawner as Arc<dyn async_runtime_compat::Spawner>, Box::new(move || drop(tokio)) as _)
        },
        #[cfg(feature = "async-executor")]
        {
            use async_runtime_compat::async_executor::ExecutorSpawner;
            let executor = Arc::new(async_executor::Executor::new());
            let spawner = Arc::new(ExecutorSpawner::new(executor.clone()));
            (
                spawner as Arc<dyn async_runtime_compat::Spawner>,
                Box::new(move || drop(executor)) as _,
            )
        },
    ]
}

/// Lets the other tasks of a runtime with one thread run to their end.
#[cfg(feature = "tokio")]
async fn others_have_run(tasks: usize) {
    for _ in 0..tasks {
        async_runtime_compat::yield_now().await;
    }
}

/// Runs a future in a task of a tokio runtime with one thread, where each poll has a budget.
#[cfg(feature = "tokio")]
fn in_tokio_task<F: Future<Output = ()>>(
    test: impl FnOnce(Arc<dyn async_runtime_compat::Runtime>) -> F,
) {
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tokio.block_on(async {
        test(Arc::new(async_runtime_compat::tokio::TokioSpawner::current().unwrap())).await;
    });
}
