//! What the cases are made of: events to wait for, with a limit, and things that count.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use async_runtime_compat::{AbortOnDrop, Blocking, JoinError, JoinHandle, Spawner, Timer};

use crate::load::Load;
use crate::recorder::Recorder;
use crate::subject::Subject;

/// The reason why a case stopped early.
#[derive(Debug)]
pub(crate) enum Stop {
    Skipped(String),
    Failed(String),
}

pub(crate) type Verdict<T = ()> = Result<T, Stop>;

pub(crate) fn fail<T>(why: impl fmt::Display) -> Verdict<T> {
    Err(Stop::Failed(why.to_string()))
}

macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return $crate::kit::fail(format!($($why)+));
        }
    };
}
pub(crate) use ensure;

/// The subject of a case, and the ways to wait for it.
pub(crate) struct Cx {
    subject: Subject,
    /// Made by the first one who needs it.
    spawner: OnceLock<Arc<dyn Spawner>>,
    limit: Duration,
}

impl Cx {
    pub(crate) fn new(subject: Subject, limit: Duration) -> Cx {
        Cx { subject, spawner: OnceLock::new(), limit }
    }

    pub(crate) fn spawner(&self) -> &Arc<dyn Spawner> {
        self.spawner.get_or_init(|| self.subject.decorate(self.subject.spawner.clone()))
    }

    /// The spawner under test, with a recorder inside its decorators. Not to be used in a case that
    /// uses [`spawner`](Cx::spawner).
    pub(crate) fn recorded(&self) -> (Arc<dyn Spawner>, Arc<Recorder<dyn Spawner>>) {
        let inner = Arc::new(Recorder::new(self.subject.spawner.clone()));
        (self.subject.decorate(inner.clone()), inner)
    }

    /// The blocking pool. Skips the case if there is none.
    pub(crate) fn blocking(&self) -> Verdict<&Arc<dyn Blocking>> {
        let none = || Stop::Skipped("the subject has no blocking pool".to_owned());
        self.subject.blocking.as_ref().ok_or_else(none)
    }

    /// The timer. Skips the case if there is none.
    pub(crate) fn timer(&self) -> Verdict<&Arc<dyn Timer>> {
        self.subject
            .timer
            .as_ref()
            .ok_or_else(|| Stop::Skipped("the subject has no timer".to_owned()))
    }

    /// Skips the case if no task runs while blocking work does.
    pub(crate) fn needs_threads(&self) -> Verdict {
        if self.subject.one_thread {
            let why = "the subject has one thread for tasks and blocking work";
            return Err(Stop::Skipped(why.to_owned()));
        }
        Ok(())
    }

    /// Keeps a virtual clock from advancing, with a task that is always ready. A real clock
    /// advances nevertheless.
    pub(crate) fn hold_clock(&self) -> Verdict<AbortOnDrop<()>> {
        use async_runtime_compat::SpawnerExt;
        let running = Event::new();
        let set = running.clone();
        let busy = self.spawner().spawn_with_handle(async move {
            loop {
                set.set();
                async_runtime_compat::yield_now().await;
            }
        });
        let busy = busy.abort_on_drop();
        self.wait("the first poll", running.happens())?;
        Ok(busy)
    }

    /// The name of a task that was spawned with this name.
    pub(crate) fn name(&self, name: Option<&str>) -> Option<String> {
        self.subject.name(name)
    }

    /// The name that reaches the spawner inside the decorators.
    pub(crate) fn inner_name(&self, name: Option<&str>) -> Option<String> {
        if self.subject.is_decorated { self.name(name) } else { name.map(str::to_owned) }
    }

    pub(crate) fn load(&self) -> Load {
        self.subject.load
    }

    /// Shuts the subject down, or skips the case.
    pub(crate) fn shut_down(&self) -> Verdict {
        match self.subject.take_shutdown() {
            Some(shutdown) => {
                shutdown();
                Ok(())
            }
            None => Err(Stop::Skipped("the subject cannot be shut down".to_owned())),
        }
    }

    /// Skips the case if the subject cannot be shut down.
    pub(crate) fn needs_shutdown(&self) -> Verdict {
        if self.subject.can_shut_down() {
            return Ok(());
        }
        Err(Stop::Skipped("the subject cannot be shut down".to_owned()))
    }

    /// Waits for the future on this thread, outside any runtime.
    pub(crate) fn wait<F: Future>(&self, what: &str, future: F) -> Verdict<F::Output> {
        wait_for(self.limit, what, future)
    }

    /// How long a wait may take.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Waits for the end of a task.
    pub(crate) fn join<T>(&self, task: JoinHandle<T>) -> Verdict<Result<T, JoinError>> {
        self.wait("the join", task)
    }

    /// Waits for a task that must end with an output.
    pub(crate) fn output<T>(&self, task: JoinHandle<T>) -> Verdict<T> {
        self.join(task)?.or_else(|error| fail(format!("expected an output, but the {error}")))
    }

    /// Waits for a task that must end without an output.
    pub(crate) fn error<T>(&self, task: JoinHandle<T>) -> Verdict<JoinError> {
        match self.join(task)? {
            Ok(_) => fail("expected an error, but the task has an output"),
            Err(error) => Ok(error),
        }
    }

    /// Waits for a task that must end as cancelled.
    pub(crate) fn cancelled<T>(&self, task: JoinHandle<T>) -> Verdict {
        let error = self.error(task)?;
        ensure!(error.is_cancelled(), "expected `is_cancelled`, but the {error}");
        Ok(())
    }

