//! The wrapper that starts a job, tracks its state, and cancels it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::Task;
use super::check::Noted;
use super::context::TaskContext;
use super::error::StartError;
use super::record::RunRecord;
use super::repeat::Repeat;
use super::shared::{Begin, Options, Shared};
use super::state::{Outcome, TaskState};
use crate::services::contain::{catch, discard};
use crate::services::run::{Canceller, Cause, Run, RunError, RunHandle, Work, promise};
use crate::services::{events, short_name};
use crate::{Runtime, SpawnMeta, TaskGroup, Watch};

/// Runs a [`Task`] on a runtime, one run at a time, and tracks its state.
///
/// Clones share the job and its state.
///
/// | the action                              | [`start`](TaskWrapper::start)                                     |
/// |-----------------------------------------|-------------------------------------------------------------------|
/// | [repeats](Task::repeat) once, or once for its key, and a run has completed that | does nothing; the result is [`AlreadyCompleted`](Outcome::AlreadyCompleted) |
/// | another one, while the job runs         | fails, and returns the action                                     |
/// | another one                             | starts the job                                                    |
///
/// The wrapper's [state](TaskWrapper::state) is that of the latest run;
/// [`runs`](TaskWrapper::runs) lists the states of earlier ones.
/// [`check_completed`](TaskWrapper::check_completed) asks about an action without a start.
///
/// # Dropping it
///
/// Stops nothing: a running job continues to its end, like a task whose handle is dropped. The same
/// holds for the [`Run`] that a start returns. To bind jobs to a scope, wrap them with the runtime of
/// a group, [`TaskGroup::runtime`]: ending the group ends the jobs.
///
/// # Cancelling
///
/// [`cancel`](TaskWrapper::cancel) cancels the job's [token](TaskContext::cancel_token), and drops
/// the job's future when the [grace period](TaskWrapperBuilder::grace) is over, which is zero by
/// default. A job that ends after the request counts as cancelled even if it returns `Ok`, like an
/// aborted task: a job that stops early because of the token must not be taken for a complete one.
/// An error that it returns is kept as the source.
///
/// # The end of a job
///
/// All tasks that a job has spawned through its context are dropped before the state says that the
/// job has ended, even if the job is aborted from outside or its runtime is shut down. The events end
/// before that; the result is available after it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::services::{Outcome, Repeat, Run, Task, TaskContext, TaskWrapper};
///
/// struct Squares;
///
/// impl Task for Squares {
///     type Action = u32;
///     type Event = u32;
///     type Output = u32;
///     type Error = std::convert::Infallible;
///
///     /// Without this, each start runs it.
///     fn repeat(&self, count: &u32) -> Repeat {
///         Repeat::once_per(count)
///     }
///
///     async fn run(&self, count: u32, cx: TaskContext<u32>) -> Result<u32, Self::Error> {
///         let mut sum = 0;
///         for number in 1..=count {
///             sum += number * number;
///             cx.emit(number * number).await;
///         }
///         Ok(sum)
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let squares = TaskWrapper::new(Arc::new(SmolSpawner), Squares);
/// let Run { mut events, handle, .. } = squares.start(3)?;
/// while let Some(square) = events.next().await {
///     println!("{square}");
/// }
/// assert_eq!(handle.await?, Outcome::Completed(14));
/// assert!(squares.is_completed());
/// assert_eq!(squares.start(3)?.await?, Outcome::AlreadyCompleted);
/// assert_eq!(squares.start(2)?.await?, Outcome::Completed(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
pub struct TaskWrapper<K: Task> {
    shared: Arc<Shared<K>>,
}

/// Returned by [`TaskWrapper::start`]: the events and the outcome of a job.
pub type TaskRun<K> = Run<<K as Task>::Event, Outcome<<K as Task>::Output>>;

