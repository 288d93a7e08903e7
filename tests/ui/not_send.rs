//! A future that is not `Send`.

use std::rc::Rc;

use async_runtime_compat::prelude::*;

fn start(spawner: &dyn Spawner) {
    let local = Rc::new(7);
    spawner.spawn_detached(async move {
        async_runtime_compat::yield_now().await;
        println!("{local}");
    });
}

fn main() {}
