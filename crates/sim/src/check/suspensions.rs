//! Leaving out suspensions of ready operations that a failure does not need.

use super::shrink::Search;

/// How many schedules are tried.
const ATTEMPTS: u64 = 300;

impl Search<'_> {
    /// Tries to leave out suspensions: many at first, then one by one.
    pub(super) fn release(&mut self) {
        let last = self.attempts + ATTEMPTS;
        let mut size = self.best.tape.suspensions().len();
        while size > 0 {
            let mut end = self.best.tape.suspensions().len();
            while end > 0 && self.attempts < last && !self.is_over() {
                let start = end.saturating_sub(size);
                let fewer = without(self.best.tape.suspensions(), start, end);
                let faults = self.best.tape.faults().to_vec();
                self.attempt_all(self.plan.clone(), faults, fewer);
                // Others may have gone with them.
                end = start.min(self.best.tape.suspensions().len());
            }
            size /= 2;
        }
    }
}

/// Leaves out some suspensions. The operations between those that stay are the same.
fn without(suspensions: &[u32], start: usize, end: usize) -> Vec<u32> {
    let mut kept = suspensions[..start].to_vec();
    let mut rest = suspensions[end..].iter().copied();
    // There is no next one to wait for after the last.
    if let Some(next) = rest.next() {
        let before = suspensions[start..end].iter().copied();
        kept.push(before.fold(next, u32::saturating_add));
    }
    kept.extend(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_does_not_shift_the_rest() {
        assert_eq!(without(&[3, 1, 2, 7], 1, 3), [3, 10]);
        assert_eq!(without(&[3, 1, 2, 7], 2, 4), [3, 1]);
        assert_eq!(without(&[3], 0, 1), [0_u32; 0]);
    }
}
