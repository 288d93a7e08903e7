//! The builder of a wrapper.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::core::Core;
use super::settings::Settings;
use crate::Runtime;
use crate::services::short_name;

/// Builds a [`ServiceWrapper`](crate::services::ServiceWrapper); see
/// [`ServiceWrapper::builder`](crate::services::ServiceWrapper::builder).
#[must_use = "call `build` to make the wrapper"]
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
            starts_set_up: true,
            location: Location::caller(),
        };
        ServiceWrapperBuilder { runtime, service, settings }
    }

    /// The name of the service, for errors and listings; by default the last segment of its
    /// [type name](Service::type_name).
    pub fn name(mut self, name: impl Into<Arc<str>>) -> ServiceWrapperBuilder<S> {
        self.settings.name = name.into();
        self
    }

    /// How many events of an action are buffered before emitting waits; 32 by default, and zero
    /// counts as one.
    pub fn event_capacity(mut self, events: usize) -> ServiceWrapperBuilder<S> {
        self.settings.capacity = events;
        self
    }

    /// The default grace period, for ends whose caller gives none; five seconds if not set.
    ///
    /// It applies to a service whose token is cancelled other than by
    /// [`stop`](crate::services::ServiceWrapper::stop), to the remaining tasks of a service that has
    /// failed or returned, to an action that is [cancelled](crate::services::RunHandle::cancel), and
    /// to the remaining tasks of an action that has ended.
    ///
    /// Zero aborts at once, [`Duration::MAX`] never. On a runtime without a timer any period is over
    /// at once.
    pub fn grace(mut self, grace: Duration) -> ServiceWrapperBuilder<S> {
        self.settings.grace = grace;
        self
    }

    /// Whether a start sets the service up if its [`is_set_up`](Service::is_set_up) returns
    /// [`SetUp::Needed`](crate::services::SetUp::Needed); true if not set.
    ///
    /// Otherwise such a start fails with
    /// [`is_set_up_required`](crate::services::ServiceStartError::is_set_up_required), and leaves the
    /// service [`SetupRequired`](crate::services::ServiceState::SetupRequired):
    /// [`set_up`](crate::services::ServiceWrapper::set_up) is a step that somebody takes on purpose. A service that
    /// returns [`SetUp::Unchecked`](crate::services::SetUp::Unchecked), as the default does, is not refused, and its
    /// `set_up` is called on each start.
    pub fn set_up_on_start(mut self, sets_up: bool) -> ServiceWrapperBuilder<S> {
        self.settings.starts_set_up = sets_up;
        self
    }

    pub(super) fn into_core(self) -> Arc<Core<S>> {
        Core::new(self.service, self.runtime, self.settings)
    }
}

impl<S> fmt::Debug for ServiceWrapperBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceWrapperBuilder")
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}
