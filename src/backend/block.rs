//! Blocking work on each backend.

use super::boxed_job;
use super::join::Join;
use super::large::is_large;
#[cfg(feature = "tokio")]
use super::tokio;
#[cfg(feature = "_async-task")]
use super::unblock;
#[cfg(feature = "async-executor")]
use crate::contain::discard;
use crate::layer::{Layers, Terms};
use crate::meta::SpawnMeta;
use crate::seam::{Blocking, BlockingKind, BoxJob};

/// Runs on the pool of that kind; the caller adds the hooks.
macro_rules! spawn_blocking_on {
    ($blocking:expr, $kind:expr, $meta:expr, $f:expr) => {{
        // Not every backend looks at it.
        let _ = $meta;
        match $kind {
            BlockingKind::Opaque(_) | BlockingKind::Layered(_) => {
                boxed_job::spawn($blocking, $meta, $f)
            }
            #[cfg(feature = "tokio")]
            BlockingKind::Tokio(handle) => tokio::spawn_blocking(handle, $f),
            #[cfg(feature = "_async-task")]
            BlockingKind::Unblock => unblock::spawn($f),
            #[cfg(feature = "async-executor")]
            BlockingKind::Gone => {
                discard($f);
                Join::refused()
            }
        }
    }};
}

/// Runs the unboxed function on a known pool, and a boxed one on any other pool.
pub(crate) fn spawn_blocking<B, F, T>(blocking: &B, meta: SpawnMeta<'_>, f: F) -> Join<T>
where
    B: Blocking + ?Sized,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    if const { is_large::<T>() } {
        return spawn_plain(blocking, meta, || Box::new(f())).into();
    }
    spawn_plain(blocking, meta, f)
}

fn spawn_plain<B, F, T>(blocking: &B, meta: SpawnMeta<'_>, f: F) -> Join<T>
where
    B: Blocking + ?Sized,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let kind = blocking.native_blocking().0;
    let BlockingKind::Layered(layers) = kind else {
        return spawn_blocking_on!(blocking, kind, meta, f);
    };
    let mut terms = Terms::default();
    let join = match layers.hooks(meta, &mut terms) {
        Ok(hooks) => {
            let base = layers.base();
            let meta = terms.apply(meta);
            spawn_blocking_on!(base, base.native_blocking().0, meta, hooks.job(f))
        }
        Err(refused) => {
            refused.discard(f);
            Join::refused()
        }
    };
    join.on_terms(terms)
}

/// Adds the hooks to a function and runs it on the pool underneath.
pub(crate) fn execute_layered(layers: &Layers<dyn Blocking>, meta: SpawnMeta<'_>, job: BoxJob) {
    let mut terms = Terms::default();
    match layers.hooks(meta, &mut terms) {
        Ok(hooks) => {
            let job = hooks.job(job);
            let job: BoxJob = Box::new(|| _ = job());
            layers.base().execute_with(terms.apply(meta), job);
        }
        Err(refused) => refused.discard(job),
    }
}
