//! Tests on smol's global executor.

use std::future::Future;
use std::sync::Arc;

use super::{Backend, as_current};
use crate::backend::smol::SmolSpawner;
use crate::seam::Runtime;

pub struct Smol;

impl Backend for Smol {
    fn block_on<F, Fut>(self, body: F) -> Fut::Output
    where
        F: FnOnce(Arc<dyn Runtime>) -> Fut,
        Fut: Future,
    {
        as_current(SmolSpawner, |runtime| ::smol::block_on(body(runtime)))
    }
}
