//! Futures and functions that may panic, made ones that do not.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use async_runtime_compat::{BoxFuture, BoxJob};

/// A task whose panics end at the task: those of its polls, which would unwind through the executor,
/// and those of its destructor, for which async-task aborts the process.
pub(crate) struct Contained(Option<BoxFuture<'static, ()>>);

impl Contained {
    pub(crate) fn new(future: BoxFuture<'static, ()>) -> Contained {
        Contained(Some(future))
    }

    fn clear(&mut self) {
        if let Some(future) = self.0.take() {
            forget_panic(catch_unwind(AssertUnwindSafe(|| drop(future))));
        }
    }
}

impl Future for Contained {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let unwound = Unwound(&mut self);
            let Some(future) = &mut unwound.0.0 else { return Poll::Ready(()) };
            let poll = future.as_mut().poll(cx);
            // It is for a poll that unwinds.
            mem::forget(unwound);
            poll
        }));
        match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => self.clear(),
            panicked @ Err(_) => forget_panic(panicked.map(|_| ())),
        }
        Poll::Ready(())
    }
}

/// Drops a future whose poll unwinds while it unwinds, as a local variable is.
struct Unwound<'a>(&'a mut Contained);

impl Drop for Unwound<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Calls the function; a panic in it goes no further.
pub(crate) fn run(job: BoxJob) {
    forget_panic(catch_unwind(AssertUnwindSafe(job)));
}

/// The panic hook has reported it. Its payload may panic when it is dropped, and is leaked then.
fn forget_panic(result: Result<(), Box<dyn Any + Send>>) {
    if let Err(Err(worse)) =
        result.map_err(|payload| catch_unwind(AssertUnwindSafe(|| drop(payload))))
    {
        mem::forget(worse);
    }
}
