//! Leaving out suspensions of ready operations that a failure does not need.

use super::shrink::{Tried, plan};
use crate::schedule::Plan;
use crate::tape::Tape;

/// How many schedules are tried.
const ATTEMPTS: usize = 300;

/// Looks for a tape that fails in the same way with fewer suspensions; `None` if there is none.
///
/// `run` runs a plan; its second argument is whether the plan covers only the steps with a choice.
pub(super) fn reduce(tape: &Tape, run: &dyn Fn(Plan, bool, &[u32]) -> Tried) -> Option<Tape> {
    if tape.suspensions().is_empty() {
        return None;
    }
    let first = run(plan(tape.choices()), true, tape.suspensions());
    if !first.fails {
        return None;
    }
    let (mut best, mut taken) = (first.tape, first.taken);
    let (mut reduced, mut attempts) = (false, 0);
    let mut size = best.suspensions().len();
    while size > 0 {
        let mut end = best.suspensions().len();
        while end > 0 && attempts < ATTEMPTS {
            let start = end.saturating_sub(size);
            let fewer = without(best.suspensions(), start, end);
            attempts += 1;
            let tried = run(taken.clone(), false, &fewer);
            if tried.fails && tried.tape.suspensions().len() < best.suspensions().len() {
                (best, taken, reduced) = (tried.tape, tried.taken, true);
            }
            end = start.min(best.suspensions().len());
        }
        size /= 2;
    }
    reduced.then_some(best)
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
