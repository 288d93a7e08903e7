//! The programs with native handles.

#![cfg_attr(
    feature = "_async-task",
    expect(clippy::disallowed_methods, reason = "the native way is what is compared with")
)]

use std::future::Future;
use std::thread;

use futures_channel::oneshot;
use futures_lite::future::block_on;
use futures_util::future::{self, Aborted, abortable};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Alive, Large, Op, large, wait_until_gone, wait_until_pending};

/// What a program does with a native handle.
trait Handle: Sized {
    fn join(self) -> Large;
    /// Joins it through a set of several, as a `JoinGroup` is.
    fn collect(self) -> Large;
    fn wait_until_finished(&self) {}
    fn detach(self);
    fn abort(self);
}

/// Joins a handle through a set of futures.
fn next<F: Future>(handle: F) -> F::Output {
    let mut set = FuturesUnordered::from_iter([handle]);
    block_on(set.next()).unwrap()
}

/// The native handles have neither groups nor separate abort handles.
fn run<H: Handle>(op: Op, spawn: impl Fn(bool, Alive) -> H) {
    let alive = Alive::default();
    let task = spawn(op != Op::Abort, alive.clone());
    match op {
        Op::Join | Op::Shared | Op::TaskGroup => task.join().check(),
        Op::JoinGroup => task.collect().check(),
        Op::Finished => {
            task.wait_until_finished();
            task.join().check();
        }
        Op::Detached => {
            task.detach();
            wait_until_gone(&alive);
        }
        Op::Abort => {
            wait_until_pending(&alive);
            task.abort();
        }
    }
}

/// A channel for the output, which is what one writes by hand.
struct ByHand {
    output: oneshot::Receiver<Result<Large, Aborted>>,
    abort: future::AbortHandle,
}

impl Handle for ByHand {
    fn join(self) -> Large {
        block_on(self.output).unwrap().unwrap()
    }

    fn collect(self) -> Large {
        next(self.output).unwrap().unwrap()
    }

    fn detach(self) {
        drop(self);
    }

    fn abort(self) {
        self.abort.abort();
        assert!(block_on(self.output).unwrap().is_err());
    }
}

pub(super) fn own(op: Op) {
    run(op, |ends, alive| {
        let (future, abort) = abortable(large(ends, alive));
        let (send, output) = oneshot::channel();
        let task = Box::pin(async move { drop(send.send(future.await)) });
        thread::spawn(|| block_on(task));
        ByHand { output, abort }
    });
}

test_support::with_tokio! {
    use ::tokio::runtime::{Builder, Runtime};
    use ::tokio::task::{JoinHandle, JoinSet};

    impl Handle for JoinHandle<Large> {
        fn join(self) -> Large {
            block_on(self).unwrap()
        }

        fn collect(self) -> Large {
            next(self).unwrap()
        }

        fn wait_until_finished(&self) {
            while !self.is_finished() {
                thread::yield_now();
            }
        }

        fn detach(self) {
            drop(self);
        }

        fn abort(self) {
            JoinHandle::abort(&self);
            assert!(block_on(self).is_err());
        }
    }

    fn on_tokio(op: Op, runtime: &::tokio::runtime::Handle) {
        if op != Op::JoinGroup {
            return run(op, |ends, alive| runtime.spawn(large(ends, alive)));
        }
        let mut set = JoinSet::new();
        set.spawn_on(large(true, Alive::default()), runtime);
        block_on(set.join_next()).unwrap().unwrap().check();
    }

    pub(super) fn tokio(op: Op) {
        let runtime = Runtime::new().unwrap();
        on_tokio(op, runtime.handle());
    }

    pub(super) fn tokio_current_thread(op: Op) {
        let runtime = Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let driver = thread::spawn(move || runtime.block_on(stopped));
        on_tokio(op, &handle);
        drop(stop);
        drop(driver.join());
    }
}

/// The handle of smol and of async-executor, which is async-task's.
#[cfg(feature = "_async-task")]
impl Handle for ::async_task::Task<Large> {
    fn join(self) -> Large {
        block_on(self)
    }

    fn collect(self) -> Large {
        next(self)
    }

    fn wait_until_finished(&self) {
        while !self.is_finished() {
            thread::yield_now();
        }
    }

    fn detach(self) {
        self.detach();
    }

    fn abort(self) {
        assert!(block_on(self.cancel()).is_none());
    }
}

test_support::with_smol! {
    pub(super) fn smol(op: Op) {
        run(op, |ends, alive| ::smol::spawn(large(ends, alive)));
    }
}

test_support::with_async_executor! {
    pub(super) fn async_executor(op: Op) {
        let executor = std::sync::Arc::new(::async_executor::Executor::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let driver = thread::spawn({
            let executor = executor.clone();
            move || block_on(executor.run(stopped))
        });
        run(op, |ends, alive| executor.spawn(large(ends, alive)));
        drop(stop);
        drop(driver.join());
    }
}

test_support::with_async_std! {
    impl Handle for ::async_std::task::JoinHandle<Large> {
        fn join(self) -> Large {
            block_on(self)
        }

        fn collect(self) -> Large {
            next(self)
        }

        fn detach(self) {
            drop(self);
        }

        fn abort(self) {
            assert!(block_on(self.cancel()).is_none());
        }
    }

    pub(super) fn async_std(op: Op) {
        run(op, |ends, alive| ::async_std::task::spawn(large(ends, alive)));
    }
}
