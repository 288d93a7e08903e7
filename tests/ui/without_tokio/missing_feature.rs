//! A backend whose feature is off.

use async_runtime_compat::tokio::TokioSpawner;

fn main() {
    let _ = TokioSpawner::current();
}