impl<K: Task> TaskWrapper<K> {
    /// Wraps a job, to run on the runtime.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>, task: K) -> TaskWrapper<K> {
        TaskWrapper::builder(runtime, task).build()
    }

    /// Wraps a job with options.
    pub fn builder(runtime: Arc<dyn Runtime>, task: K) -> TaskWrapperBuilder<K> {
        let name = short_name(task.type_name()).to_owned();
        let options = Options { name, capacity: 32, grace: Duration::ZERO };
        TaskWrapperBuilder { runtime, task, options }
    }

    /// Starts the job, and returns its events and its future outcome.
    ///
    /// The job is spawned with the wrapper's name and the location of this call, which a group's
    /// listing shows. If an earlier run has completed the work of the action, as far as the action
    /// [repeats](Task::repeat) at all, nothing is spawned, the events are at their end, and the outcome
    /// is [`AlreadyCompleted`](Outcome::AlreadyCompleted). This also holds while the job runs.
    ///
    /// Dropping the returned value stops nothing.
    ///
    /// # Errors
    ///
    /// [`StartError`], with the action, if the job is running. On a runtime that was shut down the
    /// start succeeds and the run fails, with
    /// [`is_shutdown`](crate::services::RunError::is_shutdown).
    #[track_caller]
    pub fn start(&self, action: K::Action) -> Result<TaskRun<K>, StartError<K::Action>> {
        let Shared { task, runtime, options, .. } = &*self.shared;
        let (repeat, panic) = match catch(|| task.repeat(&action)) {
            Ok(repeat) => (repeat, None),
            Err(payload) => (Repeat::Always, Some(Cause::panic(payload))),
        };
        let group = TaskGroup::new(runtime.clone());
        let canceller = Canceller::new(group.cancel_token());
        let (emitter, events) = events::channel(options.capacity);
        let (promise, promised) = promise();
        let mut handle = RunHandle::new(promised, canceller.clone());
        let current = match self.shared.begin(&repeat, &canceller) {
            Begin::Run(current) => current,
            Begin::IsRunning => return Err(StartError::new(&options.name, action)),
            Begin::IsCompleted => {
                promise.keep(Ok(Outcome::AlreadyCompleted));
                discard(action);
                return Ok(Run::new(events, handle));
            }
        };
        handle.set_number(current.number);
        let run = Run::new(events, handle);
        if let Some(cause) = panic {
            self.shared.end(&current, promise, Err(cause));
            discard(action);
            return Ok(run);
        }

        let cx = TaskContext::new(options.name.clone(), emitter.clone(), &group, runtime.clone());
        let shared = self.shared.clone();
        let job = {
            let shared = shared.clone();
            async move { shared.run(action, cx).await }
        };
        let finish = move |result| {
            emitter.close();
            shared.end(&current, promise, result);
            // It may be the last to hold the task, whose destructor is user code.
            discard(shared);
        };
        let name = Cow::Owned(options.name.clone());
        let work = Work { group, canceller, runtime: runtime.clone(), grace: options.grace };
        work.spawn(runtime.clone(), SpawnMeta::new().with_name(&name), job, finish);
        Ok(run)
    }

    /// The present state: the state of the latest run.
    ///
    /// If there was none, it is [`Completed`](TaskState::Completed) if a
    /// [check](TaskWrapper::check_completed) has found work of the job done, and otherwise
    /// [`NotStarted`](TaskState::NotStarted).
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.shared.state().state()
    }

    /// Whether the latest run has completed. For an action, use
    /// [`check_completed`](TaskWrapper::check_completed).
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state().is_completed()
    }

    /// The states of the runs: first the work that was done before, as far as a
    /// [check](TaskWrapper::check_completed) has found it done, and then the runs in the order of
    /// their starts.
    ///
    /// The wrapper remembers each run that has completed a key (see [`Task::repeat`]), and the latest
    /// 32 of the others. Of the runs with the same key it remembers the latest.
    #[must_use]
    pub fn runs(&self) -> Vec<RunRecord> {
        self.shared.runs()
    }

    /// Asks whether the work of an action is done, without starting the job: whether a run of this
    /// wrapper has completed it, or else [`Task::is_completed`].
    ///
    /// The check is spawned by this call, as a task of its own with the location of the call. It can
    /// be made while the job runs. If it finds the work done, [`runs`](TaskWrapper::runs) lists that,
    /// and the state of a job that was not started is [`Completed`](TaskState::Completed), until
    /// another check finds it not done. A start asks the job again.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the check fails, panics or is aborted from outside. The state of the job does
    /// not change.
    ///
    /// Actions that share a [`repeat`](Task::repeat) share an entry of the listing, as all that repeat `Always` do.
    /// The answer that came last counts, and none once the job has run one of them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the check: its token is cancelled, and it is dropped after the
    /// [grace period](TaskWrapperBuilder::grace).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::Arc;
    ///
    /// use async_runtime_compat::smol::SmolSpawner;
    /// use async_runtime_compat::services::{Task, TaskContext, TaskWrapper};
    ///
    /// struct Migration {
    ///     applied: u32,
    /// }
    ///
    /// impl Task for Migration {
    ///     type Action = u32;
    ///     type Event = ();
    ///     type Output = ();
    ///     type Error = std::convert::Infallible;
    ///
    ///     async fn is_completed(&self, to: &u32, _: &TaskContext<()>) -> Result<bool, Self::Error> {
    ///         Ok(*to <= self.applied)
    ///     }
    ///
    ///     async fn run(&self, _: u32, _: TaskContext<()>) -> Result<(), Self::Error> {
    ///         unreachable!("nothing is started here")
    ///     }
    /// }
    ///
    /// # futures_lite::future::block_on(async {
    /// let migration = TaskWrapper::new(Arc::new(SmolSpawner), Migration { applied: 3 });
    /// assert_eq!(migration.state().to_string(), "not started");
    /// assert!(migration.check_completed(3).await?);
    /// assert_eq!(migration.state().to_string(), "completed");
    /// assert!(!migration.check_completed(4).await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// # }
    /// ```
    #[must_use = "dropping the future cancels the check"]
    #[track_caller]
    pub fn check_completed(
        &self,
        action: K::Action,
    ) -> impl Future<Output = Result<bool, RunError>> + Send + use<K> {
        self.shared.check(action, Noted::Each)
    }

    /// [Asks](TaskWrapper::check_completed) about each of the job's
    /// [known actions](Task::known_actions), one after the other.
    ///
    /// Call it when a process starts: [`runs`](TaskWrapper::runs) then lists the work that earlier
    /// processes have done, and the state of a job that has done any is
    /// [`Completed`](TaskState::Completed).
    ///
    /// # Errors
    ///
    /// The first error of a check, once all were made.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the present check, and no further ones are made.
    pub fn check_known_actions(
        &self,
    ) -> impl Future<Output = Result<(), RunError>> + Send + use<K> {
        self.shared.clone().check_known_actions()
    }

    /// Watches the state.
    ///
    /// The watch does not keep the wrapper alive: once all clones are dropped and no job runs, the
    /// state does not change any more.
    #[must_use]
    pub fn watch(&self) -> Watch<TaskState> {
        self.shared.state().watch()
    }

    /// Requests that the job end, waits until it has, and returns the state in which it ended. If the
    /// job is not running, returns its state.
    ///
    /// The request is made by this call. It concerns the present run and no later one. The state is
    /// [`Failed`](TaskState::Failed) with [`is_cancelled`](crate::services::RunError::is_cancelled),
    /// unless the job ended before the request or panicked after it.
    ///
    /// Dropping the future ends the wait and does not withdraw the request. A job that awaits its own
    /// end is dropped at the end of the grace period.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: calling it again continues the wait.
    #[must_use = "the request is made; await the future to know that the job has ended"]
    pub fn cancel(&self) -> impl Future<Output = TaskState> + Send + use<K> {
        let current = self.shared.current();
        if let Some(current) = &current {
            current.canceller.cancel();
        }
        let shared = self.shared.clone();
        async move {
            let Some(current) = current else { return shared.state().state() };
            current.ended.cancelled().await;
            current.last.get().cloned().unwrap_or_else(|| shared.state().state())
        }
    }

    /// The name of the job, which groups list and errors mention.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.options.name
    }

    /// The job itself.
    #[must_use]
    pub fn task(&self) -> &K {
        &self.shared.task
    }
}

