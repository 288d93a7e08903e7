//! Running the schedules, and explaining the first that fails.

use std::mem;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::command::{built, replay_line};
use super::progress::Progress;
use super::report::{Counterexample, Of, Parts};
use super::same::Sameness;
use super::shrink::{self, Candidate, Tried};
use super::{Check, Checked, Program};
use crate::Sim;
use crate::determinism::Fingerprint;
use crate::engine::RunEnd;
use crate::failure::{Failure, FailureKind};
use crate::fault::Fault;
use crate::goals::Goals;
use crate::hush::Hush;
use crate::schedule::{Profile, Schedule, Search};
use crate::strategy::Strategy;
use crate::tape::Tape;
use crate::timeline::Timeline;

/// A run that failed.
struct Found {
    run: u64,
    failure: Failure,
}

/// Whether a run is done twice. One in 61 is, because 61 has no divisor in common with the number of
/// strategies.
fn is_twice(run: u64) -> bool {
    run < 8 || run % 61 == 0
}

impl Check {
    /// `aloud`: reports on stderr what would otherwise be known only at the end.
    pub(super) fn checked(
        &self,
        location: &'static Location<'static>,
        program: &Program<'_>,
        aloud: bool,
    ) -> Result<Checked, Counterexample> {
        if let Some(tape) = &self.tape {
            let replayed = self.replay(tape, location, program);
            if aloud && replayed.is_ok() {
                eprintln!("the tape was replayed to its end, and nothing failed");
            }
            return replayed;
        }
        let hush = Hush::new();
        let sim = Sim { rules: self.sim.rules.fresh(), ..self.sim.clone() };
        let (fresh, goals) = (Check { sim, ..self.clone() }, self.goals());
        let explored = match &*self.strategies {
            [Strategy::Dfs { max_preemptions }] => {
                fresh.search(*max_preemptions, location, program, &goals)
            }
            _ => fresh.explore(location, program, &goals),
        };
        let found = match explored {
            Ok(checked) => return fresh.judge(checked, &goals),
            Err(found) => found,
        };
        if aloud {
            let Found { run, failure } = &found;
            let (kind, seed, strategy) = (failure.kind(), failure.seed(), failure.strategy());
            eprintln!(
                "run {} of {} failed: {kind}, with seed {seed} and strategy {strategy}; before it is \
                 shrunk, replay it with\n\n    {}\n",
                run + 1,
                self.runs,
                replay_line(self.command.as_deref(), seed, failure.tape()),
            );
        }
        let explained = self.explain(found, location, program);
        drop(hush);
        Err(explained)
    }

    fn replay(
        &self,
        tape: &Tape,
        location: &'static Location<'static>,
        program: &Program<'_>,
    ) -> Result<Checked, Counterexample> {
        let sim =
            Sim { record: true, strategy: Strategy::Replay(tape.clone()), ..self.sim.clone() };
        let schedule = Schedule::new(&sim.strategy, sim.seed, Profile::default());
        let mut outcome = sim.execute(sim.seed, schedule, false, location, program);
        let record = outcome.record.take().unwrap_or_default();
        // Not those of the given tape: one of the first kind leaves them to the seed.
        let faults = outcome.tape.faults().len() as u64;
        match sim.report(sim.seed, outcome) {
            Ok(report) => {
                let (runs, steps) = (1, report.steps);
                Ok(Checked { runs, steps, faults, starved: 0, exhausted: false })
            }
            Err(failure) => {
                let end = Some((failure.kind(), failure.message().to_owned()));
                Err(self.counterexample(Of::Tape, failure, Timeline::new(&record, end), None))
            }
        }
    }

