//! Tests on a tokio runtime of their own.

use std::future::Future;
use std::sync::Arc;

use super::{Backend, as_current};
use crate::backend::tokio::TokioSpawner;
use crate::seam::Runtime;

pub use ::tokio::runtime::Builder as TokioBuilder;

/// A function that creates the runtime's builder.
pub struct Tokio<F>(pub F);

impl<F: FnOnce() -> TokioBuilder> Backend for Tokio<F> {
    fn block_on<B, Fut>(self, body: B) -> Fut::Output
    where
        B: FnOnce(Arc<dyn Runtime>) -> Fut,
        Fut: Future,
    {
        let tokio = (self.0)().enable_all().build();
        let tokio = tokio.unwrap_or_else(|error| panic!("cannot start a tokio runtime: {error}"));
        let spawner = TokioSpawner::new(tokio.handle().clone());
        as_current(spawner, |runtime| tokio.block_on(body(runtime)))
    }
}

/// Stands in for the builder's methods that tokio has behind features. Inherent methods take precedence,
/// so these are found only where tokio lacks them, and their bounds then explain the missing feature.
pub trait TokioFeatures: Sized {
    #[must_use]
    fn new_multi_thread() -> TokioBuilder
    where
        Self: HasRtMultiThread,
    {
        unreachable!("no type implements `HasRtMultiThread`")
    }

    fn start_paused(&mut self, _: bool) -> &mut Self
    where
        Self: HasTestUtil,
    {
        self
    }
}

impl TokioFeatures for TokioBuilder {}

#[diagnostic::on_unimplemented(
    message = "several threads require tokio's feature `rt-multi-thread`, which is not enabled",
    label = "needs `rt-multi-thread`",
    note = "add `tokio = {{ version = \"1\", features = [\"rt-multi-thread\"] }}` to the `dev-dependencies`"
)]
pub trait HasRtMultiThread {}

#[diagnostic::on_unimplemented(
    message = "a paused clock requires tokio's feature `test-util`, which is not enabled",
    label = "needs `test-util`",
    note = "add `tokio = {{ version = \"1\", features = [\"test-util\"] }}` to the `dev-dependencies`"
)]
pub trait HasTestUtil {}
