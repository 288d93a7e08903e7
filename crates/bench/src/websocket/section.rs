//! The comparison as Markdown.

use std::fmt;

use super::WAYS;
use crate::case::CONTROL;
use crate::report::{Time, grid};

/// The section of the report.
pub(crate) struct Section<'a>(pub(crate) &'a [Time]);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "## A WebSocket server\n\n\
             The time that the example `websocket_server`, TLS included, takes to answer its \
             clients, against that of the same source with the runtime's own `spawn` written in: \
             1.00 is the same throughput. The clients are in one task on the same runtime, and go \
             through nothing of this crate. An open connection was spawned before the first round; \
             a connection for each request is a spawn and a join for each, with the handshakes and \
             the closing.\n"
        )?;
        for (way, meaning) in WAYS {
            self.table(f, way, meaning, |time| time.ratio.to_string())?;
        }
        self.table(f, CONTROL, "Requests per second, natively. These do drift:", |time| {
            format!("{:.0}", time.native_per_task.as_secs_f64().recip())
        })
    }
}

impl Section<'_> {
    fn table(
        &self,
        f: &mut fmt::Formatter<'_>,
        way: &str,
        meaning: &str,
        cell: impl Fn(&Time) -> String,
    ) -> fmt::Result {
        let times: Vec<_> = self.0.iter().filter(|time| time.way == way).collect();
        if times.is_empty() {
            return Ok(());
        }
        writeln!(f, "{meaning}\n\n{}", grid(&times, cell))
    }
}
