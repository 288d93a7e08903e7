//! Delta debugging of a schedule.

use crate::schedule::{Cost, Plan};
use crate::tape::Tape;

/// How many schedules are tried, and how many steps they may take in total. Limits on time would
/// make the outcome depend on the machine.
const ATTEMPTS: u64 = 2_000;
const STEPS: u64 = 4_000_000;

/// The outcome of a plan that was tried.
pub(super) struct Tried {
    /// Whether it fails in the same way.
    pub(super) fails: bool,
    /// All choices of the run.
    pub(super) tape: Tape,
    /// All steps of the run.
    pub(super) taken: Plan,
    pub(super) cost: Cost,
}

/// A schedule that fails like the original, and is easier to read.
pub(super) struct Shrunk {
    /// For exact replay, cut where the default choices after the end of a tape are the same.
    pub(super) tape: Tape,
    pub(super) before: Cost,
    pub(super) after: Cost,
    pub(super) attempts: u64,
}

struct Search<'a> {
    run: &'a mut dyn FnMut(Plan, bool) -> Tried,
    attempts: u64,
    steps: u64,
    plan: Plan,
    best: Tried,
}

/// Looks for a schedule that fails in the same way with fewer switches between tasks.
///
/// `run` runs a plan; its second argument is whether the plan covers only the steps with a choice.
/// Returns `None` if the tape itself does not fail like that.
pub(super) fn shrink(tape: &Tape, run: &mut dyn FnMut(Plan, bool) -> Tried) -> Option<Shrunk> {
    let best = run(plan(tape.choices()), true);
    if !best.fails {
        return None;
    }
    let before = best.cost;
    let mut search =
        Search { run, attempts: 1, steps: before.steps, plan: best.taken.clone(), best };
    search.cut();
    loop {
        let cost = search.best.cost;
        search.remove();
        search.merge();
        search.shorten();
        if search.best.cost == cost || search.is_over() {
            break;
        }
    }
    let Search { best, attempts, .. } = search;
    let needed = best.cost.choices.min(best.tape.len());
    let tape = best.tape.cut(needed);
    Some(Shrunk { tape, before, after: best.cost, attempts })
}

pub(super) fn plan(tasks: &[u32]) -> Plan {
    let turns = tasks.chunk_by(|one, other| one == other);
    turns.map(|turn| (turn[0], u32::try_from(turn.len()).unwrap_or(u32::MAX))).collect()
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.attempts >= ATTEMPTS || self.steps >= STEPS
    }

    /// Keeps the plan if it fails in the same way and is better.
    fn attempt(&mut self, candidate: Plan) -> bool {
        if self.is_over() || candidate == self.plan {
            return false;
        }
        self.attempts += 1;
        let tried = (self.run)(candidate, false);
        self.steps += tried.cost.steps;
        let better = tried.fails && tried.cost < self.best.cost;
        if better {
            self.plan.clone_from(&tried.taken);
            self.best = tried;
        }
        better
    }

    /// Tries to cut off the end of the plan. After it, the running task continues as long as it can.
    fn cut(&mut self) {
        let mut kept = 0;
        while kept < self.plan.len() && !self.is_over() {
            if self.attempt(self.plan[..kept].to_vec()) {
                return;
            }
            kept = (kept * 2).max(1);
        }
    }

    /// Tries to remove several turns in a row, many at first.
    fn remove(&mut self) {
        let mut size = (self.plan.len() / 2).max(1);
        loop {
            let mut start = self.plan.len();
            while start > 0 && !self.is_over() {
                start = start.saturating_sub(size).min(self.plan.len());
                let end = (start + size).min(self.plan.len());
                let mut candidate = self.plan.clone();
                candidate.drain(start..end);
                self.attempt(candidate);
            }
            if size == 1 || self.is_over() {
                return;
            }
            size /= 2;
        }
    }

    /// Tries to merge two turns of a task, at the first or at the second.
    fn merge(&mut self) {
        let mut index = 0;
        while index < self.plan.len() && !self.is_over() {
            let (task, times) = self.plan[index];
            let later = self.plan.iter().skip(index + 1).position(|(other, _)| *other == task);
            let Some(later) = later.map(|later| later + index + 1) else {
                index += 1;
                continue;
            };
            let mut earlier = self.plan.clone();
            earlier[index].1 = times.saturating_add(earlier.remove(later).1);
            if self.attempt(earlier) {
                continue;
            }
            let mut delayed = self.plan.clone();
            delayed[later].1 = times.saturating_add(delayed[later].1);
            delayed.remove(index);
            if !self.attempt(delayed) {
                index += 1;
            }
        }
    }

    /// Tries turns with fewer steps. The task takes the rest of them later.
    fn shorten(&mut self) {
        let mut index = 0;
        while index < self.plan.len() && !self.is_over() {
            let times = self.plan[index].1;
            let shorter = [1, times / 2, times - 1];
            let found =
                shorter.into_iter().filter(|shorter| (1..times).contains(shorter)).any(|shorter| {
                    let mut candidate = self.plan.clone();
                    candidate[index].1 = shorter;
                    self.attempt(candidate)
                });
            if !found {
                index += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up program of two tasks with three steps each that fails if 1 comes between the first
    /// and the last step of 2.
    fn program(plan: Plan, choices_only: bool) -> Tried {
        let wanted = plan.into_iter().flat_map(|(task, times)| {
            std::iter::repeat_n(task, usize::try_from(times).unwrap_or(usize::MAX))
        });
        let (mut left, mut steps, mut choices) = ([3, 3], Vec::new(), Vec::new());
        let mut wanted = wanted.peekable();
        while left != [0, 0] {
            let ready = |task: u32| left[task as usize - 1] > 0;
            let chosen = ready(1) && ready(2);
            while chosen && wanted.next_if(|task| !ready(*task)).is_some() {}
            let last = steps.last().copied().filter(|last| ready(*last));
            let first = if ready(1) { 1 } else { 2 };
            let task = match chosen {
                true => wanted.next().or(last).unwrap_or(first),
                false if choices_only => first,
                false => wanted.next_if_eq(&first).unwrap_or(first),
            };
            if left[0] > 0 && left[1] > 0 {
                choices.push(task);
            }
            left[task as usize - 1] -= 1;
            steps.push(task);
        }
        let first = steps.iter().position(|task| *task == 2);
        let last = steps.iter().rposition(|task| *task == 2);
        let between = |(first, last): (usize, usize)| steps[first..last].contains(&1);
        let switches = steps.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64;
        Tried {
            fails: first.zip(last).is_some_and(between),
            tape: Tape::from_choices(choices.clone()),
            taken: super::plan(&steps),
            cost: Cost { switches, preemptions: 0, steps: 6, choices: choices.len() },
        }
    }

    #[test]
    fn the_fewest_switches_are_found() {
        let tape: Tape = "t1:1.2.1.2.1".parse().unwrap();
        let shrunk = shrink(&tape, &mut program).unwrap();
        assert_eq!((shrunk.before.switches, shrunk.after.switches), (5, 2));
        assert!(shrunk.tape.len() <= tape.len(), "{}", shrunk.tape);
    }

    #[test]
    fn what_does_not_fail_is_not_shrunk() {
        let tape: Tape = "t1:1x3".parse().unwrap();
        assert!(shrink(&tape, &mut program).is_none());
    }
}
