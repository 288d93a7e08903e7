//! The backends that a runtime can be found on.

use std::sync::Arc;

use crate::seam::Runtime;

/// A backend, as the search for a runtime sees it.
pub(crate) struct Known {
    /// Its cargo feature, which is also its name in the environment.
    pub(crate) name: &'static str,
    /// The runtime that this thread is in, if the backend can tell.
    pub(crate) entered: fn() -> Option<Arc<dyn Runtime>>,
    /// The message if the thread is in none; `None` if the backend cannot tell.
    pub(crate) missing: Option<&'static str>,
    /// The global runtime, if the backend has one.
    pub(crate) global: Option<fn() -> Arc<dyn Runtime>>,
}

impl Known {
    /// Whether a runtime can be found by the backend's name alone.
    pub(crate) fn can_be_named(&self) -> bool {
        self.global.is_some() || self.missing.is_some()
    }
}

/// A line for each backend: its feature and its module.
macro_rules! known {
    ($($feature:literal $backend:ident,)*) => {
        /// The backends that are compiled in.
        pub(crate) const KNOWN: &[Known] = &[$(
            #[cfg(feature = $feature)]
            super::$backend::KNOWN,
        )*];

        /// The features of all backends.
        pub(crate) const FEATURES: &[&str] = &[$($feature),*];
    };
}

known! {
    "tokio" tokio,
    "smol" smol,
    "async-std" async_std,
    "async-executor" async_executor,
}
