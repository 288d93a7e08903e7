//! Errors of a stack of services.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use super::super::error::Known;
use crate::services::service::{ServiceStartError, SetUpError, StopError};

/// Not all services of a stack were started.
///
/// Exactly one of [`is_unknown`](StackStartError::is_unknown),
/// [`is_cycle`](StackStartError::is_cycle) and [`is_failed`](StackStartError::is_failed) is true.
/// Only in the last case was anything started.
///
/// The [`Display`](fmt::Display) form names the services, and the reason of each failure:
/// `service 'db' failed to start: …; 'web' was not started because a dependency failed`.
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

    /// Whether a name is unknown: the requested one, or that of a dependency. The message lists the
    /// registered names.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown { .. })
    }

    /// Whether dependencies are cyclic, so that none of the services can start first.
    #[must_use]
    pub fn is_cycle(&self) -> bool {
        self.cycle().is_some()
    }

    /// Whether at least one service failed to start.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.kind, Kind::Failed { .. })
    }

    /// The cycle, if there is one: each depends on the next, and the last is the first.
    #[must_use]
    pub fn cycle(&self) -> Option<&[String]> {
        match &self.kind {
            Kind::Cycle(names) => Some(names),
            _ => None,
        }
    }

    /// The services that failed to start, by name, each with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &ServiceStartError)> {
        let failures = match &self.kind {
            Kind::Failed { failures, .. } => Some(failures),
            _ => None,
        };
        failures.into_iter().flatten().map(|(name, error)| (name.as_str(), error))
    }

    /// The services that were held back, because a dependency failed to start.
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
                write!(f, "unknown service '{name}'; {}", Known(known))
            }
            Kind::Unknown { name, needed_by: Some(service), known } => {
                write!(f, "service '{service}' needs unknown service '{name}'; {}", Known(known))
            }
            Kind::Cycle(names) => {
                write!(f, "cyclic dependency between services: {}", Names(names, " needs "))
            }
            Kind::Failed { failures, held_back } => {
                write_all(f, failures.values())?;
                match held_back.len() {
                    0 => Ok(()),
                    1 => write!(
                        f,
                        "; {} was not started because a dependency failed",
                        Names(held_back, "")
                    ),
                    _ => write!(
                        f,
                        "; {} were not started because a dependency failed",
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

/// Services of a stack did not stop cleanly. They have stopped nevertheless.
///
/// The [`Display`](fmt::Display) form has the error of each.
pub struct StackStopError {
    pub(super) failures: BTreeMap<String, StopError>,
    /// The requested name, and the registered ones.
    pub(super) unknown: Option<(String, Vec<String>)>,
}

impl StackStopError {
    /// These services did not stop cleanly.
    pub(crate) fn of(failures: BTreeMap<String, StopError>) -> StackStopError {
        StackStopError { failures, unknown: None }
    }

    /// Whether the requested name is unknown, so that nothing was stopped. The message lists the
    /// registered names.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.unknown.is_some()
    }

    /// Whether tasks of a service had to be aborted at the end of its grace period.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.failures.values().any(StopError::is_timeout)
    }

    /// Whether a service failed before it stopped.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.failures.values().any(StopError::is_failed)
    }

    /// The services that did not stop cleanly, by name, each with its error.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &StopError)> {
        self.failures.iter().map(|(name, error)| (name.as_str(), error))
    }
}

impl fmt::Display for StackStopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unknown {
            Some((name, known)) => write!(f, "unknown service '{name}'; {}", Known(known)),
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

/// A service of a stack was not set up, or did not say whether it is.
///
/// The [`Display`](fmt::Display) form and the [`source`](Error::source) are those of the service's own
/// error.
#[derive(Clone, Debug)]
pub struct StackSetUpError(SetUpKind);

#[derive(Clone, Debug)]
enum SetUpKind {
    Unknown { name: String, known: Vec<String> },
    Failed(SetUpError),
}

impl StackSetUpError {
    pub(super) fn unknown(name: &str, known: Vec<String>) -> StackSetUpError {
        StackSetUpError(SetUpKind::Unknown { name: name.to_owned(), known })
    }

    pub(super) fn failed(error: SetUpError) -> StackSetUpError {
        StackSetUpError(SetUpKind::Failed(error))
    }

    /// Whether the name is unknown. The message lists the registered names.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.0, SetUpKind::Unknown { .. })
    }

    /// The error of the service, unless the name is unknown.
    #[must_use]
    pub fn error(&self) -> Option<&SetUpError> {
        match &self.0 {
            SetUpKind::Unknown { .. } => None,
            SetUpKind::Failed(error) => Some(error),
        }
    }
}

impl fmt::Display for StackSetUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            SetUpKind::Unknown { name, known } => {
                write!(f, "unknown service '{name}'; {}", Known(known))
            }
            SetUpKind::Failed(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl Error for StackSetUpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error().and_then(Error::source)
    }
}

/// Writes errors with their sources, because they have no single source to leave it to.
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
