//! What a wrapper is told when it is made.

use std::any::type_name;
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
use crate::origin::Place;
use crate::runtime::Runtime;
use crate::spawner::Spawner;

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
            name: short_name(type_name::<S>()).into(),
            capacity: 16,
            grace: Duration::from_secs(5),
            place: Location::caller(),
        };
        ServiceWrapperBuilder { runtime, service, settings }
    }

    /// The name that errors, and the listing of tasks, call the service by.
    ///
    /// The default is the name of its type, without its path.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> ServiceWrapperBuilder<S> {
        self.settings.name = name.into();
        self
    }

    /// How many events of an action are kept for who reads them. An action that is further ahead
    /// waits.
    ///
    /// The default is 16. Zero counts as one.
    pub fn capacity(mut self, capacity: usize) -> ServiceWrapperBuilder<S> {
        self.settings.capacity = capacity;
        self
    }

    /// The grace period for ends that nobody names one for: how long what a service spawned has to
    /// follow the token when the service has failed, or ended by itself, and how long an action has
    /// when it is [cancelled](crate::RunHandle::cancel).
    ///
    /// The default is five seconds. Zero aborts at once, and [`Duration::MAX`] never.
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

/// `Server` of `my_crate::net::Server<my_crate::net::Tls>`.
fn short_name(path: &str) -> &str {
    let base = path.split('<').next().unwrap_or(path);
    base.rsplit("::").next().unwrap_or(base)
}
