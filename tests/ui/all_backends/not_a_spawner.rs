//! Something that is no spawner where one is asked for.

use std::sync::Arc;

use async_runtime_compat::prelude::*;

struct Server;

impl Server {
    fn new(_spawner: Arc<dyn Spawner>) -> Server {
        Server
    }
}

struct Pool;

fn main() {
    Server::new(Arc::new(Pool));
}
