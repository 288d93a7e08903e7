//! What a service is given.

use std::fmt;
use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::group::{GroupSpawner, Scope, TaskGroup};
use crate::seam::Runtime;
use crate::seam::Timer;

/// What a service is given: a runtime of its own, and the token that tells it to stop.
///
/// There is one for each run of the service, from its start to its end. Clones are the same one,
/// and dropping them does nothing.
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
        let runtime = Arc::new(Scope::new(runtime.clone(), group));
        ServiceContext { name, runtime, spawner: group.spawner(), token: group.cancel_token() }
    }

    /// The runtime to spawn on, and to tell the time by.
    ///
    /// What is spawned on it, at whatever depth, and work that blocks belong to this run of the
    /// service: they are gone when the service has stopped or failed. So hand it on to whatever the
    /// service is made of. It takes nothing any more once the run has ended.
    #[must_use]
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        self.runtime.clone()
    }

    /// A spawner into this run of the service, as the [runtime](ServiceContext::runtime) is.
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.spawner.clone()
    }

    /// The timer of the runtime.
    #[must_use]
    pub fn timer(&self) -> Arc<dyn Timer> {
        self.runtime.clone()
    }

    /// What tells the service to stop.
    ///
    /// When it is cancelled, by whomever, the service stops. It is a child of that of the group, if
    /// the wrapper's runtime spawns into one.
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
