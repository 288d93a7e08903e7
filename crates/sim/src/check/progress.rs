//! The progress line on a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(100);

/// A line on stderr that shows the progress, if that is a terminal.
pub(super) struct Progress {
    runs: u64,
    done: AtomicU64,
    failures: AtomicU64,
    start: Instant,
    /// When the line was written last, and whether it was; `None` if it never is.
    written: Option<Mutex<(Instant, bool)>>,
}

impl Progress {
    pub(super) fn new(runs: u64) -> Progress {
        let start = Instant::now();
        Progress {
            runs,
            done: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            start,
            written: stderr().is_terminal().then(|| Mutex::new((start, false))),
        }
    }

    /// A schedule was run.
    pub(super) fn ran(&self, failed: bool) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let failures =
            self.failures.fetch_add(failed.into(), Ordering::Relaxed) + u64::from(failed);
        // If the lock is taken, another thread is writing figures that are as new.
        let Some(mut written) = self.written.as_ref().and_then(|written| written.try_lock().ok())
        else {
            return;
        };
        if written.0.elapsed() >= EVERY {
            *written = (Instant::now(), true);
            let line = line(done, self.runs, failures, self.start.elapsed());
            // Not by `eprint!`, which the test harness would catch and show with the failure.
            let _ = write!(stderr(), "\r{line}\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let written = self.written.take().and_then(|written| written.into_inner().ok());
        if let Some((_, true)) = written {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn line(done: u64, runs: u64, failures: u64, elapsed: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is shown without decimals")]
    let speed = done as f64 / elapsed.as_secs_f64().max(0.001);
    let plural = if failures == 1 { "" } else { "s" };
    format!("{done} of {runs} schedules, {speed:.0} per second, {failures} failure{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_and_how_fast() {
        let said = line(250, 1000, 1, Duration::from_millis(500));
        assert_eq!(said, "250 of 1000 schedules, 500 per second, 1 failure");
    }
}
