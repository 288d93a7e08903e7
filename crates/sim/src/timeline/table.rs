//! A timeline as text.

use std::collections::BTreeSet;
use std::fmt;

use super::{Row, Timeline, time};

/// How many rows are shown at the beginning and at the end; those between are left out.
const HEAD: usize = 20;
const TAIL: usize = 60;

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

pub(super) fn write(timeline: &Timeline, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let all = &timeline.rows;
    let cut = all.len() > HEAD + TAIL;
    let (head, tail) = if cut { (HEAD, all.len() - TAIL) } else { (all.len(), all.len()) };
    let shown: Vec<_> = all[..head].iter().chain(&all[tail..]).collect();
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
    for (index, row) in all.iter().enumerate() {
        if cut && index == head {
            writeln!(f, "     ⋮  {:>wide$}  {} rows omitted", "", tail - head)?;
        }
        alive.extend(&row.spawned);
        if index < head || index >= tail {
            write!(f, "{:>6}  {:>wide$}", row.step, time(row.at))?;
            for (task, head) in columns.tasks.iter().zip(&columns.heads) {
                let (mark, rest) = (mark(row, *task, &alive), head.chars().count() - 1);
                write!(f, "  {mark}{:rest$}", "")?;
            }
            if columns.tasks.is_empty() {
                write!(f, "  {}:", row.task.map_or("", |task| timeline.label(task)))?;
            }
            writeln!(f, "  {}", row.words.join("; ").replace('\n', " "))?;
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
