//! Places that some run of a check has to reach.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine;
use crate::runtime::SimRuntime;

/// The places by name, and whether they were reached, of a run or of many.
#[derive(Debug, Default)]
pub(crate) struct Goals(Mutex<BTreeMap<Cow<'static, str>, Goal>>);

#[derive(Clone, Copy, Debug, Default)]
struct Goal {
    /// Some run has to reach it.
    wanted: bool,
    reached: bool,
}

impl Goals {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Cow<'static, str>, Goal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn want(&self, name: Cow<'static, str>) {
        self.lock().entry(name).or_default().wanted = true;
    }

    fn reach(&self, name: Cow<'static, str>) {
        self.lock().entry(name).or_default().reached = true;
    }

    /// Adds the goals of a run.
    pub(crate) fn add(&self, run: Goals) {
        let run = run.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if run.is_empty() {
            return;
        }
        let mut all = self.lock();
        for (name, Goal { wanted, reached }) in run {
            let goal = all.entry(name).or_default();
            goal.wanted |= wanted;
            goal.reached |= reached;
        }
    }

    /// Takes the goals of a run that is over.
    pub(crate) fn take(&self) -> Goals {
        Goals(Mutex::new(std::mem::take(&mut self.lock())))
    }

    /// The names of those that no run has reached.
    pub(crate) fn missed(&self) -> Vec<String> {
        let goals = self.lock();
        let missed = goals.iter().filter(|(_, goal)| goal.wanted && !goal.reached);
        missed.map(|(name, _)| format!("`{name}`")).collect()
    }
}

impl SimRuntime {
    /// Makes a [`Check`](crate::Check) fail if none of its runs [reaches](crate::reached) the place with
    /// that name: a test that never meets a conflict, for example, says nothing about how conflicts are
    /// resolved.
    ///
    /// Call it at the beginning of the program, or [`Check::sometimes`](crate::Check::sometimes) instead.
    /// It has no effect on single runs, explorations and replays.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::{Check, FailureKind, reached};
    ///
    /// let checked = |limit| {
    ///     Check::new().runs(100).try_run(move |rt| async move {
    ///         rt.sometimes("the queue is full");
    ///         let (sender, receiver) = async_channel::bounded(limit);
    ///         let producer = rt.spawn_with_handle(async move {
    ///             for n in 0..3 {
    ///                 if sender.try_send(n).is_err() {
    ///                     reached("the queue is full");
    ///                     sender.send(n).await.unwrap();
    ///                 }
    ///             }
    ///         });
    ///         while receiver.recv().await.is_ok() {}
    ///         producer.await.unwrap();
    ///     })
    /// };
    /// assert!(checked(1).is_ok());
    /// assert_eq!(checked(3).unwrap_err().failure().kind(), FailureKind::Unreached);
    /// ```
    pub fn sometimes(&self, name: impl Into<Cow<'static, str>>) {
        self.engine().goals().want(name.into());
    }

    /// Notes that the run has reached the place with that name, for [`sometimes`](SimRuntime::sometimes).
    /// Code that does not know that it is simulated calls the function [`reached`](crate::reached).
    pub fn reached(&self, name: impl Into<Cow<'static, str>>) {
        self.engine().goals().reach(name.into());
    }
}

/// Notes that the run has reached the place with that name, for
/// [`SimRuntime::sometimes`](crate::SimRuntime::sometimes); does nothing outside of simulations.
///
/// In production it costs one read of a thread-local variable.
pub fn reached(name: &'static str) {
    if !engine::is_simulated() {
        return;
    }
    if let Some(engine) = engine::running() {
        engine.goals().reach(Cow::Borrowed(name));
    }
}
