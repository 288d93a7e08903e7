use std::sync::Arc;

use async_runtime_compat::prelude::*;

/// Runs libp2p's connections as tasks on the given spawner.
pub fn swarm_config(spawner: Arc<dyn Spawner>) -> libp2p_swarm::Config {
    libp2p_swarm::Config::with_executor(move |task| spawner.spawn_detached(task))
}
