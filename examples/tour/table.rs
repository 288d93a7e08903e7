//! The results, as a table.

use std::fmt;
use std::time::Duration;

use crate::load::{Load, Outcome};

/// The results on one backend.
pub(crate) struct Row {
    backend: &'static str,
    connections: usize,
    messages: usize,
    /// The number of messages without a correct reply.
    pub(crate) lost: usize,
    /// The time that all messages took together.
    elapsed: Duration,
    /// The latency of each message, in ascending order.
    latencies: Vec<Duration>,
}

impl Row {
    pub(crate) fn new(backend: &'static str, load: Load, outcome: Outcome) -> Row {
        let Outcome { conversations, elapsed } = outcome;
        let mut latencies: Vec<_> = conversations.into_iter().flat_map(|it| it.latencies).collect();
        latencies.sort_unstable();
        let messages = load.total();
        let lost = messages - latencies.len();
        Row { backend, connections: load.connections, messages, lost, elapsed, latencies }
    }

    /// The messages answered per second.
    fn rate(&self) -> u128 {
        self.latencies.len() as u128 * 1_000_000 / self.elapsed.as_micros().max(1)
    }

    /// The latency that this percentage of the messages did not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.latencies.len() * percent).div_ceil(100);
        self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

#[derive(Default)]
pub(crate) struct Table(pub(crate) Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22}{:>12}{:>10}{:>6}{:>9}{:>12}{:>12}",
            "backend", "connections", "messages", "lost", "msgs/s", "p50", "p99"
        )?;
        for row in &self.0 {
            writeln!(
                f,
                "{:<22}{:>12}{:>10}{:>6}{:>9}{:>12}{:>12}",
                row.backend,
                row.connections,
                row.messages,
                row.lost,
                row.rate(),
                Millis(row.percentile(50)).to_string(),
                Millis(row.percentile(99)).to_string(),
            )?;
        }
        Ok(())
    }
}

/// A duration in milliseconds.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms", self.0.as_secs_f64() * 1e3)
    }
}
