//! The backends that a test can be run on, and what can be set on each.

use proc_macro2::Ident;

/// A backend, by the name that it has in the attribute and that its test gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Tokio,
    Smol,
    AsyncStd,
    AsyncExecutor,
    /// Not one runtime but a search through the schedules of a simulated one.
    Sim,
}

/// In the order in which a test without a list has them.
pub(crate) const ALL: [Backend; 5] =
    [Backend::Tokio, Backend::Smol, Backend::AsyncStd, Backend::AsyncExecutor, Backend::Sim];

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
            Backend::Sim => "sim",
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

    /// Whether a test without a list has it. What is simulated runs many times and may touch nothing
    /// real, which has to be written for.
    pub(crate) fn is_usual(self) -> bool {
        self != Backend::Sim
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
