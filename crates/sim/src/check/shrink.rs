//! Delta debugging of a run: its faults, their amounts, its suspensions, and its schedule.

use crate::fault::Fault;
use crate::schedule::{Cost, Plan};
use crate::tape::Tape;

/// How many schedules are tried, and how many steps they may take in total. Limits on time would
/// make the outcome depend on the machine.
const ATTEMPTS: u64 = 2_000;
const STEPS: u64 = 4_000_000;

/// A run to try.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) plan: Plan,
    /// Whether the plan covers only the steps with a choice.
    pub(super) choices_only: bool,
    /// The only faults to inject.
    pub(super) faults: Vec<Fault>,
    /// The only ready operations to suspend, as on a tape.
    pub(super) suspensions: Vec<u32>,
}

/// The outcome of a candidate that was tried.
pub(super) struct Tried {
    /// Whether it fails in the same way.
    pub(super) fails: bool,
    /// All choices of the run, the suspensions, and the faults that were injected.
    pub(super) tape: Tape,
    /// All steps of the run.
    pub(super) taken: Plan,
    pub(super) cost: Cost,
}

/// How hard a run is to understand. The first field counts most: each fault that is left is one that
/// the failure may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    pub(super) faults: usize,
    /// The amounts of all faults together.
    pub(super) amount: u64,
    /// How late they are: at which visits.
    pub(super) visits: u64,
    pub(super) suspensions: usize,
    pub(super) cost: Cost,
}

impl Tried {
    fn size(&self) -> Size {
        let faults = self.tape.faults();
        let amounts = faults.iter().filter_map(Fault::amount);
        let amount = amounts.fold(0, u64::saturating_add);
        let visits = faults.iter().map(Fault::nth).fold(0, u64::saturating_add);
        let suspensions = self.tape.suspensions().len();
        Size { faults: faults.len(), amount, visits, suspensions, cost: self.cost }
    }
}

/// A run that fails like the original, and is easier to understand.
pub(super) struct Shrunk {
    /// For exact replay, cut where the default choices after the end of a tape are the same.
    pub(super) tape: Tape,
    pub(super) before: Size,
    pub(super) after: Size,
    pub(super) attempts: u64,
    /// Whether each fault that is left was switched off in vain.
    pub(super) is_minimal: bool,
}

pub(super) struct Search<'a> {
    run: &'a mut dyn FnMut(Candidate) -> Tried,
    pub(super) attempts: u64,
    steps: u64,
    pub(super) plan: Plan,
    pub(super) best: Tried,
}

/// Looks for a run that fails in the same way with fewer faults, smaller and earlier ones, fewer
/// suspensions, and fewer switches between tasks, in this order.
///
/// Returns `None` if the tape itself does not fail like that.
pub(super) fn shrink(tape: &Tape, run: &mut dyn FnMut(Candidate) -> Tried) -> Option<Shrunk> {
    let best = run(Candidate {
        plan: plan(tape.choices()),
        choices_only: true,
        faults: tape.faults().to_vec(),
        suspensions: tape.suspensions().to_vec(),
    });
    if !best.fails {
        return None;
    }
    let before = best.size();
    let mut search =
        Search { run, attempts: 1, steps: before.cost.steps, plan: best.taken.clone(), best };
    search.switch_off();
    search.lessen();
    search.hasten();
    search.release();
    search.cut();
    loop {
        let size = search.best.size();
        search.remove();
        search.merge();
        search.shorten();
        // With another schedule, fewer may do.
        search.switch_off();
        search.lessen();
        search.hasten();
        search.release();
        if search.best.size() == size || search.is_over() {
            break;
        }
    }
    let is_minimal = !search.is_over();
    let after = search.best.size();
    let Search { best, attempts, .. } = search;
    let needed = best.cost.choices.min(best.tape.len());
    let tape = best.tape.cut(needed);
    Some(Shrunk { tape, before, after, attempts, is_minimal })
}

fn plan(tasks: &[u32]) -> Plan {
    let turns = tasks.chunk_by(|one, other| one == other);
    turns.map(|turn| (turn[0], u32::try_from(turn.len()).unwrap_or(u32::MAX))).collect()
}

