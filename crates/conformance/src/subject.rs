//! What the suite is run on.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_runtime_compat::{Blocking, Spawner, Timer};

use crate::load::Load;

/// The spawner under test, with its timer, its blocking pool and its shutdown if it has them.
///
/// Each case runs on a subject of its own, so that damage done by one case does not reach the next.
pub struct Subject {
    /// Without the decorators.
    pub(crate) spawner: Arc<dyn Spawner>,
    /// The innermost first.
    decorators: Mutex<Vec<Decorator>>,
    pub(crate) is_decorated: bool,
    pub(crate) blocking: Option<Arc<dyn Blocking>>,
    pub(crate) timer: Option<Arc<dyn Timer>>,
    shutdown: Mutex<Option<Shutdown>>,
    pub(crate) one_thread: bool,
    naming: Option<Box<Naming>>,
    skips: Vec<&'static str>,
    pub(crate) load: Load,
}

type Decorator = Box<dyn FnOnce(Arc<dyn Spawner>) -> Arc<dyn Spawner> + Send>;

type Shutdown = Box<dyn FnOnce() + Send>;

/// Maps the name that the caller gave to the name that the task has.
type Naming = dyn Fn(Option<&str>) -> Option<String> + Send + Sync;

impl Subject {
    /// A subject that cannot be shut down, and has neither a timer nor a blocking pool.
    pub fn new(spawner: impl Spawner + 'static) -> Subject {
        Subject {
            spawner: Arc::new(spawner),
            decorators: Mutex::default(),
            is_decorated: false,
            blocking: None,
            timer: None,
            shutdown: Mutex::new(None),
            one_thread: false,
            naming: None,
            skips: Vec::new(),
            load: Load::default(),
        }
    }

    /// Sets the blocking pool, for [`C15`](crate::Clause::C15).
    #[must_use]
    pub fn blocking(self, blocking: impl Blocking + 'static) -> Subject {
        Subject { blocking: Some(Arc::new(blocking)), ..self }
    }

    /// Sets the timer, for [`C12`](crate::Clause::C12).
    ///
    /// It may be the spawner itself, if that is a timer as well. The clock has to advance by
    /// itself; it may be virtual, and skip ahead while no task is ready.
    #[must_use]
    pub fn timer(self, timer: impl Timer + 'static) -> Subject {
        Subject { timer: Some(Arc::new(timer)), ..self }
    }

    /// Declares that tasks and blocking work share one thread, as in a simulation: no task runs
    /// while a job does.
    ///
    /// The case `c15::tasks_run_beside_a_job` is skipped then, and is declared as
    /// [skipped](Subject::skips).
    #[must_use]
    pub fn one_thread(self) -> Subject {
        Subject { one_thread: true, ..self.skips(["c15::tasks_run_beside_a_job"]) }
    }

    /// Sets the function that shuts the executor down, for [`C5`](crate::Clause::C5).
    ///
    /// When the function returns, the executor must be gone, with the futures of its pending
    /// tasks dropped, and the [pool](Subject::blocking), if there is one, must accept no more
    /// work. A case that does not shut the subject down drops the function without calling it;
    /// dropping it should end the executor's threads, too.
    #[must_use]
    pub fn on_shutdown(self, shutdown: impl FnOnce() + Send + 'static) -> Subject {
        Subject { shutdown: Mutex::new(Some(Box::new(shutdown))), ..self }
    }

    /// Wraps the spawner in a decorator, which is then the spawner under test.
    ///
    /// The timer and the blocking pool stay as they are. A decorator of the spawner alone need not
    /// repeat [`C12`](crate::Clause::C12) and [`C15`](crate::Clause::C15): see the list of clauses
    /// that [`conformance_tests!`](crate::conformance_tests) takes.
    ///
    /// A decorator passes names and locations on: under [`C14`](crate::Clause::C14) the suite puts a
    /// spawner of its own between the decorators and the spawner, and checks what that gets.
    #[must_use]
    pub fn decorated_by<S: Spawner + 'static>(
        self,
        decorate: impl FnOnce(Arc<dyn Spawner>) -> S + Send + 'static,
    ) -> Subject {
        let decorate: Decorator = Box::new(|inner| Arc::new(decorate(inner)));
        self.decorators.lock().unwrap_or_else(PoisonError::into_inner).push(decorate);
        Subject { is_decorated: true, ..self }
    }

    /// Declares how the subject changes the names of tasks, for [`C14`](crate::Clause::C14).
    ///
    /// The function gets the name in the spawn call, and returns the name of the task. If the
    /// subject is [decorated](Subject::decorated_by), it is the decorators that change names.
    #[must_use]
    pub fn naming(
        self,
        naming: impl Fn(Option<&str>) -> Option<String> + Send + Sync + 'static,
    ) -> Subject {
        Subject { naming: Some(Box::new(naming)), ..self }
    }

    /// Declares which cases are skipped on this subject.
    ///
    /// Each entry is a case, such as `c15::tasks_run_beside_a_job`, or all cases of a clause, such
    /// as `c12`. A test of [`conformance_tests!`](crate::conformance_tests) fails if its case is
    /// skipped and not declared here, and if it is declared here and not skipped.
    #[must_use]
    pub fn skips(mut self, cases: impl IntoIterator<Item = &'static str>) -> Subject {
        self.skips.extend(cases);
        self
    }

    /// Sets how much [`C13`](crate::Clause::C13) asks for.
    #[must_use]
    pub fn load(self, load: Load) -> Subject {
        Subject { load, ..self }
    }

    /// Puts the decorators around a spawner. They can be used once.
    pub(crate) fn decorate(&self, spawner: Arc<dyn Spawner>) -> Arc<dyn Spawner> {
        let decorators = &mut *self.decorators.lock().unwrap_or_else(PoisonError::into_inner);
        decorators.drain(..).fold(spawner, |inner, decorate| decorate(inner))
    }

    /// Whether the case is declared as skipped.
    pub(crate) fn is_skipped(&self, case: &str) -> bool {
        let clause = case.split("::").next();
        self.skips.iter().any(|skip| *skip == case || Some(*skip) == clause)
    }

    /// The name of a task that was spawned with this name.
    pub(crate) fn name(&self, name: Option<&str>) -> Option<String> {
        match &self.naming {
            Some(naming) => naming(name),
            None => name.map(str::to_owned),
        }
    }

    pub(crate) fn can_shut_down(&self) -> bool {
        self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(crate) fn take_shutdown(&self) -> Option<Shutdown> {
        self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("load", &self.load).finish_non_exhaustive()
    }
}
