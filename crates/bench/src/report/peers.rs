//! The comparison with peers as Markdown.

use std::fmt;

use super::{Peer, Table, or_dash};
use crate::machine;
use crate::measure::Ratio;

/// The section of the report.
pub(super) struct Section<'a>(pub(super) &'a [Peer]);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "## Peers\n\n\
             The same work through other crates, against the runtime named. *Of ours* is the ratio \
             divided by that of `SpawnerExt` on the same runtime: less than 1.00 is cheaper than \
             this crate.\n\n{}",
            self.costs()
        )?;
        writeln!(
            f,
            "What they do otherwise. What becomes of a task when its handle is dropped, and what \
             the joiner of a task that panics gets, was found by trying.\n"
        )?;
        write!(f, "{}", self.conduct())
    }
}

impl Section<'_> {
    fn costs(&self) -> Table {
        let columns = [
            "through",
            "version",
            "against",
            "spawn and join",
            "of ours",
            "spawn detached",
            "of ours",
        ];
        let mut table = Table::new(columns);
        for peer in self.0 {
            // The first one is this crate, if it was measured.
            let ours = self.0.first().filter(|it| it.package.is_none());
            let ours = ours.filter(|it| it.runtime == peer.runtime);
            let against = |this: Option<Ratio>, ours: Option<Ratio>| {
                let of = this.zip(ours).map(|(this, ours)| this.median / ours.median);
                or_dash(of.map(|of| format!("{of:.2}")))
            };
            table.row([
                peer.name.to_owned(),
                peer.package.map_or("", |it| machine::version(it).unwrap_or("unknown")).to_owned(),
                peer.runtime.to_owned(),
                or_dash(peer.join),
                against(peer.join, ours.and_then(|ours| ours.join)),
                peer.detach.to_string(),
                against(Some(peer.detach), ours.map(|ours| ours.detach)),
            ]);
        }
        table
    }

    fn conduct(&self) -> Table {
        let columns = ["through", "handle dropped: the task", "task panics: the joiner gets", ""];
        let mut table = Table::new(columns);
        for peer in self.0 {
            table.row([
                peer.name.to_owned(),
                or_dash(peer.on_drop),
                or_dash(peer.on_panic),
                peer.note.to_owned(),
            ]);
        }
        table
    }
}
