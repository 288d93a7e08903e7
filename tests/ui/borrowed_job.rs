use async_runtime_compat::prelude::*;

fn main() {
    let pool = async_runtime_compat::BlockingPool::new();
    let text = String::from("borrowed");
    let length = pool.spawn_blocking(|| text.len());
    drop(length);
}
