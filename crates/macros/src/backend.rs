//! The backends that a test can be run on, and what can be set on each.

use proc_macro2::Ident;

/// A backend, by the name that it has in the attribute and that its test gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Tokio,
    Smol,
    AsyncStd,
    AsyncExecutor,
}

/// In the order in which a test without a list has them.
pub(crate) const ALL: [Backend; 4] =
    [Backend::Tokio, Backend::Smol, Backend::AsyncStd, Backend::AsyncExecutor];

impl Backend {
    pub(crate) fn find(name: &Ident) -> Option<Backend> {
        ALL.into_iter().find(|backend| name == backend.name())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Backend::Tokio => "tokio",
            Backend::Smol => "smol",
            Backend::AsyncStd => "async_std",
            Backend::AsyncExecutor => "async_executor",
        }
    }

    /// The cargo feature that enables it.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Backend::AsyncStd => "async-std",
            Backend::AsyncExecutor => "async-executor",
            other => other.name(),
        }
    }

    /// Whether a test starts an executor of its own, whose threads it can choose. The others have
    /// one for the whole process.
    pub(crate) fn has_threads(self) -> bool {
        matches!(self, Backend::Tokio | Backend::AsyncExecutor)
    }

    pub(crate) fn can_pause(self) -> bool {
        matches!(self, Backend::Tokio)
    }
}

/// The names of all backends that satisfy a condition, to say which are accepted.
pub(crate) fn names(which: impl Fn(Backend) -> bool) -> String {
    let names: Vec<_> = ALL
        .into_iter()
        .filter(|backend| which(*backend))
        .map(|backend| format!("`{}`", backend.name()))
        .collect();
    names.join(", ")
}