    /// Waits until the condition holds. There is no event for it.
    pub(crate) fn until(&self, what: &str, condition: impl Fn() -> bool) -> Verdict {
        let deadline = Instant::now() + self.limit;
        while !condition() {
            if Instant::now() > deadline {
                return fail(format!("timed out after {:?}, waiting for {what}", self.limit));
            }
            thread::yield_now();
        }
        Ok(())
    }

    /// Checks that the executor still runs tasks.
    pub(crate) fn still_runs(&self) -> Verdict {
        use async_runtime_compat::SpawnerExt;
        for _ in 0..16 {
            self.output(self.spawner().spawn_with_handle(async {}))?;
        }
        Ok(())
    }
}

/// Waits for the future on this thread, outside any runtime.
pub(crate) fn wait_for<F: Future>(limit: Duration, what: &str, future: F) -> Verdict<F::Output> {
    let deadline = Instant::now() + limit;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(output);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return fail(format!("timed out after {limit:?}, waiting for {what}"));
        }
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An event that tasks and threads wait for. Once it has happened, it stays so.
#[derive(Clone, Default)]
pub(crate) struct Event(Arc<Mutex<EventState>>);

#[derive(Default)]
struct EventState {
    happened: bool,
    waiting: Vec<Waker>,
}

impl Event {
    pub(crate) fn new() -> Event {
        Event::default()
    }

    pub(crate) fn set(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.happened = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) async fn happens(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.happened {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Counts drops.
#[derive(Clone, Default)]
pub(crate) struct Drops {
    count: Arc<AtomicUsize>,
    tokens: Arc<AtomicUsize>,
    event: Event,
}

impl Drops {
    pub(crate) fn new() -> Drops {
        Drops::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Resolves after the first drop.
    pub(crate) async fn first(&self) {
        self.event.happens().await;
    }

    /// Whether all tokens so far have been dropped.
    pub(crate) fn are_gone(&self) -> bool {
        self.count() == self.tokens.load(Ordering::SeqCst)
    }

    /// A value whose drop is counted.
    pub(crate) fn token(&self) -> Token {
        self.tokens.fetch_add(1, Ordering::SeqCst);
        Token(self.clone())
    }
}

pub(crate) struct Token(Drops);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        self.0.event.set();
    }
}

/// A value whose drop takes a moment, during which a join must not resolve.
#[derive(Clone, Default)]
pub(crate) struct SlowDrop(Arc<SlowDropState>);

#[derive(Default)]
struct SlowDropState {
    made: AtomicUsize,
    drops: AtomicUsize,
    /// The join has resolved.
    resolved: Event,
}

impl SlowDrop {
    pub(crate) fn new() -> SlowDrop {
        SlowDrop::default()
    }

    /// A value whose destructor waits for the join, for a moment.
    pub(crate) fn value(&self) -> OnDrop<impl FnMut() + Send + use<>> {
        let state = self.0.clone();
        state.made.fetch_add(1, Ordering::SeqCst);
        OnDrop(move || {
            // Too late if the join resolves meanwhile. It must not, so that this lasts as long as it says.
            let _ = wait_for(Duration::from_millis(2), "the join", state.resolved.happens());
            state.drops.fetch_add(1, Ordering::SeqCst);
        })
    }

    /// Called when the join has resolved as cancelled: all values must have been dropped.
    pub(crate) fn resolved(&self) -> Verdict {
        let (drops, made) =
            (self.0.drops.load(Ordering::SeqCst), self.0.made.load(Ordering::SeqCst));
        self.0.resolved.set();
        ensure!(drops == made, "the join resolved before the output was dropped");
        Ok(())
    }

    /// How many values there have been.
    pub(crate) fn made(&self) -> usize {
        self.0.made.load(Ordering::SeqCst)
    }
}

/// Runs a function when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A future that owns a value, signals its first poll, and never completes.
pub(crate) struct Forever<T> {
    pub(crate) _owned: T,
    pub(crate) polled: Event,
}

impl<T> Forever<T> {
    pub(crate) fn new(owned: T) -> Forever<T> {
        Forever { _owned: owned, polled: Event::new() }
    }
}

impl<T: Unpin> Future for Forever<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.polled.set();
        Poll::Pending
    }
}

/// A value of 64 KiB, as large as a stack holds only a few times.
pub(crate) struct Large([u8; 64 * 1024]);

impl Large {
    #[expect(clippy::large_stack_arrays, reason = "the size is tested")]
    pub(crate) fn new() -> Large {
        Large([7; 64 * 1024])
    }

    /// Checks that every byte arrived.
    pub(crate) fn undamaged(&self) -> Verdict {
        let damaged = self.0.iter().filter(|&&n| n != 7).count();
        ensure!(damaged == 0, "{damaged} bytes of an output of 64 KiB are damaged");
        Ok(())
    }

    /// A small future with a large output.
    pub(crate) async fn future() -> Large {
        async_runtime_compat::yield_now().await;
        Large::new()
    }

    /// The same, but it never completes.
    pub(crate) async fn never() -> Large {
        std::future::pending().await
    }
}

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> Arc<Wakes> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Panics without calling the panic hook: the suite prints nothing while it passes.
pub(crate) fn quiet_panic(payload: impl Send + 'static) -> ! {
    std::panic::resume_unwind(Box::new(payload))
}

/// The text of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "its payload is not a string".to_owned())
}
