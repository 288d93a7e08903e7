//! The wrapper that starts a job, tracks its state, and cancels it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::Task;
use super::context::TaskContext;
use super::error::StartError;
use super::shared::{Begin, Current, Options, Shared};
use super::state::{Outcome, TaskState};
use crate::services::contain::discard;
use crate::services::run::{Canceller, Run, RunHandle, Work, promise};
use crate::services::{events, short_name};
use crate::{Runtime, SpawnMeta, TaskGroup, Watch};

/// Runs a [`Task`] on a runtime, one run at a time, and tracks its state.
///
/// Clones share the job and its state.
///
/// | state        | [`start`](TaskWrapper::start)                                               |
/// |--------------|-----------------------------------------------------------------------------|
/// | `NotStarted` | starts the job                                                              |
/// | `Running`    | fails, and returns the action                                               |
/// | `Completed`  | does nothing; the result is [`AlreadyCompleted`](Outcome::AlreadyCompleted) |
/// | `Failed`     | starts the job again                                                        |
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
/// use async_runtime_compat::services::{Outcome, Run, Task, TaskContext, TaskWrapper};
///
/// struct Squares;
///
/// impl Task for Squares {
///     type Action = u32;
///     type Event = u32;
///     type Output = u32;
///     type Error = std::convert::Infallible;
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
    /// listing shows. If the state is [`Completed`](TaskState::Completed), nothing is spawned, the
    /// events are at their end, and the outcome is
    /// [`AlreadyCompleted`](Outcome::AlreadyCompleted).
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
        let Shared { runtime, options, .. } = &*self.shared;
        let group = TaskGroup::new(runtime.clone());
        let canceller = Canceller::new(group.cancel_token());
        let (emitter, events) = events::channel(options.capacity);
        let (promise, promised) = promise();
        let run = Run::new(events, RunHandle::new(promised, canceller.clone()));
        let current = Current::new(canceller.clone());
        match self.shared.begin(&current) {
            Begin::Run => {}
            Begin::IsRunning => return Err(StartError::new(&options.name, action)),
            Begin::IsCompleted => {
                promise.keep(Ok(Outcome::AlreadyCompleted));
                return Ok(run);
            }
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

    /// The present state.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.shared.state().state()
    }

    /// Whether the job has completed.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state().is_completed()
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
