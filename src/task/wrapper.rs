//! What starts a job, knows its state, and cancels it.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::Task;
use super::context::TaskContext;
use super::drive::{Current, Ending, Start, drive};
use super::error::StartError;
use super::state::{Outcome, TaskState};
use crate::backend;
use crate::cancel::CancelToken;
use crate::events;
use crate::group::TaskGroup;
use crate::origin::short_name;
use crate::run::{Canceller, Cause, Promise, Run, RunError, RunHandle, promise};
use crate::seam::Runtime;
use crate::spawner::SpawnerExt;
use crate::watch::{Watch, Watched};

/// Starts a job on a runtime, one run at a time, and knows how far it has got.
///
/// Clones are the same wrapper.
///
/// | state          | [`start`](TaskWrapper::start)                                                                    |
/// |----------------|--------------------------------------------------------------------------------------------------|
/// | `NotStarted`   | starts the job                                                                                   |
/// | `Running`      | is an error, and gives the action back                                                           |
/// | `Completed`    | does nothing; the result is [`AlreadyCompleted`](Outcome::AlreadyCompleted)                      |
/// | `Failed`       | starts the job again                                                                             |
///
/// # Dropping it
///
/// Stops nothing: a job that runs goes on to its end, as a task does whose handle is dropped. So
/// does dropping the [`Run`] that a start gives. To bind jobs to something, give their wrapper a
/// runtime whose spawner is a [`TaskGroup`]'s: what ends the group ends the jobs.
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::{TaskGroup, with_blocking, with_timer};
///
/// fn inside(group: &TaskGroup, runtime: Arc<dyn Runtime>) -> Arc<dyn Runtime> {
///     let spawner = with_timer(group.spawner(), runtime.clone());
///     Arc::new(with_blocking(spawner, runtime))
/// }
/// ```
///
/// # Cancelling
///
/// [`cancel`](TaskWrapper::cancel) cancels the job's [token](TaskContext::cancel_token), and drops
/// the job's future when the [grace period](TaskWrapperBuilder::grace) is over, which is zero if
/// not given. A job that ends after the request counts as cancelled, whatever it gives, as a task
/// does that is aborted: one that stops early because of the token would otherwise be taken for
/// one that is done. An error of its own is kept as the source.
///
/// # The end of a job
///
/// What a job has spawned through its context is gone before the state says that the job has
/// ended, also if the job is aborted from outside, or its runtime is shut down. The events come to
/// an end before that, and the result is there after it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::{Outcome, Run, Task, TaskContext, TaskWrapper};
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

/// What a start of a job gives.
pub type TaskRun<K> = Run<<K as Task>::Event, Outcome<<K as Task>::Output>>;

/// What the clones of a wrapper share with its run.
pub(super) struct Shared<K> {
    pub(super) task: K,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) options: Options,
    /// Set under the lock of what runs, so that it is `Running` as long as something does.
    state: Watched<TaskState>,
    running: Mutex<Option<Arc<Current>>>,
}

pub(super) struct Options {
    name: String,
    capacity: usize,
    pub(super) grace: Duration,
}

impl<K> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Current>>> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn error(&self, cause: Cause) -> RunError {
        RunError::new(self.subject(), cause)
    }

    /// What errors call it.
    pub(crate) fn subject(&self) -> String {
        format!("task '{}'", self.options.name)
    }

    /// The run has ended, and nothing is left of it.
    pub(super) fn end<T>(
        &self,
        current: &Current,
        promise: Promise<T>,
        result: Result<T, RunError>,
    ) {
        let state = match &result {
            Ok(_) => TaskState::Completed,
            Err(error) => TaskState::Failed(error.clone()),
        };
        let mut running = self.lock();
        let replaced = running.take();
        let change = self.state.replace(state.clone());
        drop(running);
        drop(replaced);
        // It is empty: there is one end of each run.
        let _ = current.how.set(state);
        promise.keep(result);
        change.announce();
        current.ended.cancel();
    }
}

