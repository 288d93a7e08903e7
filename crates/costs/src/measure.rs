//! Rounds in pairs, and the ratios between them.

use std::fmt;
use std::time::{Duration, Instant};

/// Does a work so many times, and gives the time that it took.
pub type Rounds<'a> = &'a dyn Fn(u64) -> Duration;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    /// How many pairs of rounds.
    pub pairs: usize,
    /// How long a round lasts, at least.
    pub round: Duration,
}

/// How much longer one way takes than another.
#[derive(Clone, Copy)]
pub struct Ratio {
    /// The median of the ratios of all pairs.
    pub median: f64,
    /// The lower quartile.
    pub lower: f64,
    /// The upper quartile.
    pub upper: f64,
    /// What the work takes natively, once: the median.
    pub native: Duration,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.lower, self.upper)
    }
}

impl Effort {
    /// Runs rounds of both, in the order A B B A A B …, and compares the two of each pair.
    #[must_use]
    pub fn compare(self, native: Rounds<'_>, shim: Rounds<'_>) -> Ratio {
        let rounds = self.calibrate(native);
        // Caches, and the memory that the runtimes keep, are warm after one round of each.
        shim(rounds);

        let mut ratios = Vec::with_capacity(self.pairs);
        let mut natives = Vec::with_capacity(self.pairs);
        for pair in 0..self.pairs {
            let (native, shim) = if pair % 2 == 0 {
                let native = native(rounds);
                (native, shim(rounds))
            } else {
                let shim = shim(rounds);
                (native(rounds), shim)
            };
            ratios.push(shim.as_secs_f64() / native.as_secs_f64());
            natives.push(native.as_secs_f64() / as_f64(rounds));
        }
        ratios.sort_by(f64::total_cmp);
        natives.sort_by(f64::total_cmp);
        Ratio {
            median: quantile(&ratios, 0.5),
            lower: quantile(&ratios, 0.25),
            upper: quantile(&ratios, 0.75),
            native: Duration::from_secs_f64(quantile(&natives, 0.5)),
        }
    }

    /// How often the work fits into a round.
    fn calibrate(self, run: Rounds<'_>) -> u64 {
        run(1);
        let mut rounds = 1;
        loop {
            // Not the time that the run gives: it may leave out most of the work.
            let start = Instant::now();
            run(rounds);
            if start.elapsed() >= self.round {
                return rounds;
            }
            rounds += rounds.div_ceil(2);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// A quantile of sorted values, between the two nearest where it falls between.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "it is an index into the values"
)]
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let position = at * (sorted.len() - 1) as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    #[expect(clippy::float_cmp, reason = "these have no rounding errors")]
    fn quantiles_lie_between_the_values() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.0, 0.5, 1.0].map(|at| quantile(&values, at)), [1.0, 2.5, 4.0]);
        assert_eq!(quantile(&[7.0], 0.25), 7.0);
    }
}
