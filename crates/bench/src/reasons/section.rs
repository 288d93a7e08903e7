//! The reasons as Markdown, with their evidence.

use std::fmt;

use super::{ALL, BOX, TYPED_SPAWN, TYPED_WAIT};
use crate::report::{Instructions, Table};

/// How many functions a profile has.
const FUNCTIONS: usize = 10;

/// The section of the report.
pub(crate) struct Section<'a>(pub(crate) &'a [Instructions]);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Where it goes\n\n\
             A figure in bold is over its bound: {TYPED_SPAWN:.2} for what is spawned through the \
             typed methods, {TYPED_WAIT:.2} for sleeps, time limits and what blocks, {BOX:.2} for \
             the opaque and the boxed way. The letters beside it are the reasons:\n"
        )?;
        for reason in ALL {
            writeln!(f, "- **{}. {}.** {}", reason.letter(), reason.title(), reason.text())?;
        }
        if self.0.is_empty() {
            return writeln!(f);
        }
        writeln!(
            f,
            "\nThe evidence: instructions for each task, by function, where native and typed differ \
             most. What a function calls is not in its figure, and what the compiler put into its \
             caller is in the caller's. Names are without type arguments, so that a native function \
             and ours stand in one row.\n"
        )?;
        for profile in self.0 {
            self::profile(f, profile)?;
        }
        Ok(())
    }
}

fn profile(f: &mut fmt::Formatter<'_>, profile: &Instructions) -> fmt::Result {
    let Instructions { backend, work, native, typed } = profile;
    writeln!(f, "### {backend}: {work}\n")?;
    let difference = typed.minus(native);
    let (largest, rest) = difference.largest(FUNCTIONS);
    let mut table = Table::new(["function", "native", "typed", "difference"]);
    for (name, difference) in largest {
        let counts = [native.of(name), typed.of(name)].map(|count| format!("{count:.1}"));
        let [native, typed] = counts;
        table.row([format!("`{name}`"), native, typed, format!("{difference:+.1}")]);
    }
    table.row(["all others".to_owned(), String::new(), String::new(), format!("{rest:+.1}")]);
    table.row([
        "all".to_owned(),
        format!("{:.1}", native.total()),
        format!("{:.1}", typed.total()),
        format!("{:+.1}", difference.total()),
    ]);
    writeln!(f, "{table}")
}
