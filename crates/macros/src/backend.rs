//! The backends that a test can be run on, and what can be set on each.

use proc_macro2::Ident;

/// A line for each backend: its name in the attribute, which its test gets, and its cargo feature.
macro_rules! backends {
    ($($(#[$doc:meta])* $backend:ident $name:literal $feature:literal,)*) => {
        /// A backend.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Backend {
            $($(#[$doc])* $backend,)*
        }

        /// In the order in which a test without a list has them.
        pub(crate) const ALL: &[Backend] = &[$(Backend::$backend),*];

        impl Backend {
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Backend::$backend => $name,)*
                }
            }

            /// The cargo feature that enables it.
            pub(crate) fn feature(self) -> &'static str {
                match self {
                    $(Backend::$backend => $feature,)*
                }
            }
        }
    };
}

backends! {
    Tokio "tokio" "tokio",
    Smol "smol" "smol",
    AsyncStd "async_std" "async-std",
    AsyncExecutor "async_executor" "async-executor",
    /// Not one runtime but a search through the schedules of a simulated one.
    Sim "sim" "sim",
}

impl Backend {
    pub(crate) fn find(name: &Ident) -> Option<Backend> {
        ALL.iter().copied().find(|backend| name == backend.name())
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
        .iter()
        .copied()
        .filter(|backend| which(*backend))
        .map(|backend| format!("`{}`", backend.name()))
        .collect();
    names.join(", ")
}
