//! What a task is called and where it was spawned.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

/// The name of a task, of those that have one.
///
/// Boxed, so that the many without a name pay one word for it where they pay at all.
pub(crate) type Name = Option<Box<Cow<'static, str>>>;

/// The place of a `spawn` call.
pub(crate) type Place = &'static Location<'static>;

/// The last part of a type's name, with what it is generic over.
pub(crate) fn short_name(path: &str) -> &str {
    let end = path.find('<').unwrap_or(path.len());
    let start = path[..end].rfind("::").map_or(0, |at| at + 2);
    &path[start..]
}

/// `task 'conn-7' spawned at src/server.rs:12:9`
pub(crate) fn write_task(f: &mut fmt::Formatter<'_>, name: &Name, place: Place) -> fmt::Result {
    match name {
        Some(name) => write!(f, "task '{name}' spawned at {place}"),
        None => write!(f, "task spawned at {place}"),
    }
}
