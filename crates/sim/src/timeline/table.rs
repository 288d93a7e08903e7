//! A timeline as text.

use std::collections::BTreeSet;
use std::fmt;

use super::{Row, Timeline, time};

/// How many rows are shown at the beginning and at the end; of those between, only the causes are.
const HEAD: usize = 20;
const TAIL: usize = 60;

/// How many rows of tasks in the failure are shown, and how many with causes. The last ones are.
const SUSPECT: usize = 300;
const CAUSES: usize = 10_000;

/// The widths of all task columns together up to which they are headed by names, and by numbers.
const NAMED: usize = 72;
const NUMBERED: usize = 100;

struct Columns {
    tasks: Vec<u32>,
    heads: Vec<String>,
    /// Whether the heads are numbers, and need an explanation.
    legend: bool,
}

impl Columns {
    fn new(timeline: &Timeline, rows: &[&Row]) -> Columns {
        let width =
            |heads: &[String]| heads.iter().map(|head| head.chars().count() + 2).sum::<usize>();
        // All tasks that are mentioned, or else those that take steps.
        let heard = |row: &&Row| -> Vec<u32> {
            row.task.iter().chain(&row.spawned).chain(&row.woken).copied().collect()
        };
        let acting = |row: &&Row| -> Vec<u32> { row.task.into_iter().collect() };
        let all: BTreeSet<u32> = rows.iter().flat_map(heard).collect();
        let few: BTreeSet<u32> = rows.iter().flat_map(acting).collect();
        let [all, few] = [all, few].map(|tasks| tasks.into_iter().collect::<Vec<_>>());
        for tasks in [&all, &few] {
            let named: Vec<_> = tasks.iter().map(|it| timeline.label(*it).to_owned()).collect();
            if width(&named) <= NAMED {
                return Columns { tasks: tasks.clone(), heads: named, legend: false };
            }
        }
        for tasks in [all, few] {
            let heads: Vec<_> = tasks.iter().map(u32::to_string).collect();
            if width(&heads) <= NUMBERED {
                return Columns { tasks, heads, legend: true };
            }
        }
        Columns { tasks: Vec::new(), heads: Vec::new(), legend: false }
    }
}

/// Which rows are shown.
fn shown(timeline: &Timeline) -> Vec<bool> {
    let (mut suspect, mut causes) = (SUSPECT, CAUSES);
    let left = |count: &mut usize| {
        let some = *count > 0;
        *count -= usize::from(some);
        some
    };
    let last = timeline.rows.len();
    let shown = timeline.rows.iter().enumerate().rev().map(|(index, row)| {
        let is_suspect = row.task.is_some_and(|task| timeline.suspects.contains(&task));
        index < HEAD
            || index + TAIL >= last
            || row.cause && left(&mut causes)
            || is_suspect && left(&mut suspect)
    });
    let mut shown: Vec<_> = shown.collect();
    shown.reverse();
    shown
}

pub(super) fn write(timeline: &Timeline, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let all = &timeline.rows;
    let is_shown = if f.alternate() { vec![true; all.len()] } else { shown(timeline) };
    let shown: Vec<_> =
        all.iter().zip(&is_shown).filter_map(|(row, shown)| shown.then_some(row)).collect();
    let columns = Columns::new(timeline, &shown);
    if columns.legend {
        for task in &columns.tasks {
            let location = timeline.locations.get(task);
            writeln!(f, "  {} (from {})", timeline.label(*task), location.map_or("", |it| it))?;
        }
    }
    let times: Vec<_> = shown.iter().map(|row| time(row.at)).collect();
    let wide = times.iter().map(|time| time.chars().count()).max().unwrap_or_default().max(4);
    write!(f, "  step  {:>wide$}", "time")?;
    for head in &columns.heads {
        write!(f, "  {head}")?;
    }
    writeln!(f)?;
    let mut alive: BTreeSet<u32> = [0].into();
    let (mut omitted, mut hint) = (0, ": `{:#}` or `DST_TIMELINE=all` shows them");
    for (index, row) in all.iter().enumerate() {
        alive.extend(&row.spawned);
        if is_shown[index] {
            write!(f, "{:>6}  {:>wide$}", row.step, time(row.at))?;
            for (task, head) in columns.tasks.iter().zip(&columns.heads) {
                let (mark, rest) = (mark(row, *task, &alive), head.chars().count() - 1);
                write!(f, "  {mark}{:rest$}", "")?;
            }
            if columns.tasks.is_empty() {
                write!(f, "  {}:", row.task.map_or("", |task| timeline.label(task)))?;
            }
            writeln!(f, "  {}", row.words.join("; ").replace('\n', " "))?;
        } else {
            omitted += 1;
            let is_last = is_shown.get(index + 1).is_none_or(|shown| *shown);
            if is_last {
                let plural = if omitted == 1 { "" } else { "s" };
                writeln!(f, "     ⋮  {:>wide$}  {omitted} row{plural} omitted{hint}", "")?;
                (omitted, hint) = (0, "");
            }
        }
        for task in &row.ended {
            alive.remove(task);
        }
    }
    write!(f, "        {:>wide$}  ▶ {}", "", timeline.ending())
}

/// The mark of a task in a row.
fn mark(row: &Row, task: u32, alive: &BTreeSet<u32>) -> char {
    if row.task == Some(task) {
        return match () {
            () if row.panicked => '✗',
            () if row.ended.contains(&task) => '■',
            () => '●',
        };
    }
    match () {
        () if row.ended.contains(&task) => '■',
        () if row.spawned.contains(&task) => '┬',
        () if row.woken.contains(&task) => '◀',
        () if alive.contains(&task) => '│',
        () => ' ',
    }
}
