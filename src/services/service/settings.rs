//! The options of a service.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::{JoinHandle, SpawnMeta, SpawnerExt, TaskGroup};

/// The options that all clones of a wrapper share.
pub(super) struct Settings {
    pub(super) name: Arc<str>,
    /// How many events of an action are buffered.
    pub(super) capacity: usize,
    /// For ends whose caller gives no grace period.
    pub(super) grace: Duration,
    /// Whether a start sets the service up if needed.
    pub(super) starts_set_up: bool,
    /// Where the wrapper was made.
    pub(super) location: &'static Location<'static>,
}

impl Settings {
    /// The name of a task of the service: `NAME/run`.
    pub(super) fn task_name(&self, part: &str) -> Cow<'static, str> {
        Cow::Owned(format!("{}/{part}", self.name))
    }

    /// Spawns a part of the service in a group, at the location where the wrapper was made.
    pub(super) fn spawn<F>(&self, group: &TaskGroup, part: &str, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let name = self.task_name(part);
        group.spawn_meta(SpawnMeta::new().at(self.location).with_name(&name), future)
    }
}
