//! The outcome of a soak, as a table.

use std::fmt;

use super::account::Account;
use super::{LOAD_GROWTH, Plan, QUIET_GROWTH, Round};

/// The outcome of a soak.
pub struct Outcome {
    rows: Vec<(&'static str, String)>,
    mistakes: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        backend: &str,
        plan: Plan,
        account: &Account,
        at_start: usize,
        first: Round,
        second: Round,
    ) -> Outcome {
        let (mut mistakes, more) = account.mistakes();
        if more > 0 {
            mistakes.push(format!("and {more} more"));
        }
        let left = [first.leftovers, second.leftovers].concat();
        mistakes.extend(left.iter().map(|task| format!("left: {task}")));

        let (early, late) = halves(&second.loads);
        if second.quiet > first.quiet + QUIET_GROWTH {
            mistakes.push("the memory usage has grown from the warm-up to the end".to_owned());
        }
        if late > early + early / 4 + LOAD_GROWTH {
            mistakes.push("the memory usage has grown under load".to_owned());
        }

        let number = |number: u64| number.to_string();
        let rows = vec![
            ("backend", backend.to_owned()),
            ("seed", number(plan.seed)),
            ("time", format!("{} s", plan.time.as_secs())),
            ("clients", plan.connections.to_string()),
            ("connections", number(account.connected.get())),
            ("", String::new()),
            ("actions", number(account.actions())),
            ("  completed", number(account.completed.get())),
            ("  failed", number(account.failed.get())),
            ("  panicked", number(account.panicked.get())),
            ("  cancelled, or their service stopped", number(account.cancelled.get())),
            ("  cut off with their connection", number(account.cut.get())),
            ("actions refused", number(account.refused.get())),
            ("other requests", number(account.others.get())),
            ("events", number(account.events.get())),
            ("lost events", number(account.lost.get())),
            ("", String::new()),
            ("services started", number(account.started.get())),
            ("  stopped", number(account.stopped.get())),
            ("  killed", number(account.killed.get())),
            ("  restarted", number(account.restarted.get())),
            ("  panicked", number(account.crashed.get())),
            ("  failed to start", number(account.start_failed.get())),
            ("server restarts", number(account.server_restarts.get())),
            ("tasks left", (first.left + second.left).to_string()),
            ("", String::new()),
            ("memory at the start", size(at_start)),
            ("  after the warm-up", size(first.quiet)),
            ("  at the end", size(second.quiet)),
            ("  under load, first half", size(early)),
            ("  under load, second half", size(late)),
        ];
        Outcome { rows, mistakes }
    }

    /// Whether no mistake was found.
    pub fn is_clean(&self) -> bool {
        self.mistakes.is_empty()
    }
}

/// The medians of the first and the second half. The first eighth, in which the clients connect, is
/// left out.
fn halves(loads: &[usize]) -> (usize, usize) {
    let loads = &loads[loads.len() / 8..];
    let (early, late) = loads.split_at(loads.len() / 2);
    (median(early), median(late))
}

fn median(loads: &[usize]) -> usize {
    let mut sorted = loads.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal or two")]
pub(super) fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn size(bytes: usize) -> String {
    format!("{:.2} MiB", mebibytes(bytes))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let values = self.rows.iter().map(|(_, value)| value.len()).max().unwrap_or_default();
        for (name, value) in &self.rows {
            let line = format!("{name:<names$}  {value:>values$}");
            writeln!(f, "{}", line.trim_end())?;
        }
        for mistake in &self.mistakes {
            writeln!(f, "MISTAKE: {mistake}")?;
        }
        Ok(())
    }
}
