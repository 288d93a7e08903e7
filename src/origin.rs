//! What a task is called and where it was spawned.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A task's name, if it was given one, and the place of the `spawn` call.
///
/// A task without a name costs one pointer; the name is allocated for those who give one.
#[derive(Clone)]
pub(crate) enum Origin {
    Unnamed(&'static Location<'static>),
    Named(Arc<Named>),
}

pub(crate) struct Named {
    name: Cow<'static, str>,
    location: &'static Location<'static>,
}

impl Origin {
    #[track_caller]
    pub(crate) fn caller() -> Origin {
        Origin::Unnamed(Location::caller())
    }

    #[track_caller]
    pub(crate) fn named(name: Cow<'static, str>) -> Origin {
        let location = Location::caller();
        Origin::Named(Arc::new(Named { name, location }))
    }

    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Origin::Unnamed(_) => None,
            Origin::Named(named) => Some(&named.name),
        }
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        match self {
            Origin::Unnamed(location) => location,
            Origin::Named(named) => named.location,
        }
    }
}

/// `task 'conn-7' spawned at src/server.rs:12:9`
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "task '{name}' spawned at {}", self.location()),
            None => write!(f, "task spawned at {}", self.location()),
        }
    }
}
