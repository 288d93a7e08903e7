//! The context of a running service.

use std::fmt;
use std::sync::Arc;

use crate::{CancelToken, GroupSpawner, Runtime, TaskGroup, Timer};

/// The context of a service: a runtime of its own, and the token that requests its stop.
///
/// Each run of the service has one, from its start to its end, and so has each question whether it is set up, whose
/// token ends that question alone. Clones share it, and dropping them does nothing.
#[derive(Clone)]
pub struct ServiceContext {
    name: Arc<str>,
    runtime: Arc<dyn Runtime>,
    spawner: GroupSpawner,
    token: CancelToken,
}

impl ServiceContext {
    pub(super) fn new(
        name: Arc<str>,
        runtime: &Arc<dyn Runtime>,
        group: &TaskGroup,
    ) -> ServiceContext {
        let runtime = group.runtime(runtime.clone());
        ServiceContext { name, runtime, spawner: group.spawner(), token: group.cancel_token() }
    }

    /// The runtime of this run of the service, with its timer.
    ///
    /// Tasks spawned on it, at any depth, and its blocking work belong to this run: they are gone
    /// when the service has stopped or failed. So pass it on to the parts of the service. Once the
    /// run has ended, it refuses further tasks.
    #[must_use]
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        self.runtime.clone()
    }

    /// A spawner into this run of the service, like the [runtime](ServiceContext::runtime).
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.spawner.clone()
    }

    /// The timer of the runtime.
    #[must_use]
    pub fn timer(&self) -> Arc<dyn Timer> {
        self.runtime.clone()
    }

    /// The token that requests the stop of the service.
    ///
    /// The service stops when it is cancelled, by whomever. If the wrapper's runtime spawns into a
    /// group, it is a child of that group's token.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.token.clone()
    }

    /// The name of the service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for ServiceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceContext")
            .field("name", &self.name)
            .field("is_cancelled", &self.token.is_cancelled())
            .finish_non_exhaustive()
    }
}