impl<K: Task> Clone for TaskWrapper<K> {
    fn clone(&self) -> TaskWrapper<K> {
        TaskWrapper { shared: self.shared.clone() }
    }
}

impl<K: Task> fmt::Debug for TaskWrapper<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskWrapper")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Builds a [`TaskWrapper`]; see [`TaskWrapper::builder`].
#[must_use = "call `build` to make the wrapper"]
pub struct TaskWrapperBuilder<K> {
    runtime: Arc<dyn Runtime>,
    task: K,
    options: Options,
}

impl<K: Task> TaskWrapperBuilder<K> {
    /// The name of the job; by default the last segment of its [type name](Task::type_name).
    pub fn name(mut self, name: impl Into<String>) -> TaskWrapperBuilder<K> {
        self.options.name = name.into();
        self
    }

    /// How many events are buffered before emitting waits; 32 by default, and zero counts as one.
    ///
    /// All emitters share the bound. Memory is used for buffered events only.
    pub fn event_capacity(mut self, events: usize) -> TaskWrapperBuilder<K> {
        self.options.capacity = events;
        self
    }

    /// The grace period, zero by default: how long a cancelled job, and the tasks of a job that has
    /// ended, may take to end by themselves.
    ///
    /// It begins with the request, or with the end of a job that was not cancelled. Zero drops them
    /// at once, [`Duration::MAX`] never. On a runtime without a timer any period is over at once.
    pub fn grace(mut self, period: Duration) -> TaskWrapperBuilder<K> {
        self.options.grace = period;
        self
    }

    /// Builds the wrapper.
    #[must_use]
    pub fn build(self) -> TaskWrapper<K> {
        let TaskWrapperBuilder { runtime, task, options } = self;
        TaskWrapper { shared: Shared::new(task, runtime, options) }
    }
}

impl<K> fmt::Debug for TaskWrapperBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskWrapperBuilder")
            .field("name", &self.options.name)
            .finish_non_exhaustive()
    }
}
