//! Native handles of the size of ours, to tell what the size alone costs.

use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_runtime_compat::JoinHandle;

use crate::way::{JoinWay, Way};

/// How many bytes a native handle lacks to be as large as a [`JoinHandle`].
#[must_use]
pub const fn padding<H>() -> usize {
    size_of::<JoinHandle<()>>() - size_of::<H>()
}

/// A native way whose handles have `N` bytes more.
#[derive(Clone)]
pub struct Padded<W, const N: usize>(pub W);

/// A handle with `N` bytes that nobody reads, and that are moved with it.
pub struct PaddedHandle<H, const N: usize> {
    handle: H,
    _room: [MaybeUninit<u8>; N],
}

impl<H: Future + Unpin, const N: usize> Future for PaddedHandle<H, N> {
    type Output = H::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<H::Output> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

impl<W: Way, const N: usize> Way for Padded<W, N> {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn_detached(future);
    }
}

impl<W: JoinWay, const N: usize> JoinWay for Padded<W, N> {
    type Handle<T: Send + 'static> = PaddedHandle<W::Handle<T>, N>;
    type End<T: Send + 'static> = W::End<T>;

    #[inline]
    fn spawn<F>(&self, future: F) -> Self::Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        PaddedHandle { handle: self.0.spawn(future), _room: [MaybeUninit::uninit(); N] }
    }

    #[inline]
    fn output<T: Send + 'static>(end: Self::End<T>) -> T {
        W::output(end)
    }
}