impl<K: Task> TaskWrapper<K> {
    /// Wraps a job that is to run on the runtime.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>, task: K) -> TaskWrapper<K> {
        TaskWrapper::builder(runtime, task).build()
    }

    /// A wrapper with more than the defaults.
    pub fn builder(runtime: Arc<dyn Runtime>, task: K) -> TaskWrapperBuilder<K> {
        let name = short_name(task.type_name()).to_owned();
        let options = Options { name, capacity: 32, grace: Duration::ZERO };
        TaskWrapperBuilder { runtime, task, options }
    }

    /// Starts the job, and gives its events and its result to come.
    ///
    /// The job is spawned, with the wrapper's name and the place of this call, which is where a
    /// group lists it. If the state is [`Completed`](TaskState::Completed), nothing is spawned, the
    /// events are at their end, and the result is [`AlreadyCompleted`](Outcome::AlreadyCompleted).
    ///
    /// Dropping what it gives stops nothing.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the job runs. It has the action. On a runtime that was shut down the start
    /// succeeds and the run fails, with [`is_shutdown`](RunError::is_shutdown).
    #[track_caller]
    pub fn start(&self, action: K::Action) -> Result<TaskRun<K>, StartError<K::Action>> {
        let Shared { runtime, options, .. } = &*self.shared;
        let aborts = backend::aborts_of(runtime);
        let group = TaskGroup::new(runtime.clone());
        let current = Arc::new(Current {
            canceller: Canceller::new(group.cancel_token()),
            ended: CancelToken::new(),
            how: OnceLock::new(),
        });
        let (emitter, events) = events::channel(options.capacity);
        let (promise, promised) = promise();
        let run = Run::new(events, RunHandle::new(promised, current.canceller.clone()));

        let mut running = self.shared.lock();
        if running.is_some() {
            drop(running);
            return Err(StartError::new(&options.name, action));
        }
        if self.shared.state.get().is_completed() {
            drop(running);
            promise.keep(Ok(Outcome::AlreadyCompleted));
            return Ok(run);
        }
        *running = Some(current.clone());
        let change = self.shared.state.replace(TaskState::Running);
        drop(running);
        change.announce();

        let name = options.name.clone();
        let cx = TaskContext::new(name.clone(), emitter.clone(), &group, runtime.clone());
        let shared = self.shared.clone();
        let promise = Some(promise);
        let ending = Ending { shared, current, group, emitter, promise, result: None, aborts };
        runtime.spawn_named(name, drive(Start { action, cx, ending })).detach();
        Ok(run)
    }

    /// How far the job has got.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.shared.state.get()
    }

    /// Whether the job has completed.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state().is_completed()
    }

    /// Watches the state, for waiting.
    ///
    /// It does not keep the wrapper: once all clones are dropped and no job runs, there is no
    /// change any more.
    #[must_use]
    pub fn watch(&self) -> Watch<TaskState> {
        self.shared.state.watch()
    }

    /// Requests that the job end, waits until it has, and gives the state that it ended with. A job
    /// that does not run is left as it is, and its state is given.
    ///
    /// The request is made by this call. It concerns the run that there is, and no later one. The
    /// state is [`Failed`](TaskState::Failed) with [`is_cancelled`](RunError::is_cancelled), unless
    /// the job ended before the request, or panicked after it.
    ///
    /// Dropping the future ends the wait, and does not take the request back. A job that waits for
    /// its own end waits until it is dropped, at the end of the grace period.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: calling it again is the same as having waited on.
    #[must_use = "the request is made; await the future to know that the job has ended"]
    pub fn cancel(&self) -> impl Future<Output = TaskState> + Send + use<K> {
        let current = self.shared.lock().clone();
        if let Some(current) = &current {
            current.canceller.cancel();
        }
        let shared = self.shared.clone();
        async move {
            let Some(current) = current else { return shared.state.get() };
            current.ended.cancelled().await;
            current.how.get().cloned().unwrap_or_else(|| shared.state.get())
        }
    }

    /// The name of the job, by which a group lists it and errors tell of it.
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

/// A wrapper that is being made; see [`TaskWrapper::builder`].
#[must_use = "`build` makes the wrapper"]
pub struct TaskWrapperBuilder<K> {
    runtime: Arc<dyn Runtime>,
    task: K,
    options: Options,
}

impl<K: Task> TaskWrapperBuilder<K> {
    /// What the job is called; if not given, as the last part of its [type's
    /// name](Task::type_name).
    pub fn name(mut self, name: impl Into<String>) -> TaskWrapperBuilder<K> {
        self.options.name = name.into();
        self
    }

    /// How many events there may be that were emitted and not read; 32 if not given, and one if
    /// zero.
    ///
    /// It is what holds, however many tasks emit. The memory is that of the events that are there.
    pub fn event_capacity(mut self, events: usize) -> TaskWrapperBuilder<K> {
        self.options.capacity = events;
        self
    }

    /// How long a job that is cancelled, and what a job that has ended has spawned, may take to end
    /// by itself; zero if not given.
    ///
    /// It begins with the request, or with the end of a job that was not cancelled. With zero, what
    /// there is is dropped at once; with [`Duration::MAX`], never. On a runtime without a timer any
    /// period is over at once.
    pub fn grace(mut self, period: Duration) -> TaskWrapperBuilder<K> {
        self.options.grace = period;
        self
    }

    /// Makes the wrapper.
    #[must_use]
    pub fn build(self) -> TaskWrapper<K> {
        let TaskWrapperBuilder { runtime, task, options } = self;
        let (state, running) = (Watched::new(TaskState::NotStarted), Mutex::new(None));
        TaskWrapper { shared: Arc::new(Shared { task, runtime, options, state, running }) }
    }
}

impl<K> fmt::Debug for TaskWrapperBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskWrapperBuilder")
            .field("name", &self.options.name)
            .finish_non_exhaustive()
    }
}
