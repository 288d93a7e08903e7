//! A future that borrows from its caller.

use async_runtime_compat::prelude::*;

fn start(spawner: &dyn Spawner) {
    let text = String::from("borrowed");
    drop(spawner.spawn_with_handle(async { println!("{text}") }));
}

fn main() {}
