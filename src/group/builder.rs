//! Configuring a group.

use std::fmt;
use std::sync::Arc;

use super::{GroupSpawner, Owner, TaskGroup};
use crate::backend;
use crate::cancel::CancelToken;
use crate::layer::{Clock, Layer, Members};
use crate::seam::{Spawner, Timer};

/// Configures a [`TaskGroup`]; see [`TaskGroup::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TaskGroupBuilder {
    spawner: Arc<dyn Spawner>,
    timer: Option<Arc<dyn Timer>>,
    token: Option<CancelToken>,
}

impl TaskGroupBuilder {
    pub(super) fn new(spawner: Arc<dyn Spawner>) -> TaskGroupBuilder {
        TaskGroupBuilder { spawner, timer: None, token: None }
    }

    /// Sets the clock for the ages of tasks.
    ///
    /// It is read at each spawn. With the runtime's timer, ages are in virtual time in a simulation and on
    /// tokio's paused clock.
    pub fn timer(self, timer: Arc<dyn Timer>) -> TaskGroupBuilder {
        TaskGroupBuilder { timer: Some(timer), ..self }
    }

    /// Sets the parent of the group's token.
    ///
    /// The default is the token of the enclosing group, if there is one.
    pub fn token(self, token: CancelToken) -> TaskGroupBuilder {
        TaskGroupBuilder { token: Some(token), ..self }
    }

    /// Builds the group.
    #[must_use]
    pub fn build(self) -> TaskGroup {
        let TaskGroupBuilder { spawner, timer: clock, token } = self;
        let token = match token.as_ref().or_else(|| backend::token_of(&spawner)) {
            Some(token) => token.child_token(),
            None => CancelToken::new(),
        };
        let now = clock.clone().map(|clock| -> Clock { Arc::new(move || clock.now()) });
        let core = Members::new(token, now);
        let hooked = Arc::new(backend::around_spawner(spawner, Layer::Group(core.clone())));
        TaskGroup { owner: Arc::new(Owner { spawner: GroupSpawner { hooked, core }, clock }) }
    }
}

impl fmt::Debug for TaskGroupBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroupBuilder").finish_non_exhaustive()
    }
}
