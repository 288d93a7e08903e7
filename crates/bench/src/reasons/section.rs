//! The reasons as Markdown, with their evidence.

use std::fmt;

use super::{ALL, ASYNC_TASK, BOX, JOIN_GROUP, TASK_GROUP, TOKIO, WAIT};
use crate::case::TYPED;
use crate::costs;
use crate::groups;
use crate::report::{Counts, Instructions, Table};

/// How many functions a profile has.
const FUNCTIONS: usize = 10;

/// The section of the report.
pub(crate) struct Section<'a>(pub(crate) &'a [Instructions]);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Where it goes\n\n\
             A figure in bold is over its bound: {TOKIO:.2} for what is spawned on tokio, {ASYNC_TASK:.2} \
             on the executors made of async-task, {WAIT:.2} for sleeps, time limits and what blocks, {BOX:.2} \
             for a spawner of your own, {TASK_GROUP:.2} for a `TaskGroup`, and {JOIN_GROUP:.2} for a \
             `JoinGroup` against a `JoinSet`. The letters beside it are the reasons:\n"
        )?;
        for reason in ALL {
            writeln!(f, "- **{}. {}.** {}", reason.letter(), reason.title(), reason.text())?;
        }
        let mut profiles = self.0.iter().filter(|counts| is_profiled(counts)).peekable();
        if profiles.peek().is_none() {
            return writeln!(f);
        }
        writeln!(
            f,
            "\nThe evidence: instructions for each task, by function, where native and ours differ \
             most, in the build with every backend. What a function calls is not in its figure, and what the compiler put into its \
             caller is in the caller's. Names are without type arguments, so that a native function \
             and ours stand in one row.\n"
        )?;
        for profile in profiles {
            self::profile(f, profile)?;
        }
        Ok(())
    }
}

/// The works whose cost is looked up by function: on tokio and on async-executor, whose spawn is that
/// of smol as well, and on async-std where it has a reason of its own.
fn is_profiled(counts: &Instructions) -> bool {
    let Instructions { backend, work, way, .. } = counts;
    let usual = ["spawn and join", "spawn detached", "join when finished", "cancel while pending"];
    let groups = [groups::TASK_GROUP_DETACHED, groups::JOIN_GROUP_AND_SET];
    match backend {
        _ if *way != TYPED => {
            backend.starts_with("tokio")
                && ["spawn and join"].iter().chain(&groups).any(|it| it == work)
        }
        _ if backend.starts_with("tokio") || backend.starts_with("async-executor") => {
            usual.contains(work)
        }
        _ => backend.starts_with("async-std") && *work == "spawn detached",
    }
}

fn profile(f: &mut fmt::Formatter<'_>, profile: &Instructions) -> fmt::Result {
    let Instructions { backend, work, way, every: Counts { native, ours }, .. } = profile;
    writeln!(f, "### {backend}: {}\n", costs::label(work, way))?;
    let difference = ours.minus(native);
    let (largest, rest) = difference.largest(FUNCTIONS);
    let mut table = Table::new(["function", "native", "ours", "difference"]);
    for (name, difference) in largest {
        let counts = [native.of(name), ours.of(name)].map(|count| format!("{count:.1}"));
        let [native, ours] = counts;
        table.row([format!("`{name}`"), native, ours, format!("{difference:+.1}")]);
    }
    table.row(["all others".to_owned(), String::new(), String::new(), format!("{rest:+.1}")]);
    table.row([
        "all".to_owned(),
        format!("{:.1}", native.total()),
        format!("{:.1}", ours.total()),
        format!("{:+.1}", difference.total()),
    ]);
    writeln!(f, "{table}")
}
