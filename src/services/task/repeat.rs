//! How often the work of an action is done.

use std::fmt;

/// How often a job does the work of an action; returned by [`Task::repeat`](super::Task::repeat).
///
/// A wrapper remembers completed runs by this value: actions for which it is equal share one
/// completion.
///
/// With the feature `json` it can be serialized: `"always"`, `"once"`, or `{"once_per": "db"}` with
/// the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Repeat {
    /// Each start runs the job. This is the default.
    #[default]
    Always,
    /// The job runs until it completes once. This completion counts for all actions that repeat
    /// `Once`, even if they differ.
    Once,
    /// The job runs until it completes once for the key.
    OncePer(String),
}

impl Repeat {
    /// Once for each key, which may be any value that can be shown.
    ///
    /// Actions of several verbs share a key unless it names the verb. A wrapper remembers a completed key as long as it
    /// lives, so do not let clients choose keys without bound.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::services::Repeat;
    ///
    /// assert_eq!(Repeat::once_per(7), Repeat::OncePer("7".to_owned()));
    /// ```
    pub fn once_per(key: impl fmt::Display) -> Repeat {
        Repeat::OncePer(key.to_string())
    }

    /// The key, if it is [`OncePer`](Repeat::OncePer).
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Repeat::OncePer(key) => Some(key),
            Repeat::Always | Repeat::Once => None,
        }
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repeat::Always => f.write_str("always"),
            Repeat::Once => f.write_str("once"),
            Repeat::OncePer(key) => write!(f, "once per '{key}'"),
        }
    }
}
