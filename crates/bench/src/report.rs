//! The figures as Markdown.

mod peers;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::costs::{self, Cost};
use crate::instructions::Functions;
use crate::machine;
use crate::measure::{Effort, Ratio};
use crate::memory::{self, Peaks, Pending};
use crate::probe::{OnDrop, OnPanic};
use crate::reasons::{self, Reason};
use crate::{simulation, tracking, websocket};

/// Everything that was measured.
pub struct Report {
    /// The command that made it.
    pub command: String,
    /// How much was measured.
    pub effort: Effort,
    /// This crate against the runtimes.
    pub costs: Vec<Cost>,
    /// The same, counted. `None` if there is no valgrind.
    pub instructions: Option<Vec<Instructions>>,
    /// Peak memory.
    pub memory: Vec<Memory>,
    /// The WebSocket server against itself, natively.
    pub websocket: Vec<Time>,
    /// Simulations of others against this crate's.
    pub simulation: (Vec<simulation::Peer>, Vec<simulation::Scale>),
    /// Groups of tasks against bare spawns.
    pub tracking: Vec<Time>,
    /// Peers against the runtimes.
    pub peers: Vec<Peer>,
}

/// One work, in one way, on one backend.
pub struct Time {
    /// The name of the backend.
    pub backend: &'static str,
    /// The name of the work.
    pub work: &'static str,
    /// The name of the way.
    pub way: &'static str,
    /// Against native.
    pub ratio: Ratio,
    /// Natively, for each task.
    pub native_per_task: Duration,
}

/// One work on one backend, in one way and natively.
pub struct Instructions {
    /// The name of the backend.
    pub backend: &'static str,
    /// The name of the work.
    pub work: &'static str,
    /// The name of the way.
    pub way: &'static str,
    /// With this backend alone.
    pub one: Counts,
    /// With every backend.
    pub every: Counts,
}

/// Instructions for each task, in one build.
pub struct Counts {
    /// Natively.
    pub native: Functions,
    /// Through this crate.
    pub ours: Functions,
}

impl Counts {
    /// How many more.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.ours.total() / self.native.total()
    }
}

/// The peak memory of one backend.
pub struct Memory {
    /// The name of the backend.
    pub backend: &'static str,
    /// What was pending.
    pub what: Pending,
    /// The figures.
    pub peaks: Peaks,
}

/// What a peer costs and does.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// Its package.
    pub package: Option<&'static str>,
    /// What it ran on.
    pub runtime: &'static str,
    /// Against native.
    pub join: Option<Ratio>,
    /// Against native.
    pub detach: Ratio,
    /// What becomes of a task whose handle is dropped.
    pub on_drop: Option<OnDrop>,
    /// What the joiner of a task that panics gets.
    pub on_panic: Option<OnPanic>,
    /// What it does otherwise.
    pub note: &'static str,
}

impl fmt::Display for Report {
    /// Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.introduction(f)?;
        write!(f, "{}", costs::Glance(&self.costs))?;
        machine(f)?;
        write!(f, "{}", costs::Runtimes(&self.costs))?;
        write!(f, "{}", costs::Others(&self.costs))?;
        self.instructions(f)?;
        self.memory(f)?;
        write!(f, "{}", reasons::Section(self.instructions.as_deref().unwrap_or_default()))?;
        write!(f, "{}", websocket::Section(&self.websocket))?;
        write!(f, "{}", simulation::Section(&self.simulation.0, &self.simulation.1))?;
        write!(f, "{}", tracking::Section(&self.tracking))?;
        write!(f, "{}", peers::Section(&self.peers))
    }
}

impl Report {
    fn introduction(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Effort { pairs, round } = self.effort;
        let command = &self.command;
        let round = round.as_secs_f64() * 1e3;
        writeln!(
            f,
            "# Benchmarks\n\n\
             Made by `{command}`; nothing here is typed by hand.\n\n\
             Times drift with the load of the machine, so each figure is a ratio: of {pairs} pairs \
             of rounds, one native and one not, in alternating order in one process on one \
             runtime, the median of the pairs' ratios. A round takes {round} ms or more. Figures in bold \
             are over their bound, and the letters beside them are reasons, in \
             [Where it goes](#where-it-goes).\n"
        )
    }

