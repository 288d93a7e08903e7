//! Whether another run fails in the same way.

use std::collections::HashMap;
use std::panic::Location;

use crate::failure::{Failure, FailureKind, TaskReport};
use crate::panics::Caught;

/// What a run must have in common with the failure.
pub(super) struct Sameness {
    kind: FailureKind,
    gist: String,
    /// Where it panicked. Whether the panic is joined may change with the schedule.
    location: Option<String>,
    /// How many tasks of each sort were alive, for failures that consist in that.
    alive: Option<HashMap<Sort, usize>>,
}

/// The same in each run, unlike a task's number.
type Sort = (Option<String>, Option<String>, &'static Location<'static>);

impl Sameness {
    pub(super) fn new(failure: &Failure) -> Sameness {
        let kind = failure.kind();
        let counts = matches!(kind, FailureKind::Stall | FailureKind::Leak);
        let alive = counts.then(|| count(failure.tasks()));
        let (gist, location) = identity(kind, failure.message(), failure.origin());
        Sameness { kind, gist, location, alive }
    }

    pub(super) fn holds(
        &self,
        end: &Result<(), (FailureKind, String)>,
        origin: Option<&Caught>,
        tasks: &[TaskReport],
    ) -> bool {
        end.as_ref().is_err_and(|(kind, message)| self.is_met(*kind, message, origin, tasks))
    }

    pub(super) fn holds_for(&self, failure: &Failure) -> bool {
        self.is_met(failure.kind(), failure.message(), failure.origin(), failure.tasks())
    }

    fn is_met(
        &self,
        kind: FailureKind,
        message: &str,
        origin: Option<&Caught>,
        tasks: &[TaskReport],
    ) -> bool {
        // Tasks that were not left over, or not blocked, are another failure: switching off the kill
        // that cleans up leaks tasks, too.
        let only_these = |alive: &HashMap<Sort, usize>| {
            let is_among = |(sort, times): (Sort, usize)| {
                alive.get(&sort).is_some_and(|before| times <= *before)
            };
            count(tasks).into_iter().all(is_among)
        };
        kind == self.kind
            && identity(kind, message, origin) == (self.gist.clone(), self.location.clone())
            && self.alive.as_ref().is_none_or(only_these)
    }
}

/// What is the same each time: the message, or that of the panic that it began with, and its place.
fn identity(kind: FailureKind, message: &str, origin: Option<&Caught>) -> (String, Option<String>) {
    match origin.filter(|_| kind == FailureKind::Panic) {
        Some(origin) => (gist(&origin.message), origin.location.clone()),
        // Which nodes are paused besides is not what is wrong, and differs once a fault is switched off.
        None if kind == FailureKind::Stall => {
            (gist(message.split("; still paused").next().unwrap_or_default()), None)
        }
        None => (gist(message), None),
    }
}

fn count(tasks: &[TaskReport]) -> HashMap<Sort, usize> {
    let mut counts = HashMap::new();
    for task in tasks {
        let sort = (task.name().map(str::to_owned), task.node().map(str::to_owned), task.location);
        *counts.entry(sort).or_default() += 1;
    }
    counts
}

/// A message without its numbers, which depend on the schedule and on the faults. Those of a place in
/// a file are kept: they follow a colon.
fn gist(message: &str) -> String {
    let (mut gist, mut last) = (String::with_capacity(message.len()), ' ');
    for character in message.chars() {
        let goes_on = last.is_ascii_digit() && !gist.ends_with('#');
        if !character.is_ascii_digit() || gist.ends_with(':') || goes_on {
            gist.push(character);
        } else if !gist.ends_with('#') {
            gist.push('#');
        }
        last = character;
    }
    // A `Duration` is printed in a unit that depends on it.
    let mut gist = gist.replace("#.#", "#");
    for unit in ["#ns", "#µs", "#ms"] {
        gist = gist.replace(unit, "#s");
    }
    gist
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gist_has_no_numbers_but_those_of_places() {
        let said = "left: 38, after step 17 at src/a.rs:12:97, task 3, 10s";
        assert_eq!(gist(said), "left: #, after step # at src/a.rs:12:97, task #, #s");
        assert_eq!(gist("12 of 7x"), "# of #x");
        assert_eq!(gist("for 34.18s, 500ms, 7µs"), gist("for 30s, 0ns, 1.5s"));
    }
}
