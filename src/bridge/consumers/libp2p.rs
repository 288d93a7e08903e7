use std::sync::Arc;

use async_runtime_compat::prelude::*;

/// libp2p's connections, as tasks on a spawner of the caller's.
pub fn swarm_config(spawner: Arc<dyn Spawner>) -> libp2p_swarm::Config {
    libp2p_swarm::Config::with_executor(move |task| spawner.spawn_detached(task))
}