    fn instructions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(instructions) = &self.instructions else {
            return writeln!(f, "Instructions were not counted: there is no valgrind.\n");
        };
        if instructions.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "## Instructions\n\nFor each task or sleep, counted by callgrind where the work is done by one \
             thread; the test `instructions` in `crates/costs` holds them to their bounds. These do not drift. \
             What is compared with is native, and for groups what their names say.\n"
        )?;
        let columns = ["backend", "work", "one backend", "ratio", "every backend", "ratio"];
        let mut table = Table::new(columns);
        for Instructions { backend, work, way, one, every } in instructions {
            let sum = |counts: &Counts| {
                let (native, ours) = (counts.native.total(), counts.ours.total());
                format!("{native:.1}, {ours:.1}")
            };
            let bound = reasons::bound(backend, work, way);
            let reasons = reasons::reasons(backend, work, way);
            let ratio = |counts: &Counts| {
                let ratio = counts.ratio();
                let over = bound.is_some_and(|bound| ratio > bound);
                mark(&format!("{ratio:.3}"), "", over.then_some(&reasons))
            };
            table.row([
                (*backend).to_owned(),
                costs::label(work, way),
                sum(one),
                ratio(one),
                sum(every),
                ratio(every),
            ]);
        }
        writeln!(f, "{table}")
    }

    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.memory.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "## Memory\n\nThe peak of a process with {} of them pending, in MiB. *Alone* is a build with this backend \
             and no other, as most programs are; *all* is one with every backend, for which a handle and a sleep have \
             room. Tasks may take 1.01 of native, and sleeps 1.10.\n",
            memory::TASKS
        )?;
        let columns = ["backend", "pending", "native", "alone", "ratio", "all", "ratio"];
        let mut table = Table::new(columns);
        for &Memory { backend, what, peaks } in &self.memory {
            let Peaks { native, alone, among_all } = peaks;
            #[expect(clippy::cast_precision_loss, reason = "no machine has so much memory")]
            let [native, alone, all] = [native, alone, among_all].map(|peak| peak as f64 / 1024.0);
            let reasons = reasons::memory_reasons(backend, what);
            let ratio = |typed: f64| {
                let ratio = typed / native;
                let over = ratio > reasons::memory_bound(what);
                mark(&format!("{ratio:.3}"), "", over.then_some(&reasons))
            };
            table.row([
                backend.to_owned(),
                what.name().to_owned(),
                format!("{native:.1}"),
                format!("{alone:.1}"),
                ratio(alone),
                format!("{all:.1}"),
                ratio(all),
            ]);
        }
        writeln!(f, "{table}")
    }
}

fn machine(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut table = Table::new(["machine", ""]);
    for (what, value) in machine::description() {
        table.row([what.to_owned(), value]);
    }
    for package in ["tokio", "smol", "async-std", "async-executor", "mimalloc"] {
        table.row([package.to_owned(), machine::version(package).unwrap_or("unknown").into()]);
    }
    writeln!(f, "{table}")
}

impl Time {
    /// The ratio, and why it is over its bound if it is.
    pub(crate) fn marked(&self) -> String {
        let Ratio { lower, upper, .. } = self.ratio;
        self.mark(&format!(" ({lower:.2}–{upper:.2})"))
    }

    /// The same without the quartiles.
    pub(crate) fn marked_median(&self) -> String {
        self.mark("")
    }

    fn mark(&self, spread: &str) -> String {
        let Time { backend, work, way, ratio, .. } = self;
        let over = reasons::bound(backend, work, way).is_some_and(|bound| ratio.median > bound);
        let reasons = reasons::reasons(backend, work, way);
        mark(&format!("{:.2}", ratio.median), spread, over.then_some(&reasons))
    }
}

/// A figure, in bold and with its reasons if it is over its bound.
fn mark(figure: &str, spread: &str, over: Option<&BTreeSet<Reason>>) -> String {
    let Some(reasons) = over else { return format!("{figure}{spread}") };
    let letters = reasons.iter().map(|reason| reason.letter()).collect::<String>();
    let space = if letters.is_empty() { "" } else { " " };
    format!("**{figure}**{spread}{space}{letters}")
}

/// A row for each work, a column for each backend.
pub(crate) fn grid(times: &[&Time], cell: impl Fn(&Time) -> String) -> impl fmt::Display {
    let mut backends = Vec::new();
    let mut works = Vec::new();
    for time in times {
        if !backends.contains(&time.backend) {
            backends.push(time.backend);
        }
        if !works.contains(&time.work) {
            works.push(time.work);
        }
    }
    let mut table = Table::new([""].into_iter().chain(backends.iter().copied()));
    for work in works {
        let cells = backends.iter().map(|backend| {
            let time = times.iter().find(|time| time.work == work && time.backend == *backend);
            or_dash(time.map(|time| cell(time)))
        });
        table.row([work.to_owned()].into_iter().chain(cells));
    }
    table
}

pub(crate) fn or_dash<T: fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// A table in Markdown.
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Table {
        let mut table = Table(String::new());
        let columns: Vec<_> = columns.into_iter().map(str::to_owned).collect();
        let rule = columns.iter().map(|_| "---".to_owned()).collect::<Vec<_>>();
        table.row(columns);
        table.row(rule);
        table
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        for cell in cells {
            // Writing to a string cannot fail.
            let _ = write!(self.0, "| {cell} ");
        }
        self.0.push_str("|\n");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