impl Search<'_> {
    pub(super) fn is_over(&self) -> bool {
        self.attempts >= ATTEMPTS || self.steps >= STEPS
    }

    /// Keeps the plan if it fails in the same way and is better.
    fn attempt(&mut self, candidate: Plan) -> bool {
        let tape = &self.best.tape;
        let (faults, suspensions) = (tape.faults().to_vec(), tape.suspensions().to_vec());
        candidate != self.plan && self.attempt_all(candidate, faults, suspensions)
    }

    /// Keeps the faults if they fail in the same way and are better.
    fn attempt_with(&mut self, faults: Vec<Fault>) -> bool {
        let suspensions = self.best.tape.suspensions().to_vec();
        self.attempt_all(self.plan.clone(), faults, suspensions)
    }

    /// Keeps them if they fail in the same way and are better.
    pub(super) fn attempt_all(
        &mut self,
        plan: Plan,
        faults: Vec<Fault>,
        suspensions: Vec<u32>,
    ) -> bool {
        if self.is_over() {
            return false;
        }
        self.attempts += 1;
        let tried = (self.run)(Candidate { plan, choices_only: false, faults, suspensions });
        self.steps += tried.cost.steps;
        let better = tried.fails && tried.size() < self.best.size();
        if better {
            self.plan.clone_from(&tried.taken);
            self.best = tried;
        }
        better
    }

    /// Tries to switch faults off: many at first, then one by one.
    fn switch_off(&mut self) {
        let mut size = self.best.tape.faults().len();
        while size > 0 {
            let mut end = self.best.tape.faults().len();
            while end > 0 && !self.is_over() {
                let start = end.saturating_sub(size);
                let mut faults = self.best.tape.faults().to_vec();
                faults.drain(start..end);
                self.attempt_with(faults);
                // Others may have gone with them.
                end = start.min(self.best.tape.faults().len());
            }
            size /= 2;
        }
    }

    /// Tries smaller amounts, by halving the interval.
    fn lessen(&mut self) {
        for index in 0.. {
            let Some(amount) = self.amount(index).filter(|amount| *amount > 0) else {
                if index < self.best.tape.faults().len() {
                    continue;
                }
                return;
            };
            // Smaller amounts than `low` do not fail.
            let (mut low, mut amount, mut wanted) = (0, amount, 0);
            loop {
                let mut faults = self.best.tape.faults().to_vec();
                faults[index].amount = Some(wanted);
                if self.attempt_with(faults) {
                    // It may be more than wanted: the point has a least amount.
                    match self.amount(index) {
                        Some(left) if left < amount && left > wanted => break,
                        Some(left) if left < amount && left > low => amount = left,
                        _ => break,
                    }
                } else {
                    low = wanted.max(low);
                }
                // Nobody reads more than two digits.
                if amount - low <= amount / 64 || self.is_over() {
                    break;
                }
                wanted = low + (amount - low) / 2;
            }
        }
    }

    /// Tries to inject each fault at an earlier visit of its point.
    fn hasten(&mut self) {
        let mut index = 0;
        while let Some(nth) = self.best.tape.faults().get(index).map(Fault::nth) {
            let earlier = [1, nth / 2, nth - 1];
            let found =
                earlier.into_iter().filter(|earlier| (1..nth).contains(earlier)).any(|earlier| {
                    let mut faults = self.best.tape.faults().to_vec();
                    faults[index].nth = earlier;
                    self.attempt_with(faults)
                });
            if !found || self.is_over() {
                index += 1;
            }
        }
    }

    fn amount(&self, index: usize) -> Option<u64> {
        self.best.tape.faults().get(index)?.amount()
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
    fn program(candidate: Candidate) -> Tried {
        let Candidate { plan, choices_only, .. } = candidate;
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
        assert_eq!((shrunk.before.cost.switches, shrunk.after.cost.switches), (5, 2));
        assert!(shrunk.tape.len() <= tape.len(), "{}", shrunk.tape);
    }

    #[test]
    fn what_does_not_fail_is_not_shrunk() {
        let tape: Tape = "t1:1x3".parse().unwrap();
        assert!(shrink(&tape, &mut program).is_none());
    }

    fn suspended(suspensions: &[u32]) -> Tape {
        let mut tape = Tape::default();
        for after in suspensions {
            tape.suspend(*after);
        }
        tape
    }

    /// Which operations are suspended.
    fn operations(suspensions: &[u32]) -> impl Iterator<Item = u32> {
        suspensions.iter().scan(0, |last, after| {
            *last += after;
            Some(*last)
        })
    }

    /// Fails if `a#2` and any visit of `b` are injected, the second with 700 or more, and the tenth
    /// operation is suspended.
    fn faulty(candidate: Candidate) -> Tried {
        let Candidate { faults, suspensions, .. } = candidate;
        let injected = |text: &str| {
            let is_it = |fault: &&Fault| fault.to_string().starts_with(text);
            faults.iter().find(is_it).cloned()
        };
        let much = injected("b#").and_then(|fault| fault.amount()).is_some_and(|it| it >= 700);
        Tried {
            fails: injected("a#2").is_some() && much && operations(&suspensions).any(|it| it == 9),
            tape: suspended(&suspensions).with_faults(Some(faults)),
            taken: Plan::new(),
            cost: Cost::default(),
        }
    }

    #[test]
    fn faults_and_suspensions_are_switched_off_and_the_rest_lessened() {
        let tape: Tape = "t2:~2.3.1.3.5;f:a#1,b#2=5000,a#2,c#1,c#2=90,a#3,a#4,c#3".parse().unwrap();
        let shrunk = shrink(&tape, &mut faulty).unwrap();
        let left: Vec<_> = shrunk.tape.faults().iter().map(ToString::to_string).collect();
        let [first, second] = &*left else { panic!("{left:?}") };
        assert_eq!(second, "a#2");
        let amount: u64 = first.strip_prefix("b#1=").unwrap().parse().unwrap();
        assert!((700..712).contains(&amount), "{amount}");
        assert!(shrunk.is_minimal && shrunk.attempts < 100, "{}", shrunk.attempts);
        assert_eq!((shrunk.before.faults, shrunk.after.faults), (8, 2));
        assert_eq!(shrunk.tape.suspensions(), [9]);
        assert_eq!((shrunk.before.suspensions, shrunk.after.suspensions), (5, 1));
    }
}
