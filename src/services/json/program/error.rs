//! Errors of a program.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use super::super::error::{JsonError, Known};
use super::part::Part;
use crate::services::run::RunError;
use crate::services::service::ServiceStartError;

/// Not all parts of a program were started.
///
/// Exactly one of [`is_unknown`](ProgramError::is_unknown), [`is_cycle`](ProgramError::is_cycle) and
/// [`is_failed`](ProgramError::is_failed) is true. Only in the last case was anything started.
///
/// The [`Display`](fmt::Display) form names the parts, and the reason of each failure:
/// `task 'migrate' failed: disk is full; service 'api' was not started because a need was not met`.
pub struct ProgramError {
    kind: Kind,
}

pub(super) enum Kind {
    Unknown { part: Part, needed_by: Option<Part>, known: Vec<String> },
    Cycle(Vec<Part>),
    Failed { failures: BTreeMap<Part, PartError>, held_back: Vec<Part> },
}

impl ProgramError {
    pub(super) fn new(kind: Kind) -> ProgramError {
        ProgramError { kind }
    }

    /// Whether a name is unknown: the requested one, or that of a need. The message lists the
    /// registered names.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown { .. })
    }

    /// Whether needs are cyclic, so that none of the parts can start first.
    #[must_use]
    pub fn is_cycle(&self) -> bool {
        self.cycle().is_some()
    }

    /// Whether at least one part failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.kind, Kind::Failed { .. })
    }

    /// The cycle, if there is one: each part needs the next, and the last is the first.
    #[must_use]
    pub fn cycle(&self) -> Option<&[Part]> {
        match &self.kind {
            Kind::Cycle(parts) => Some(parts),
            _ => None,
        }
    }

    /// The parts that failed, services first, each with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&Part, &PartError)> {
        let failures = match &self.kind {
            Kind::Failed { failures, .. } => Some(failures),
            _ => None,
        };
        failures.into_iter().flatten()
    }

    /// The parts that were held back, because a need was not met.
    #[must_use]
    pub fn held_back(&self) -> &[Part] {
        match &self.kind {
            Kind::Failed { held_back, .. } => held_back,
            _ => &[],
        }
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unknown { part, needed_by, known } => {
                if let Some(needing) = needed_by {
                    write!(f, "{needing} needs ")?;
                }
                let kind = if matches!(part, Part::Service { .. }) { "service" } else { "task" };
                write!(f, "unknown {kind} '{}'; {}", part.name(), Known(known))
            }
            Kind::Cycle(parts) => {
                f.write_str("cyclic dependency: ")?;
                write_all(f, parts, " needs ")
            }
            Kind::Failed { failures, held_back } => {
                write_all(f, failures.values(), "; ")?;
                match held_back.len() {
                    0 => return Ok(()),
                    1 => write!(f, "; {} was", held_back[0])?,
                    _ => {
                        f.write_str("; ")?;
                        write_all(f, held_back, ", ")?;
                        f.write_str(" were")?;
                    }
                }
                f.write_str(" not started because a need was not met")
            }
        }
    }
}

impl fmt::Debug for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramError({self})")
    }
}

impl Error for ProgramError {}

fn write_all<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    parts: impl IntoIterator<Item = T>,
    between: &str,
) -> fmt::Result {
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write!(f, "{part}")?;
    }
    Ok(())
}

/// Why a part of a program failed.
///
/// The [`Display`](fmt::Display) form has the whole chain of reasons, so it has no
/// [`source`](Error::source).
#[derive(Debug)]
#[non_exhaustive]
pub enum PartError {
    /// The service did not start.
    Service(ServiceStartError),
    /// The job did not begin: its action is invalid, or it does not accept it now.
    Refused(JsonError),
    /// The job did not complete.
    Job(RunError),
}

impl fmt::Display for PartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartError::Service(error) => write!(f, "{error:#}"),
            PartError::Job(error) => write!(f, "{error:#}"),
            PartError::Refused(error) => {
                write!(f, "{error}")?;
                error.source().map_or(Ok(()), |source| write!(f, ": {source}"))
            }
        }
    }
}

impl Error for PartError {}
