//! Containing panics of user code.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

/// The payload of a caught panic.
pub(crate) type Payload = Box<dyn Any + Send + 'static>;

/// Drops a user's value. A panic in its destructor is caught.
pub(crate) fn discard<T>(value: T) {
    if !mem::needs_drop::<T>() {
        return;
    }
    if let Err(payload) = catch_unwind(AssertUnwindSafe(move || drop(value))) {
        // A payload may itself panic when it is dropped, and so may that payload: leak this one.
        mem::forget(payload);
    }
}

/// Calls user code without a result. A panic in it is caught.
pub(crate) fn contained(f: impl FnOnce()) {
    discard(catch_unwind(AssertUnwindSafe(f)));
}

/// Wakes a waker. A panic in it is caught.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contained(|| waker.wake());
    }
}

/// A payload that makes a report if no join ever returns it.
pub(crate) struct Unseen {
    payload: Option<Payload>,
    report: Option<Box<dyn FnOnce() + Send>>,
}

impl Unseen {
    pub(crate) fn watch(payload: Payload, report: Box<dyn FnOnce() + Send>) -> Payload {
        Box::new(Unseen { payload: Some(payload), report: Some(report) })
    }

    /// Takes the payload out, which counts as seen from now on.
    #[cold]
    pub(crate) fn take(payload: Payload) -> Payload {
        match payload.downcast::<Unseen>() {
            Ok(mut unseen) => {
                unseen.report = None;
                unseen.payload.take().expect("only this function takes it, and it takes `self`")
            }
            Err(payload) => payload,
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(report) = self.report.take() {
            report();
        }
    }
}

/// A user's function. If it is never called, dropping it cannot panic.
pub(crate) struct ContainedJob<F>(Option<F>);

impl<F> ContainedJob<F> {
    pub(crate) fn new(f: F) -> ContainedJob<F> {
        ContainedJob(Some(f))
    }

    /// Calls the function. A panic, in it or in the destructors of its captures, is returned as a value.
    pub(crate) fn run<T>(mut self) -> Result<T, Payload>
    where
        F: FnOnce() -> T,
    {
        let f = self.0.take().expect("only this function takes it, and it takes `self`");
        catch_unwind(AssertUnwindSafe(f))
    }
}

impl<F> Drop for ContainedJob<F> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

pin_project! {
    /// A future whose destructor cannot panic.
    ///
    /// async-task aborts the process when the destructor of a future panics.
    pub(crate) struct Contained<F> {
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Contained<F> {
        fn drop(this: Pin<&mut Self>) {
            // Checked here: a future that completed is gone.
            if mem::needs_drop::<F>() && this.future.is_some() {
                drop_contained(this);
            }
        }
    }
}

#[inline(never)]
fn drop_contained<F>(future: Pin<&mut Contained<F>>) {
    if let Err(payload) = future.clear() {
        discard(payload);
    }
}

impl<F> Contained<F> {
    #[inline]
    pub(crate) fn new(future: F) -> Contained<F> {
        Contained { future: Some(future) }
    }

    /// Drops the future, if it is still there.
    #[inline]
    pub(crate) fn clear(self: Pin<&mut Self>) -> Result<(), Payload> {
        let mut future = self.project().future;
        if !mem::needs_drop::<F>() {
            future.set(None);
            return Ok(());
        }
        if future.is_none() {
            return Ok(());
        }
        // Assigning through the pin leaves `None` behind even if the old future's drop unwinds.
        catch_unwind(AssertUnwindSafe(|| future.set(None)))
    }
}

/// Drops a future whose poll unwinds, inside of the `catch_unwind` around the poll. The future's destructor thus
/// sees [`panicking`](std::thread::panicking), as the destructor of a local variable does.
struct Unwound<'a, F> {
    future: Pin<&'a mut Option<F>>,
}

impl<F> Drop for Unwound<'_, F> {
    fn drop(&mut self) {
        if mem::needs_drop::<F>() {
            // A second panic that left this destructor would abort the process.
            contained(|| self.future.set(None));
        }
    }
}

/// A future whose destructor cannot panic, and whose panics can be returned as values.
pub(crate) trait PollCaught {
    type Output;

    /// Polls the future. A panic, in it or in its destructor, is returned as a value.
    ///
    /// When this is ready, the future has been dropped.
    fn poll_caught(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Output, Payload>>;

    /// Drops the future in place, if it is still there. A panic in its destructor is discarded.
    fn clear_caught(self: Pin<&mut Self>);
}

impl<F: Future> PollCaught for Contained<F> {
    type Output = F::Output;

    /// Polls the future, and drops it when it completes. A panic in its destructor is then a panic of the
    /// task, as on tokio. If the poll panics, the future is dropped while the panic unwinds.
    #[inline(always)]
    fn poll_caught(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Payload>> {
        let mut future = self.project().future;
        let mut output = None;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let mut unwound = Unwound { future: future.as_mut() };
            let Some(polled) = unwound.future.as_mut().as_pin_mut() else {
                polled_after_completion()
            };
            let poll = polled.poll(cx);
            // It is for a poll that unwinds.
            mem::forget(unwound);
            if let Poll::Ready(value) = poll {
                output = Some(value);
                if mem::needs_drop::<F>() {
                    // Assigning through the pin leaves `None` behind even if the old future's drop unwinds.
                    future.set(None);
                }
            }
        }));
        match (caught, output) {
            (Ok(()), None) => Poll::Pending,
            (Ok(()), Some(output)) => Poll::Ready(Ok(output)),
            (Err(payload), output) => Poll::Ready(Err(panicked(payload, output))),
        }
    }

    fn clear_caught(self: Pin<&mut Self>) {
        discard(self.clear());
    }
}

#[cold]
#[inline(never)]
fn panicked<T>(payload: Payload, output: Option<T>) -> Payload {
    discard(output);
    payload
}

#[cold]
#[inline(never)]
fn polled_after_completion() -> ! {
    panic!("a task was polled after it completed");
}
