//! The costs as Markdown.

use std::fmt;

use super::{Build, Cost, LEADING};
use crate::case::{BACKENDS, CONTROL, GROUP, OPAQUE, PADDED, TYPED};
use crate::report::{Table, Time, grid, or_dash};

/// The columns of the first table.
const GLANCE: [(&str, Build); 4] = [
    ("spawn and join", Build::One),
    ("spawn and join", Build::Every),
    ("spawn detached", Build::One),
    ("spawn detached", Build::Every),
];

/// The first table: the two operations that matter most, as users have them.
pub(crate) struct Glance<'a>(pub(crate) &'a [Cost]);

/// A table for each runtime, with a column for each build.
pub(crate) struct Runtimes<'a>(pub(crate) &'a [Cost]);

/// What is measured in one build only.
pub(crate) struct Others<'a>(pub(crate) &'a [Cost]);

fn find<'a>(
    costs: &'a [Cost],
    build: Build,
    backend: &str,
    work: &str,
    way: &str,
) -> Option<&'a Time> {
    let mut times = costs.iter().filter(|cost| cost.build == build).map(|cost| &cost.time);
    times.find(|time| (time.backend, time.work, time.way) == (backend, work, way))
}

impl fmt::Display for Glance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = GLANCE.map(|(work, build)| format!("{work}, {}", build.name()));
        let columns = [""].into_iter().chain(columns.iter().map(String::as_str));
        let mut table = Table::new(columns.chain(["spawn and join natively, ns"]));
        let mut rows = 0;
        for (backend, _) in BACKENDS {
            let times = GLANCE.map(|(work, build)| find(self.0, build, backend, work, TYPED));
            if times.iter().all(Option::is_none) {
                continue;
            }
            rows += 1;
            let cells = times.map(|time| or_dash(time.map(Time::marked_median)));
            let native = times[1].or(times[0]).filter(|time| time.work == "spawn and join");
            let native = or_dash(native.map(|time| time.native_per_task.as_nanos()));
            table.row([(*backend).to_owned()].into_iter().chain(cells).chain([native]));
        }
        if rows == 0 {
            return Ok(());
        }
        writeln!(
            f,
            "## At a glance\n\n\
             How much longer a task that does nothing takes through an `Arc<dyn Spawner>` than through \
             the runtime's own function: 1.00 is no longer. *One backend* is a build with the feature of \
             this runtime, *every backend* one in which some dependency turns on the others, too. Both \
             are release builds with the system's allocator, and nothing is tuned. A task that \
             does something hides most of it: see [the WebSocket server](#a-websocket-server).\n\n{table}"
        )?;
        writeln!(f, "![The ratios as a chart]({})\n", crate::chart::PATH)
    }
}

impl fmt::Display for Runtimes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = |cost: &Cost| LEADING.contains(&(cost.time.work, cost.time.way));
        if !self.0.iter().any(wanted) {
            return Ok(());
        }
        writeln!(
            f,
            "## By runtime\n\n\
             The median of the ratios, and the quartiles in parentheses. The first two columns are what \
             users have. The others are builds with every backend: *mimalloc* has that allocator, on both sides; \
             *glibc tuned* keeps freed memory, so that the page faults of a round are no part of it (`settle.rs` in \
             `crates/costs` has the settings). The *control* is native against native in the second build: \
             what differs there is noise. The rows of groups compare with what their names say, a \
             `TaskGroup` with the same spawn without it.\n"
        )?;
        for (backend, _) in BACKENDS {
            self.runtime(f, backend)?;
        }
        Ok(())
    }
}

impl Runtimes<'_> {
    fn runtime(&self, f: &mut fmt::Formatter<'_>, backend: &str) -> fmt::Result {
        let columns = Build::ALL.iter().map(|build| build.name());
        let columns = [""].into_iter().chain(columns).chain(["control", "natively, ns"]);
        let mut table = Table::new(columns);
        let mut rows = 0;
        for (work, way) in LEADING {
            let times = Build::ALL.map(|build| find(self.0, build, backend, work, way));
            let Some(first) = times.iter().flatten().next() else { continue };
            rows += 1;
            let cells = times.map(|time| or_dash(time.map(Time::marked)));
            // That of the works on an opaque spawner is the one of the typed way.
            let control = find(self.0, Build::Every, backend, work, CONTROL);
            let control = or_dash(control.map(|time| time.ratio));
            let native = times[1].unwrap_or(first).native_per_task.as_nanos();
            let cells = cells.into_iter().chain([control, native.to_string()]);
            table.row([label(work, way)].into_iter().chain(cells));
        }
        if rows == 0 {
            return Ok(());
        }
        writeln!(f, "### {backend}\n\n{table}")
    }
}

/// The name of a row.
pub(crate) fn label(work: &str, way: &str) -> String {
    match way {
        OPAQUE => format!("{work}, a spawner of your own"),
        _ => work.to_owned(),
    }
}

impl fmt::Display for Others<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = [
            (TYPED, "Other operations", "Aborting, sleeping, time limits and blocking work."),
            (
                OPAQUE,
                "Other operations on a spawner of your own",
                "An `Arc<dyn Spawner>` that a caller wrote, and that the crate does not know.",
            ),
            (
                CONTROL,
                "Control of the other operations",
                "Native against native, to tell noise from cost.",
            ),
            (
                PADDED,
                "Padded handles",
                "Native, with handles as large as ours, to tell what their size costs.",
            ),
        ];
        for (way, title, meaning) in sections {
            let is_leading = |time: &Time| {
                let leads = |way| LEADING.contains(&(time.work, way));
                leads(way) || way == CONTROL && (leads(TYPED) || leads(GROUP))
            };
            let times = self.0.iter().filter(|cost| cost.build == Build::Every);
            let times = times.map(|cost| &cost.time).filter(|time| time.way == way);
            let times: Vec<_> = times.filter(|time| !is_leading(time)).collect();
            if times.is_empty() {
                continue;
            }
            writeln!(
                f,
                "## {title}\n\n{meaning} With every backend, and the system's allocator.\n"
            )?;
            writeln!(f, "{}", grid(&times, Time::marked))?;
            if way == TYPED {
                writeln!(f, "Natively, in nanoseconds for each task or sleep. These drift.\n")?;
                let nanos = |time: &Time| time.native_per_task.as_nanos().to_string();
                writeln!(f, "{}", grid(&times, nanos))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::LEADING;
    use crate::case::BACKENDS;

    #[test]
    fn all_leading_work_is_there() {
        let (name, cases) = BACKENDS[0];
        let cases = cases(name);
        let ways = cases.iter().flat_map(|case| {
            case.shims.iter().map(|(way, _)| (case.work, *way)).collect::<Vec<_>>()
        });
        let known: BTreeSet<_> = ways.collect();
        for row in LEADING {
            assert!(known.contains(&row), "{row:?} is not measured");
        }
    }
}
