//! Which built-in backend a spawner or a pool is.

use std::fmt;
use std::marker::PhantomData;
#[cfg(feature = "async-executor")]
use std::sync::Weak;

#[cfg(feature = "async-executor")]
use ::async_executor::Executor;

use super::{Blocking, Spawner};
use crate::layer::Layers;

/// The backend of a spawner, returned by [`Spawner::native`].
///
/// Outside this crate only an opaque one can be created, except by forwarding to a spawner of this crate.
#[derive(Clone, Copy)]
pub struct Native<'a>(pub(crate) Kind<'a>);

#[derive(Clone, Copy)]
pub(crate) enum Kind<'a> {
    Opaque(PhantomData<&'a ()>),
    #[cfg(feature = "tokio")]
    Tokio(&'a ::tokio::runtime::Handle),
    #[cfg(feature = "smol")]
    Smol,
    #[cfg(feature = "async-std")]
    AsyncStd,
    #[cfg(feature = "async-executor")]
    Executor(&'a Owner),
    Layered(&'a Layers<dyn Spawner>),
}

/// The owner of an executor that the caller drives.
#[cfg(feature = "async-executor")]
#[derive(Clone)]
pub(crate) enum Owner {
    Caller(Weak<Executor<'static>>),
    Static(&'static Executor<'static>),
}

impl<'a> Native<'a> {
    pub(crate) fn opaque() -> Self {
        Native(Kind::Opaque(PhantomData))
    }

    pub(crate) fn layered(layers: &'a Layers<dyn Spawner>) -> Self {
        Native(Kind::Layered(layers))
    }

    pub(crate) fn layers(self) -> Option<&'a Layers<dyn Spawner>> {
        if let Kind::Layered(layers) = self.0 { Some(layers) } else { None }
    }
}

impl fmt::Debug for Native<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}

/// The backend of a pool, returned by [`Blocking::native_blocking`].
///
/// As with [`Native`], only an opaque one can be created outside this crate.
pub struct NativeBlocking<'a>(pub(crate) BlockingKind<'a>);

#[derive(Clone, Copy)]
pub(crate) enum BlockingKind<'a> {
    Opaque(PhantomData<&'a ()>),
    #[cfg(feature = "tokio")]
    Tokio(&'a ::tokio::runtime::Handle),
    /// The pool of the crate `blocking`.
    #[cfg(feature = "_async-task")]
    Unblock,
    /// The executor was dropped.
    #[cfg(feature = "async-executor")]
    Gone,
    Layered(&'a Layers<dyn Blocking>),
}

impl<'a> NativeBlocking<'a> {
    pub(crate) fn opaque() -> Self {
        NativeBlocking(BlockingKind::Opaque(PhantomData))
    }

    pub(crate) fn layered(layers: &'a Layers<dyn Blocking>) -> Self {
        NativeBlocking(BlockingKind::Layered(layers))
    }

    pub(crate) fn layers(self) -> Option<&'a Layers<dyn Blocking>> {
        if let BlockingKind::Layered(layers) = self.0 { Some(layers) } else { None }
    }
}

impl fmt::Debug for NativeBlocking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeBlocking").finish_non_exhaustive()
    }
}
