//! Running many schedules.

use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{mem, thread};

use crate::failure::{Failure, FailureKind};
use crate::runtime::SimRuntime;
use crate::schedule::{Profile, Schedule, Search};
use crate::sim::Sim;
use crate::strategy::Strategy;

/// The outcome of many runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exploration {
    /// How many schedules were run.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// The failure with the lowest seed.
    pub first: Option<Failure>,
    /// Whether every schedule was run; only [`Strategy::Dfs`] can know.
    pub exhausted: bool,
}

impl Sim {
    /// Runs many schedules, on all cores, with this simulation's seed and those after it.
    ///
    /// All of them are run, even after a failure. The outcome does not depend on the number of
    /// cores. [`Strategy::Dfs`] instead goes through the schedules of the first seed, on this
    /// thread, and stops when none is left.
    #[track_caller]
    pub fn explore<T, F>(self, runs: u64, f: impl Fn(SimRuntime) -> F + Sync) -> Exploration
    where
        F: Future<Output = T>,
    {
        let location = Location::caller();
        if let Strategy::Dfs { max_preemptions } = self.strategy {
            return self.search(runs, max_preemptions, location, &f);
        }
        let profile = self.profile(location, &f);
        let (next, found) = (AtomicU64::new(0), Mutex::new((0, None::<(u64, Failure)>)));
        let work = || {
            loop {
                let run = next.fetch_add(1, Ordering::Relaxed);
                if run >= runs {
                    return;
                }
                let seed = self.seed.wrapping_add(run);
                let schedule = Schedule::new(&self.strategy, seed, profile.clone());
                let outcome = self.execute(seed, schedule, false, location, &f);
                if let Err(failure) = self.report(seed, outcome) {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.0 += 1;
                    if found.1.as_ref().is_none_or(|(first, _)| run < *first) {
                        found.1 = Some((run, failure));
                    }
                }
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 1..cores.min(usize::try_from(runs).unwrap_or(usize::MAX)) {
                scope.spawn(work);
            }
            work();
        });
        let (failures, first) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Exploration { runs, failures, first: first.map(|(_, failure)| failure), exhausted: false }
    }

    fn search<T, F>(
        &self,
        runs: u64,
        max_preemptions: u32,
        location: &'static Location<'static>,
        f: &impl Fn(SimRuntime) -> F,
    ) -> Exploration
    where
        F: Future<Output = T>,
    {
        let mut found = Exploration { runs: 0, failures: 0, first: None, exhausted: false };
        let mut search = Search::new(max_preemptions);
        while found.runs < runs && !search.is_done() {
            let schedule = Schedule::search(search.clone());
            let mut outcome = self.execute(self.seed, schedule, false, location, f);
            let after = mem::replace(&mut outcome.schedule, Schedule::done());
            found.runs += 1;
            if let Err(failure) = self.report(self.seed, outcome) {
                found.failures += 1;
                let diverged = failure.kind() == FailureKind::Diverged;
                found.first.get_or_insert(failure);
                if diverged {
                    return found;
                }
            }
            if let Some(after) = after.into_search() {
                search = after;
            }
        }
        found.exhausted = search.is_done();
        found
    }

    /// Learns about the program for the strategy, from a run that does not count.
    pub(crate) fn profile<T, F>(
        &self,
        location: &'static Location<'static>,
        f: &impl Fn(SimRuntime) -> F,
    ) -> Profile
    where
        F: Future<Output = T>,
    {
        if !matches!(self.strategy, Strategy::Pct { .. } | Strategy::Urw) {
            return Profile::default();
        }
        let schedule = Schedule::new(&Strategy::Random, self.seed, Profile::default());
        let outcome = self.execute(self.seed, schedule, true, location, f);
        Profile { steps: Some(outcome.steps), tasks: Arc::new(outcome.profile) }
    }
}
