//! What went wrong with the services of a stack.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use super::super::error::Known;
use crate::service::{ServiceStartError, StopError};

/// Services of a stack were not started.
///
/// Exactly one of [`is_unknown`](StackStartError::is_unknown),
/// [`is_cycle`](StackStartError::is_cycle) and [`is_failed`](StackStartError::is_failed) is true.
/// Only in the last case was anything started.
///
/// The [`Display`](fmt::Display) form names the services, and says of each that failed why:
/// `service 'db' did not start: …; 'web' was not started, because it needs what failed`.
pub struct StackStartError {
    kind: Kind,
}

pub(super) enum Kind {
    Unknown { name: String, needed_by: Option<String>, known: Vec<String> },
    Cycle(Vec<String>),
    Failed { failures: BTreeMap<String, ServiceStartError>, held_back: Vec<String> },
}

impl StackStartError {
    pub(super) fn new(kind: Kind) -> StackStartError {
        StackStartError { kind }
    }

    /// Whether there is no service of a name: the one that was called, or one that a service needs.
    /// The text names it, and lists those that there are.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown { .. })
    }

    /// Whether services need each other in a circle, so that none of them can be first.
    #[must_use]
    pub fn is_cycle(&self) -> bool {
        self.cycle().is_some()
    }

    /// Whether at least one service was to start and did not.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.kind, Kind::Failed { .. })
    }

    /// The circle, if there is one: each needs the next one, and the last is the first.
    #[must_use]
    pub fn cycle(&self) -> Option<&[String]> {
        match &self.kind {
            Kind::Cycle(names) => Some(names),
            _ => None,
        }
    }

    /// The services that did not start, by name, each with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &ServiceStartError)> {
        let failures = match &self.kind {
            Kind::Failed { failures, .. } => Some(failures),
            _ => None,
        };
        failures.into_iter().flatten().map(|(name, error)| (name.as_str(), error))
    }

    /// The services that were not to start, because they need one that did not.
    #[must_use]
    pub fn held_back(&self) -> &[String] {
        match &self.kind {
            Kind::Failed { held_back, .. } => held_back,
            _ => &[],
        }
    }
}

impl fmt::Display for StackStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unknown { name, needed_by: None, known } => {
                write!(f, "there is no service '{name}'; {}", Known(known))
            }
            Kind::Unknown { name, needed_by: Some(service), known } => write!(
                f,
                "service '{service}' needs '{name}', and there is no such service; {}",
                Known(known)
            ),
            Kind::Cycle(names) => {
                write!(f, "services need each other in a circle: {}", Names(names, " needs "))
            }
            Kind::Failed { failures, held_back } => {
                write_all(f, failures.values())?;
                match held_back.len() {
                    0 => Ok(()),
                    1 => write!(
                        f,
                        "; {} was not started, because it needs what failed",
                        Names(held_back, "")
                    ),
                    _ => write!(
                        f,
                        "; {} were not started, because they need what failed",
                        Names(held_back, ", ")
                    ),
                }
            }
        }
    }
}

impl fmt::Debug for StackStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StackStartError({self})")
    }
}

impl Error for StackStartError {}

/// Services of a stack did not stop as they should have. Stopped they are.
///
/// The [`Display`](fmt::Display) form says of each what was wrong.
pub struct StackStopError {
    pub(super) failures: BTreeMap<String, StopError>,
    /// The name that was called, and those that there are.
    pub(super) unknown: Option<(String, Vec<String>)>,
}

impl StackStopError {
    /// Whether there is no service of the name that was called. Nothing was stopped then. The text
    /// lists those that there are.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.unknown.is_some()
    }

    /// Whether a service had to be aborted, because its grace period ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.failures.values().any(StopError::is_timeout)
    }

    /// Whether a service failed before it had stopped.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.failures.values().any(StopError::is_failed)
    }

    /// The services that did not stop as they should have, by name, each with what was wrong.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &StopError)> {
        self.failures.iter().map(|(name, error)| (name.as_str(), error))
    }
}

impl fmt::Display for StackStopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unknown {
            Some((name, known)) => write!(f, "there is no service '{name}'; {}", Known(known)),
            None => write_all(f, self.failures.values()),
        }
    }
}

impl fmt::Debug for StackStopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StackStopError({self})")
    }
}

impl Error for StackStopError {}

/// Errors with all that they come from: there is no one source to leave it to.
fn write_all<'a, E: fmt::Display + 'a>(
    f: &mut fmt::Formatter<'_>,
    errors: impl Iterator<Item = &'a E>,
) -> fmt::Result {
    for (index, error) in errors.enumerate() {
        let between = if index == 0 { "" } else { "; " };
        write!(f, "{between}{error:#}")?;
    }
    Ok(())
}

/// `'a', 'b'`
struct Names<'a>(&'a [String], &'static str);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { self.1 };
            write!(f, "{between}'{name}'")?;
        }
        Ok(())
    }
}
