//! What a part of a program can need.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// A part of a [`Program`](crate::services::Program), to need and to be needed.
///
/// The [`Display`](fmt::Display) form is `service 'db'`, or `task 'migrate' with "latest"`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A service, by its name. It is needed to run.
    Service {
        /// The name in the [`ServiceStack`](crate::services::ServiceStack).
        name: String,
    },
    /// An action of a job. It is needed to have completed.
    Job {
        /// The name of the job in the [`TaskStack`](crate::services::TaskStack).
        task: String,
        /// The action.
        action: Value,
    },
}

impl Part {
    /// A service.
    pub fn service(name: impl Into<String>) -> Part {
        Part::Service { name: name.into() }
    }

    /// An action of a job.
    pub fn job(task: impl Into<String>, action: Value) -> Part {
        Part::Job { task: task.into(), action }
    }

    /// The name of the service or of the job.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Part::Service { name } | Part::Job { task: name, .. } => name,
        }
    }

    pub(super) fn into_name(self) -> String {
        match self {
            Part::Service { name } | Part::Job { task: name, .. } => name,
        }
    }
}

impl Ord for Part {
    /// Services come before jobs; each kind is in the order of its names.
    fn cmp(&self, other: &Part) -> Ordering {
        use Part::{Job, Service};

        match (self, other) {
            (Service { name }, Service { name: other }) => name.cmp(other),
            (Service { .. }, Job { .. }) => Ordering::Less,
            (Job { .. }, Service { .. }) => Ordering::Greater,
            (Job { task, action }, Job { task: other_task, action: other_action }) => {
                task.cmp(other_task).then_with(|| compare(action, other_action))
            }
        }
    }
}

/// An order of JSON values, which have none. Equal values are equal in it: the fields of an object
/// count in the order of their names, however the object keeps them.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other).map(|(one, other)| compare(one, other));
            let first = pairs.find(|order| order.is_ne());
            first.unwrap_or_else(|| one.len().cmp(&other.len()))
        }
        (Value::Object(one), Value::Object(other)) => {
            let (one, other): (BTreeMap<_, _>, BTreeMap<_, _>) =
                (one.iter().collect(), other.iter().collect());
            let mut pairs = one.iter().zip(&other).map(|((name, value), (other_name, other))| {
                name.cmp(other_name).then_with(|| compare(value, other))
            });
            let first = pairs.find(|order| order.is_ne());
            first.unwrap_or_else(|| one.len().cmp(&other.len()))
        }
        _ => one.to_string().cmp(&other.to_string()),
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Part) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Service { name } => write!(f, "service '{name}'"),
            Part::Job { task, action } => write!(f, "task '{task}' with {action}"),
        }
    }
}
