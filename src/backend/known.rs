//! The backends that a runtime can be found on.

use std::sync::Arc;

#[cfg(feature = "async-executor")]
use super::async_executor;
#[cfg(feature = "async-std")]
use super::async_std;
#[cfg(feature = "smol")]
use super::smol;
#[cfg(feature = "tokio")]
use super::tokio;
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

/// The backends that are compiled in.
pub(crate) const KNOWN: &[Known] = &[
    #[cfg(feature = "tokio")]
    tokio::KNOWN,
    #[cfg(feature = "smol")]
    smol::KNOWN,
    #[cfg(feature = "async-std")]
    async_std::KNOWN,
    #[cfg(feature = "async-executor")]
    async_executor::KNOWN,
];

/// The features of all backends.
pub(crate) const FEATURES: [&str; 4] = ["tokio", "smol", "async-std", "async-executor"];
