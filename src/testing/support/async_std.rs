//! Tests on async-std's global executor.

use std::future::Future;
use std::sync::Arc;

use super::{Backend, as_current};
use crate::backend::async_std::AsyncStdSpawner;
use crate::seam::Runtime;

pub struct AsyncStd;

impl Backend for AsyncStd {
    fn block_on<F, Fut>(self, body: F) -> Fut::Output
    where
        F: FnOnce(Arc<dyn Runtime>) -> Fut,
        Fut: Future,
    {
        as_current(AsyncStdSpawner, |runtime| ::async_std::task::block_on(body(runtime)))
    }
}