    fn explore(
        &self,
        location: &'static Location<'static>,
        program: &Program<'_>,
        goals: &Goals,
    ) -> Result<Checked, Found> {
        let learning = Sim { strategy: Strategy::Urw, ..self.sim.clone() };
        let learns = |it: &Strategy| matches!(it, Strategy::Pct { .. } | Strategy::Urw);
        let profile = if self.strategies.iter().any(learns) {
            learning.profile(location, &program)
        } else {
            Profile::default()
        };
        let progress = Progress::new(self.runs);
        let next = AtomicU64::new(0);
        let (steps, starved) = (AtomicU64::new(0), AtomicU64::new(0));
        let faults = AtomicU64::new(0);
        // Runs after the first failure do not matter. All those before it are done, because runs
        // begin in their order: `next` hands out the numbers.
        let (end, first) = (AtomicU64::new(self.runs), Mutex::new(None::<Found>));
        let work = || {
            let _hush = Hush::new();
            loop {
                let run = next.fetch_add(1, Ordering::Relaxed);
                if run >= end.load(Ordering::Relaxed) {
                    return;
                }
                let (taken, injected, failure) = self.one(run, &profile, location, program, goals);
                let gave_up = failure.as_ref().is_some_and(|it| self.is_starved(it));
                let failure = failure.filter(|_| !gave_up);
                steps.fetch_add(taken, Ordering::Relaxed);
                faults.fetch_add(injected, Ordering::Relaxed);
                starved.fetch_add(gave_up.into(), Ordering::Relaxed);
                progress.ran(failure.is_some());
                if let Some(failure) = failure {
                    end.fetch_min(run, Ordering::Relaxed);
                    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                    if first.as_ref().is_none_or(|first| run < first.run) {
                        *first = Some(Found { run, failure });
                    }
                }
            }
        };
        let cores = self.threads.or_else(|| thread::available_parallelism().ok());
        let threads = u64::try_from(cores.map_or(1, NonZeroUsize::get)).unwrap_or(1);
        thread::scope(|scope| {
            for _ in 1..threads.min(self.runs) {
                scope.spawn(work);
            }
            work();
        });
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(found) => Err(found),
            None => Ok(Checked {
                runs: self.runs,
                steps: steps.into_inner(),
                faults: faults.into_inner(),
                starved: starved.into_inner(),
                exhausted: false,
            }),
        }
    }

    /// One run, or two that must be the same: its steps, its faults, and the failure, if it failed.
    fn one(
        &self,
        run: u64,
        profile: &Profile,
        location: &'static Location<'static>,
        program: &Program<'_>,
        goals: &Goals,
    ) -> (u64, u64, Option<Failure>) {
        let strategies = &self.strategies;
        let index = usize::try_from(run % strategies.len() as u64).unwrap_or_default();
        let mut sim = Sim { strategy: strategies[index].clone(), ..self.sim.clone() };
        if self.may_starve(&sim.strategy) {
            let usual = profile.steps.unwrap_or(sim.max_steps);
            sim.max_steps = sim.max_steps.min(usual.saturating_mul(20).saturating_add(10_000));
        }
        let seed = self.sim.seed.wrapping_add(run);
        let schedule = || Schedule::new(&sim.strategy, seed, profile.clone());
        let mut outcome = sim.execute(seed, schedule(), false, location, program);
        goals.add(mem::take(&mut outcome.goals));
        let (steps, faults) = (outcome.steps, outcome.tape.faults().len() as u64);
        if is_twice(run) {
            let again = sim.execute(seed, schedule(), false, location, program);
            if Fingerprint::of(&again) != Fingerprint::of(&outcome) {
                let difference = sim.difference(seed, &schedule, location, &program, outcome);
                return (steps, faults, Some(difference));
            }
        }
        (steps, faults, sim.report(seed, outcome).err())
    }

    /// Whether reaching the step limit is no failure under this strategy.
    fn may_starve(&self, strategy: &Strategy) -> bool {
        let unfair = |it: &Strategy| matches!(it, Strategy::Pct { .. });
        unfair(strategy) && !self.strategies.iter().all(unfair)
    }

    fn is_starved(&self, failure: &Failure) -> bool {
        failure.kind() == FailureKind::StepLimit && self.may_starve(failure.strategy())
    }

    /// Runs the schedules one after the other.
    fn search(
        &self,
        max_preemptions: u32,
        location: &'static Location<'static>,
        program: &Program<'_>,
        goals: &Goals,
    ) -> Result<Checked, Found> {
        let sim = Sim { strategy: Strategy::Dfs { max_preemptions }, ..self.sim.clone() };
        let progress = Progress::new(self.runs);
        let mut search = Search::new(max_preemptions);
        let mut checked = Checked { runs: 0, steps: 0, faults: 0, starved: 0, exhausted: false };
        while checked.runs < self.runs && !search.is_done() {
            let schedule = || Schedule::search(search.clone());
            let mut outcome = sim.execute(sim.seed, schedule(), false, location, program);
            goals.add(mem::take(&mut outcome.goals));
            let diverged = matches!(outcome.end, Err((FailureKind::Diverged, _)));
            if diverged {
                let failure = sim.difference(sim.seed, &schedule, location, &program, outcome);
                return Err(Found { run: checked.runs, failure });
            }
            let after = mem::replace(&mut outcome.schedule, Schedule::done());
            checked.faults += outcome.tape.faults().len() as u64;
            let failure = sim.report(sim.seed, outcome);
            progress.ran(failure.is_err());
            match failure {
                Ok(report) => checked.steps += report.steps,
                Err(failure) => return Err(Found { run: checked.runs, failure }),
            }
            checked.runs += 1;
            if let Some(after) = after.into_search() {
                search = after;
            }
        }
        checked.exhausted = search.is_done();
        Ok(checked)
    }

    /// Shrinks the schedule, and records its events.
    fn explain(
        &self,
        found: Found,
        location: &'static Location<'static>,
        program: &Program<'_>,
    ) -> Counterexample {
        let Found { run, failure } = found;
        let of = Of::Run(run, self.runs);
        let seed = failure.seed();
        let sim = Sim { strategy: failure.strategy().clone(), ..self.sim.clone() };
        let with = |only: Option<Arc<[Fault]>>| Sim { only, ..sim.clone() };
        let replay =
            |tape: &Tape| Schedule::new(&Strategy::Replay(tape.clone()), seed, Profile::default());
        let record = |tape: &Tape| {
            let sim = Sim { record: true, ..with(tape.only()) };
            let mut outcome = sim.execute(seed, replay(tape), false, location, program);
            let record = outcome.record.take().unwrap_or_default();
            let end = outcome.end.as_ref().err().cloned();
            (Timeline::new(&record, end), sim.report(seed, outcome).err())
        };
        if failure.kind() == FailureKind::Nondeterminism {
            let (timeline, _) = record(failure.tape());
            return self.counterexample(of, failure, timeline, None);
        }
        let sameness = Sameness::new(&failure);
        // One without a fault may go on for ever. It must not use up the steps of all others.
        let enough = match failure.kind() {
            FailureKind::StepLimit => sim.max_steps,
            _ => sim.max_steps.min(failure.steps().saturating_mul(4).saturating_add(10_000)),
        };
        let mut attempt = |candidate: Candidate| {
            let Candidate { plan, choices_only, faults, suspensions } = candidate;
            let schedule = Schedule::guided(plan, choices_only, &suspensions);
            // Without a point the list is empty, and of no use.
            let sim = Sim { max_steps: enough, ..with(Some(faults.into())) };
            let RunEnd { end, origin, tape, schedule, tasks, .. } =
                sim.execute(seed, schedule, false, location, program);
            let cost = schedule.cost();
            let fails = sameness.holds(&end, origin.as_ref(), &tasks);
            Tried { fails, tape, taken: schedule.into_taken(), cost }
        };
        let shrunk = shrink::shrink(failure.tape(), &mut attempt);
        let tape = shrunk.as_ref().map_or(failure.tape(), |shrunk| &shrunk.tape);
        match record(tape) {
            (timeline, Some(again)) if sameness.holds_for(&again) => {
                self.counterexample(of, again, timeline, shrunk)
            }
            (timeline, _) => {
                let tape = failure.tape().clone();
                let sim = with(tape.only());
                let outcome = sim.execute(seed, replay(&tape), false, location, program);
                let different =
                    sim.difference(seed, &|| replay(&tape), location, &program, outcome);
                let different = different.but_for(&failure);
                self.counterexample(of, different, timeline, None)
            }
        }
    }

    fn counterexample(
        &self,
        of: Of,
        failure: Failure,
        timeline: Timeline,
        shrunk: Option<shrink::Shrunk>,
    ) -> Counterexample {
        let replay = replay_line(self.command.as_deref(), failure.seed(), failure.tape());
        let svg = self.svg.as_ref().map(|path| {
            let written = std::fs::write(path, timeline.svg());
            (path.clone(), written.map_err(|error| error.to_string()))
        });
        let (whole, built) = (self.whole, built().filter(|_| self.command.is_none()));
        Counterexample::new(Parts { of, failure, timeline, whole, replay, built, shrunk, svg })
    }
}
