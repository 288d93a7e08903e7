//! The interleaving of a run, for people.

mod svg;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::failure::FailureKind;
use crate::fault::Fault;
use crate::record::{Known, Record, What};

/// The events of a run, step by step.
///
/// The [`Display`](fmt::Display) form is a table with a row for each step and a column for each
/// task involved. Of a long run it shows the beginning, the end, and all rows in between that may be
/// causes: those with a fault, a note, a panic or a task that is dropped by another, and those of the
/// tasks in the failure. These are the task that failed, or in a deadlock and a leak the tasks that
/// were alive; of their rows, the last three hundred. The alternate form, `{:#}`, shows every row.
/// [`svg`](Timeline::svg) draws the same as a picture.
///
/// Returned by [`Sim::timeline`](crate::Sim::timeline) and
/// [`Counterexample::timeline`](crate::Counterexample::timeline).
#[derive(Clone)]
pub struct Timeline {
    rows: Vec<Row>,
    /// The label of each task, by number.
    labels: BTreeMap<u32, String>,
    locations: BTreeMap<u32, String>,
    /// The faults that were injected.
    faults: Vec<Met>,
    /// The tasks in the failure.
    suspects: BTreeSet<u32>,
    end: Option<(FailureKind, String)>,
}

/// A fault that was injected.
#[derive(Clone)]
struct Met {
    fault: Fault,
    step: u64,
    at: u64,
    /// The task, described.
    task: Option<String>,
}

/// A step, or an advance of the time.
#[derive(Clone, Default)]
struct Row {
    step: u64,
    at: u64,
    /// The task that took the step.
    task: Option<u32>,
    spawned: Vec<u32>,
    woken: Vec<u32>,
    ended: Vec<u32>,
    panicked: bool,
    /// Whether it may be a cause, and is never left out.
    cause: bool,
    /// Whether a fault was injected.
    faulty: bool,
    /// The events, in words.
    words: Vec<String>,
}

impl Timeline {
    pub(crate) fn new(record: &Record, end: Option<(FailureKind, String)>) -> Timeline {
        let (mut rows, mut faults): (Vec<Row>, Vec<Met>) = (Vec::new(), Vec::new());
        for event in &record.events {
            let begins = matches!(event.what, What::Step(_) | What::Time);
            if begins || rows.is_empty() {
                finish(rows.last_mut());
                let row =
                    Row { step: event.step, at: event.at, task: event.task, ..Row::default() };
                rows.push(row);
            }
            let Some(row) = rows.last_mut() else { continue };
            match &event.what {
                // The future that was passed to the simulation exists from the start.
                What::Spawned(0, ..) | What::Step(_) => {}
                What::Time => row.words.push("time passes".to_owned()),
                What::Spawned(number, ..) => {
                    row.spawned.push(*number);
                    row.say("spawns", &record.label(*number));
                }
                What::Woke(number) => {
                    row.woken.push(*number);
                    if row.task != Some(*number) {
                        row.say("wakes", &record.label(*number));
                    }
                }
                What::Slept(until) => row.words.push(format!("sleeps until {}", time(*until))),
                What::Ended(number) => {
                    row.ended.push(*number);
                    if row.task != Some(*number) {
                        row.cause = true;
                        row.say("drops", &record.label(*number));
                    }
                }
                What::Panicked(message) => {
                    (row.panicked, row.cause) = (true, true);
                    row.words.push(format!("panics: {message}"));
                }
                What::Suspended => {
                    row.words.push("suspended by `preempt_ready`, if it does not yield".to_owned());
                }
                What::Noted(text) => {
                    row.cause = true;
                    row.words.push(format!("“{text}”"));
                }
                What::Fault(fault) => {
                    (row.cause, row.faulty) = (true, true);
                    row.words.push(format!("FAULT {}", say(fault)));
                    let task = event.task.map(|task| record.describe(task));
                    faults.push(Met { fault: fault.clone(), step: event.step, at: event.at, task });
                }
                What::Mended(what, node) => {
                    row.cause = true;
                    row.words.push(format!("mended: {what}@{node}"));
                }
            }
        }
        finish(rows.last_mut());
        if let (Some((FailureKind::Error, _)), Some(row)) = (&end, rows.last_mut()) {
            // The future returned an error, and was then kept pending until the run had stopped.
            row.words.pop_if(|word| word == "waits");
            row.words.push("returns an error".to_owned());
        }
        rows.retain(|row| row.step > 0 || !row.words.is_empty());
        let suspects = suspects(record, end.as_ref().map(|(kind, _)| *kind));
        let labels = record.tasks.keys().map(|number| (*number, record.label(*number))).collect();
        let location = |(number, task): (&u32, &Known)| (*number, task.location.to_string());
        let locations = record.tasks.iter().map(location).collect();
        Timeline { rows, labels, locations, faults, suspects, end }
    }

