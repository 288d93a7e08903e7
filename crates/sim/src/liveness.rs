//! Conditions on what happens in the end, and again and again.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Nanos;
use crate::contain::into_message;
use crate::runtime::SimRuntime;

type Condition = Box<dyn FnMut() -> bool + Send>;

/// What a simulation promises to come about.
#[derive(Default)]
pub(crate) struct Promises(Mutex<Vec<Promise>>);

pub(crate) struct Promise {
    name: String,
    within: Nanos,
    kind: Kind,
    /// Whether the premise held after the last step.
    held: bool,
    /// The first rise of the premise that nothing has followed yet.
    open: Option<Nanos>,
}

enum Kind {
    LeadsTo(Condition, Condition),
    Recurs(Condition),
}

impl Kind {
    /// Whether the premise holds, and whether what it leads to does.
    fn look(&mut self) -> (bool, bool) {
        match self {
            Kind::LeadsTo(premise, conclusion) => (premise(), conclusion()),
            Kind::Recurs(condition) => {
                let holds = condition();
                (!holds, holds)
            }
        }
    }
}

impl Promise {
    fn new(name: String, within: Duration, kind: Kind) -> Promise {
        let within = Nanos::try_from(within.as_nanos()).unwrap_or(Nanos::MAX);
        Promise { name, within, kind, held: false, open: None }
    }

    fn deadline(&self) -> Option<Nanos> {
        self.open.map(|since| since.saturating_add(self.within))
    }

    /// Looks after a step. Describes how the promise is broken.
    fn look(&mut self, now: Nanos) -> Option<String> {
        // The time has passed before this step.
        if self.deadline().is_some_and(|deadline| deadline < now) {
            return Some(self.to_string());
        }
        match catch_unwind(AssertUnwindSafe(|| self.kind.look())) {
            Ok((premise, conclusion)) => {
                let held = mem::replace(&mut self.held, premise);
                if premise && !held {
                    self.open.get_or_insert(now);
                }
                if conclusion {
                    self.open = None;
                }
                None
            }
            Err(payload) => {
                Some(format!("a condition of `{}` panicked: {}", self.name, into_message(payload)))
            }
        }
    }
}

/// How the promise is broken.
impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, within) = (&self.name, Duration::from_nanos(self.within));
        let since = Duration::from_nanos(self.open.unwrap_or_default());
        match self.kind {
            Kind::LeadsTo(..) => write!(
                f,
                "`{name}`: the premise became true at {since:?}, and the conclusion did not hold within \
                 {within:?}"
            ),
            Kind::Recurs(_) => write!(
                f,
                "`{name}` has not held since {since:?}, and should again within {within:?}"
            ),
        }
    }
}

impl Promises {
    fn lock(&self) -> MutexGuard<'_, Vec<Promise>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, promise: Promise) {
        self.lock().push(promise);
    }

    /// Takes them all, for dropping.
    pub(crate) fn take(&self) -> Vec<Promise> {
        mem::take(&mut self.lock())
    }

    /// Looks after a step; describes the first that is broken.
    pub(crate) fn look(&self, now: Nanos) -> Option<String> {
        // A condition may itself add another, so the list is not locked meanwhile.
        let mut promises = self.take();
        let looked = promises.iter_mut().fold(None, |broken: Option<String>, promise| {
            let found = promise.look(now);
            broken.or(found)
        });
        let mut added = self.lock();
        promises.append(&mut added);
        *added = promises;
        looked
    }

    /// The first one that is broken if the time passes without a step.
    pub(crate) fn first(&self) -> Option<(Nanos, String)> {
        let promises = self.lock();
        let first =
            promises.iter().filter(|it| it.open.is_some()).min_by_key(|it| it.deadline())?;
        Some((first.deadline()?, first.to_string()))
    }

    /// The first one that still waits for its conclusion.
    pub(crate) fn unfulfilled(&self) -> Option<String> {
        let waits = |it: &&Promise| it.open.is_some() && matches!(it.kind, Kind::LeadsTo(..));
        self.lock().iter().find(waits).map(|promise| promise.name.clone())
    }
}

impl SimRuntime {
    /// Fails the simulation if the conclusion does not follow the premise within that much virtual
    /// time: each time that the premise becomes true, the conclusion must hold then, or after one of
    /// the steps until the time has passed.
    ///
    /// Both are checked after every step, from the present one on, so a premise that holds now counts
    /// as having become true. It may become true again before the conclusion holds; then the first time
    /// counts. The run also fails if it ends while the conclusion is awaited: nothing can bring it about
    /// any more. Keep the conditions quick and free of side effects. A panic in one fails the
    /// simulation.
    ///
    /// While faults go on, a conclusion may rightly be late. End them first, by
    /// [`ActiveStorm::calm`](crate::ActiveStorm::calm) for example.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::{FailureKind, Sim};
    ///
    /// let failure = Sim::new(1).run(|rt| async move {
    ///     let (asked, answered) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    ///     let (questions, answers) = (asked.clone(), answered.clone());
    ///     let open = move || questions.load(SeqCst) > answers.load(SeqCst);
    ///     let closed = {
    ///         let (questions, answers) = (asked.clone(), answered.clone());
    ///         move || questions.load(SeqCst) == answers.load(SeqCst)
    ///     };
    ///     rt.leads_to("a question is answered", Duration::from_secs(5), open, closed);
    ///     for seconds in [1, 4, 7] {
    ///         asked.fetch_add(1, SeqCst);
    ///         rt.sleep(Duration::from_secs(seconds)).await;
    ///         answered.fetch_add(1, SeqCst);
    ///         rt.sleep(Duration::from_secs(1)).await;
    ///     }
    /// });
    /// let failure = failure.unwrap_err();
    /// assert_eq!(failure.kind(), FailureKind::Invariant);
    /// assert_eq!(failure.elapsed(), Duration::from_secs(1 + 1 + 4 + 1 + 5));
    /// ```
    pub fn leads_to(
        &self,
        name: impl Into<String>,
        within: Duration,
        premise: impl FnMut() -> bool + Send + 'static,
        conclusion: impl FnMut() -> bool + Send + 'static,
    ) {
        let kind = Kind::LeadsTo(Box::new(premise), Box::new(conclusion));
        self.engine().promises().add(Promise::new(name.into(), within, kind));
    }

    /// Fails the simulation once the condition has not held for more than that much virtual time: it
    /// must hold again and again, from now on.
    ///
    /// It is checked after every step. Unlike with [`leads_to`](SimRuntime::leads_to), the run may end
    /// while it does not hold. Keep the condition quick and free of side effects. A panic in it fails
    /// the simulation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let failure = Sim::new(1).run(|rt| async move {
    ///     let leader = Arc::new(AtomicBool::new(true));
    ///     let elected = leader.clone();
    ///     let within = Duration::from_secs(10);
    ///     rt.always_eventually("there is a leader", within, move || elected.load(SeqCst));
    ///     rt.sleep(Duration::from_secs(60)).await;
    ///     leader.store(false, SeqCst);
    ///     rt.sleep(Duration::from_secs(60)).await;
    /// });
    /// assert_eq!(failure.unwrap_err().elapsed(), Duration::from_secs(70));
    /// ```
    pub fn always_eventually(
        &self,
        name: impl Into<String>,
        within: Duration,
        condition: impl FnMut() -> bool + Send + 'static,
    ) {
        let kind = Kind::Recurs(Box::new(condition));
        self.engine().promises().add(Promise::new(name.into(), within, kind));
    }
}
