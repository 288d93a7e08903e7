//! The comparison as Markdown.

use std::fmt;

use super::{PEERS, Peer, Scale, WORKS};

/// The section of the report.
pub(crate) struct Section<'a>(pub(crate) &'a [Peer], pub(crate) &'a [Scale]);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            writeln!(
                f,
                "## The simulation\n\n\
                 How much longer others take for the same program than this crate's simulation, \
                 with the random strategy and the hash of its trace: above 1.00 ours is faster. \
                 tokio's paused clock and turmoil run one schedule, and shuttle has no clock.\n\n\
                 |  | {} |\n| --- |{}",
                PEERS.join(" | "),
                " --- |".repeat(PEERS.len())
            )?;
            for work in WORKS {
                write!(f, "| {work} |")?;
                for name in PEERS {
                    match self.0.iter().find(|peer| (peer.name, peer.work) == (name, work)) {
                        Some(peer) => write!(f, " {} |", peer.ratio)?,
                        None => write!(f, "  |")?,
                    }
                }
                writeln!(f)?;
            }
            writeln!(f)?;
        }
        if !self.1.is_empty() {
            writeln!(
                f,
                "What a step costs beside tasks that take none, in nanoseconds. These do drift.\n\n\
                 | tasks | waiting for | a step |\n| --- | --- | --- |"
            )?;
            for scale in self.1 {
                let step = scale.step.as_nanos();
                writeln!(f, "| {} | {} | {step} |", scale.tasks, scale.waiting)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
