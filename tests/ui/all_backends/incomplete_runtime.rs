//! A runtime that is put together without a timer.

use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, with_blocking};

fn run(_runtime: Arc<dyn Runtime>) {}

fn start(spawner: Box<dyn Spawner>) {
    run(Arc::new(with_blocking(spawner, BlockingPool::new())));
}

fn main() {
    let _ = start;
}
