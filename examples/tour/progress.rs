//! The progress of the tour, on stderr: a bar on a terminal, otherwise a line per backend.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_io::Timer;

/// The time between two updates of the bar.
const REFRESH: Duration = Duration::from_millis(50);

/// The width of the bar.
const WIDTH: usize = 30;

/// The progress on one backend.
pub(crate) struct Progress {
    backend: &'static str,
    total: usize,
    answered: AtomicUsize,
}

impl Progress {
    pub(crate) fn new(backend: &'static str, total: usize) -> Progress {
        Progress { backend, total, answered: AtomicUsize::new(0) }
    }

    /// The number of answered requests. The clients increment it.
    pub(crate) fn answered(&self) -> &AtomicUsize {
        &self.answered
    }

    /// Shows the progress for as long as this is polled.
    pub(crate) async fn show(&self) -> Infallible {
        loop {
            if io::stderr().is_terminal() {
                self.draw();
            }
            Timer::after(REFRESH).await;
        }
    }

    /// Shows the final number.
    pub(crate) fn finish(&self) {
        if io::stderr().is_terminal() {
            self.draw();
            eprintln!();
        } else {
            let answered = self.answered.load(Ordering::Relaxed);
            eprintln!("{}: {answered} of {} requests answered", self.backend, self.total);
        }
    }

    fn draw(&self) {
        let Progress { backend, total, answered } = self;
        let answered = answered.load(Ordering::Relaxed);
        let filled = WIDTH * answered / (*total).max(1);
        let bar = "#".repeat(filled);
        // A closed terminal is no reason to stop.
        let _ = write!(io::stderr(), "\r{backend:<22}[{bar:<WIDTH$}] {answered}/{total}");
    }
}