    /// Of no run.
    pub(crate) fn empty() -> Timeline {
        Timeline::new(&Record::default(), None)
    }

    /// Draws the run as an SVG picture: a line for each task, from left to right, with a box for each
    /// step and an arrow for each wake-up.
    ///
    /// Of a long run it shows the last thousand steps.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::draw(self)
    }

    /// How many steps were taken by another task than the step before.
    #[must_use]
    pub fn context_switches(&self) -> usize {
        let tasks: Vec<_> =
            self.rows.iter().filter(|row| row.step > 0).filter_map(|row| row.task).collect();
        tasks.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    /// The faults that were injected, a line for each.
    pub(crate) fn faults(&self) -> impl ExactSizeIterator<Item = String> {
        self.faults.iter().map(|Met { fault, step, at, task }| {
            let task = task.as_ref().map(|task| format!(", in {task}")).unwrap_or_default();
            format!("{} at step {step}, {}{task}", say(fault), time(*at))
        })
    }

    fn label(&self, number: u32) -> &str {
        self.labels.get(&number).map_or("", |label| label)
    }

    /// The end of the run, in words.
    fn ending(&self) -> String {
        match &self.end {
            Some((kind, message)) => format!("{kind}: {message}"),
            None => "the end: the run succeeded".to_owned(),
        }
    }
}

impl Row {
    /// Adds an action on a task. Several in a row become a list.
    fn say(&mut self, verb: &'static str, task: &str) {
        match self.words.last_mut() {
            Some(word) if word.starts_with(verb) => {
                word.push_str(", ");
                word.push_str(task);
            }
            _ => self.words.push(format!("{verb} {task}")),
        }
    }
}

/// Adds what the task does after its step: it ends, yields or waits.
fn finish(row: Option<&mut Row>) {
    let Some(row) = row else { return };
    let Some(task) = row.task.filter(|_| row.step > 0) else { return };
    if row.ended.contains(&task) {
        if !row.panicked {
            row.words.push("ends".to_owned());
        }
    } else if row.woken.contains(&task) {
        row.words.push("yields".to_owned());
    } else if !row.panicked {
        row.words.push("waits".to_owned());
    }
}

/// The tasks whose rows explain the failure.
fn suspects(record: &Record, kind: Option<FailureKind>) -> BTreeSet<u32> {
    let mut alive: BTreeSet<u32> = record.tasks.keys().copied().collect();
    let (mut panicked, mut last) = (BTreeSet::new(), None);
    for event in &record.events {
        match &event.what {
            What::Ended(number) => _ = alive.remove(number),
            What::Panicked(_) => panicked.extend(event.task),
            What::Step(number) => last = Some(*number),
            _ => {}
        }
    }
    match kind {
        Some(FailureKind::Stall | FailureKind::Leak) => alive,
        Some(FailureKind::Panic) => panicked,
        // With a limit, no task is more to blame than others.
        None | Some(FailureKind::StepLimit | FailureKind::TimeLimit) => BTreeSet::new(),
        Some(_) => last.into_iter().collect(),
    }
}

/// A fault, with its amount as a duration.
fn say(fault: &Fault) -> String {
    match fault.amount() {
        Some(amount) => {
            let name = Fault { amount: None, ..fault.clone() };
            format!("{name} ({})", time(amount))
        }
        None => fault.to_string(),
    }
}

/// Virtual time since the start.
fn time(nanos: u64) -> String {
    format!("{:?}", std::time::Duration::from_nanos(nanos))
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table::write(self, f)
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
