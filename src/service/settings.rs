//! What a wrapper is told when it is made.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::lifecycle::Core;
use super::wrapper::ServiceWrapper;
use crate::backend::{self, Origin};
use crate::handle::JoinHandle;
use crate::origin::{Place, short_name};
use crate::seam::Runtime;
use crate::seam::Spawner;

/// What all the clones of a wrapper share.
pub(super) struct Settings {
    pub(super) name: Arc<str>,
    /// How many events an action may be ahead of its reader.
    pub(super) capacity: usize,
    /// For ends that nobody named one for.
    pub(super) grace: Duration,
    place: Place,
}

impl Settings {
    /// Spawns a part of the service, which goes by its name and comes from where it was made.
    pub(super) fn spawn<F>(
        &self,
        spawner: &(impl Spawner + ?Sized),
        part: &str,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_at(self.place, spawner, part, future)
    }

    pub(super) fn spawn_at<F>(
        &self,
        place: Place,
        spawner: &(impl Spawner + ?Sized),
        part: &str,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let name = Cow::Owned(format!("{}/{part}", self.name));
        let join = backend::spawn(spawner, Origin { name: Some(&name), place }, future);
        JoinHandle::new(join.named(name), place)
    }
}

/// A wrapper that is being made; see [`ServiceWrapper::builder`].
#[must_use = "`build` makes the wrapper"]
pub struct ServiceWrapperBuilder<S> {
    runtime: Arc<dyn Runtime>,
    service: S,
    settings: Settings,
}

impl<S: Service> ServiceWrapperBuilder<S> {
    #[track_caller]
    pub(super) fn new(runtime: Arc<dyn Runtime>, service: S) -> ServiceWrapperBuilder<S> {
        let settings = Settings {
            name: short_name(service.type_name()).into(),
            capacity: 32,
            grace: Duration::from_secs(5),
            place: Location::caller(),
        };
        ServiceWrapperBuilder { runtime, service, settings }
    }

    /// What the service is called, by errors and where its tasks are listed; if not given, as the
    /// last part of its [type's name](Service::type_name).
    pub fn name(mut self, name: impl Into<Arc<str>>) -> ServiceWrapperBuilder<S> {
        self.settings.name = name.into();
        self
    }

    /// How many events of an action there may be that were emitted and not read; 32 if not given,
    /// and one if zero.
    pub fn event_capacity(mut self, events: usize) -> ServiceWrapperBuilder<S> {
        self.settings.capacity = events;
        self
    }

    /// The grace period for ends that nobody names one for; five seconds if not given.
    ///
    /// It is how long a service has whose token was cancelled other than by
    /// [`stop`](ServiceWrapper::stop), and what is left of one that has failed, or has ended by
    /// itself; how long an action has that is [cancelled](crate::RunHandle::cancel), and what is
    /// left of one that has ended.
    ///
    /// Zero aborts at once, and [`Duration::MAX`] never. On a runtime without a timer any period is
    /// over at once.
    pub fn grace(mut self, grace: Duration) -> ServiceWrapperBuilder<S> {
        self.settings.grace = grace;
        self
    }

    /// Makes the wrapper. Nothing is started.
    #[must_use]
    pub fn build(self) -> ServiceWrapper<S> {
        ServiceWrapper::of(Core::new(self.service, self.runtime, self.settings))
    }
}

impl<S> fmt::Debug for ServiceWrapperBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceWrapperBuilder")
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}
