//! The results, as a table.

use std::fmt;
use std::time::Duration;

/// The results on one backend.
pub(crate) struct Row {
    pub(crate) backend: &'static str,
    pub(crate) connections: usize,
    pub(crate) messages: usize,
    pub(crate) lost: usize,
    /// The time that all messages took together.
    pub(crate) elapsed: Duration,
    /// The time that each message took, from the shortest to the longest.
    pub(crate) latencies: Vec<Duration>,
}

impl Row {
    fn rate(&self) -> u128 {
        let answered = (self.messages - self.lost) as u128;
        answered * 1_000_000 / self.elapsed.as_micros().max(1)
    }

    /// The latency that this percentage of the messages did not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.latencies.len() * percent).div_ceil(100);
        self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

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
