//! Functions that cannot be tests.
#![allow(unused_imports, reason = "those that would use them are gone")]

use std::sync::Arc;

use async_runtime_compat::prelude::*;

#[async_runtime_compat::test]
fn not_async(rt: Arc<dyn Runtime>) {}

#[async_runtime_compat::test]
async fn two_arguments(rt: Arc<dyn Runtime>, timer: Arc<dyn Timer>) {}

#[async_runtime_compat::test]
async fn reference(rt: &dyn Runtime) {}

#[async_runtime_compat::test]
async fn generic<R: Runtime>(rt: Arc<R>) {}

#[async_runtime_compat::test]
async fn generic_in_disguise(rt: Arc<dyn Runtime>, more: impl Send) {}

#[async_runtime_compat::test]
async fn generic_argument(rt: impl Runtime) {}

#[async_runtime_compat::test]
async fn bounded(rt: Arc<dyn Runtime>)
where
    u8: Copy,
{
}

#[async_runtime_compat::test]
async unsafe fn not_safe() {}

#[async_runtime_compat::test]
async extern "C" fn foreign() {}

#[async_runtime_compat::test]
#[test]
async fn test_twice() {}

#[async_runtime_compat::test]
#[async_runtime_compat::test]
async fn ours_twice() {}

#[async_runtime_compat::test]
#[should_panic]
async fn result_that_should_panic() -> Result<(), JoinError> {
    Ok(())
}

#[async_runtime_compat::test]
struct NoFunction;

struct Suite;

impl Suite {
    #[async_runtime_compat::test]
    async fn method(&self) {}
}

fn main() {}
