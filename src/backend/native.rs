//! Which built-in backend a spawner or a pool is.

use std::fmt;
use std::marker::PhantomData;

#[cfg(feature = "async-executor")]
use super::async_executor;
use crate::blocking::Blocking;
use crate::hook::Layers;
use crate::spawner::Spawner;

/// Which backend a spawner is, as [`Spawner::native`] tells.
///
/// Nobody outside of this crate can make one that is not opaque, other than by forwarding to a
/// spawner of this crate.
#[derive(Clone, Copy)]
pub struct Native<'a>(pub(super) Kind<'a>);

#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Opaque(PhantomData<&'a ()>),
    #[cfg(feature = "tokio")]
    Tokio(&'a ::tokio::runtime::Handle),
    #[cfg(feature = "smol")]
    Smol,
    #[cfg(feature = "async-std")]
    AsyncStd,
    #[cfg(feature = "async-executor")]
    Executor(&'a async_executor::ExecutorSpawner),
    Hooked(&'a Layers<dyn Spawner>),
}

impl<'a> Native<'a> {
    pub(crate) fn opaque() -> Self {
        Native(Kind::Opaque(PhantomData))
    }

    pub(crate) fn hooked(layers: &'a Layers<dyn Spawner>) -> Self {
        Native(Kind::Hooked(layers))
    }

    pub(crate) fn layers(self) -> Option<&'a Layers<dyn Spawner>> {
        if let Kind::Hooked(layers) = self.0 { Some(layers) } else { None }
    }
}

impl fmt::Debug for Native<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}

/// Which built-in pool this is, as [`Blocking::native_blocking`] tells.
///
/// As with [`Native`], nobody outside of this crate can make one that is not opaque.
pub struct NativeBlocking<'a>(pub(super) BlockingKind<'a>);

#[derive(Clone, Copy)]
pub(super) enum BlockingKind<'a> {
    Opaque(PhantomData<&'a ()>),
    #[cfg(feature = "tokio")]
    Tokio(&'a ::tokio::runtime::Handle),
    /// That of the crate `blocking`.
    #[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
    Unblock,
    /// Whatever it was, it is gone.
    #[cfg(feature = "async-executor")]
    Gone,
    Hooked(&'a Layers<dyn Blocking>),
}

impl<'a> NativeBlocking<'a> {
    pub(crate) fn opaque() -> Self {
        NativeBlocking(BlockingKind::Opaque(PhantomData))
    }

    pub(crate) fn hooked(layers: &'a Layers<dyn Blocking>) -> Self {
        NativeBlocking(BlockingKind::Hooked(layers))
    }

    pub(crate) fn layers(self) -> Option<&'a Layers<dyn Blocking>> {
        if let BlockingKind::Hooked(layers) = self.0 { Some(layers) } else { None }
    }
}

impl fmt::Debug for NativeBlocking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeBlocking").finish_non_exhaustive()
    }
}
