//! Spans and subscribers that follow spawned tasks, with the crate [`tracing`](::tracing).
//!
//! A span is entered on one thread, and a task runs on another: its events are outside the span of the code
//! that spawned it, and lost if the subscriber is set for the spawning thread only. [`Traced`] is a spawner
//! whose tasks keep both.
//!
//! ```text
//! INFO request{id=1}:task{name="lookup" spawned_at=src/server.rs:29:33}: asking for user 7
//! ```
//!
//! The example `tracing` in the repository shows it on several backends.
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_runtime_compat::prelude::*;
//! use async_runtime_compat::tracing::Traced;
//!
//! async fn serve(runtime: Arc<dyn Runtime>) -> Result<(), JoinError> {
//!     let request = tracing::info_span!("request", id = 7);
//!     let task = request.in_scope(|| {
//!         runtime.spawn_named("lookup", async {
//!             // In `request{id=7}:task{name="lookup" spawned_at=src/main.rs:9:17}`.
//!             tracing::info!("looking it up");
//!         })
//!     });
//!     task.await
//! }
//!
//! # #[cfg(feature = "smol")] {
//! let runtime: Arc<dyn Runtime> = Arc::new(Traced::new(async_runtime_compat::smol::SmolSpawner));
//! smol::block_on(serve(runtime)).unwrap();
//! # }
//! ```

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::tracing::dispatcher::{self, Dispatch};
use ::tracing::subscriber::NoSubscriber;
use ::tracing::{Level, Span};

use crate::contain::discard;
use crate::decorate::{Decorated, decorator};
use crate::ids::TaskId;
use crate::layer::{Layer, SpawnHook, Spawning, TaskHook};
use crate::meta::SpawnMeta;
use crate::seam::Spawner;

/// A spawner whose tasks run in the span of the code that spawned them, with its subscriber.
///
/// Each task has a span of its own, `task`, inside the span that is current where it is spawned. It has the
/// fields `id` and `name`, if the task has them, and `spawned_at`, the location of the `spawn` call. It is entered
/// around every poll and while the future is dropped, and closes with the task. If the decorated spawner is
/// [`Blocking`](crate::Blocking), blocking work runs in a span `blocking`. The target of both spans is
/// `async_runtime_compat`, for use in filters.
///
/// The task's subscriber is the one that is current where it is spawned: the thread's, as set by
/// `tracing::subscriber::with_default`, or else the global one.
///
/// `Traced` is a decorator, and nests with those in [`decorate`](crate::decorate). Inside a
/// [`Named`](crate::decorate::Named) it records the new name; around one, the name from before.
///
/// # Lifetime of spans
///
/// A task's span keeps its parent span open, and its subscriber alive, until the task ends. Spawn tasks
/// that never end outside of any span.
///
/// # Cost
///
/// One allocation per task, and the subscriber's work for a span; nothing without a subscriber. Each poll
/// enters and leaves the span, and sets and restores the subscriber. Setting it writes to a counter that all
/// threads share, and while any thread has a subscriber set, `tracing` takes a slower path to find each one.
/// Programs with one global subscriber turn that off with
/// [`global_subscriber`](TracedBuilder::global_subscriber).
///
/// # Panics in the subscriber
///
/// If the subscriber panics while it creates, enters or leaves a task's span, the task is not affected. The
/// panic hook reports the panic.
pub struct Traced<S> {
    decorated: Arc<Decorated<S>>,
}

decorator!(Traced);

impl<S: Spawner + 'static> Traced<S> {
    /// Wraps a spawner. Tasks have a span at the level `INFO`, and the subscriber of the code that spawns
    /// them.
    pub fn new(spawner: S) -> Traced<S> {
        Traced::builder(spawner).build()
    }

    /// Configures more than the defaults.
    pub fn builder(spawner: S) -> TracedBuilder<S> {
        TracedBuilder { spawner, spans: Some(Level::INFO), subscriber: true }
    }
}

impl<S> Clone for Traced<S> {
    fn clone(&self) -> Traced<S> {
        Traced { decorated: self.decorated.clone() }
    }
}

impl<S> fmt::Debug for Traced<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").finish_non_exhaustive()
    }
}

/// Configures a [`Traced`]; see [`Traced::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TracedBuilder<S> {
    spawner: S,
    /// The level of the tasks' own spans.
    spans: Option<Level>,
    subscriber: bool,
}

impl<S: Spawner + 'static> TracedBuilder<S> {
    /// Sets the level of the tasks' spans. The default is `INFO`.
    ///
    /// If the subscriber does not enable this level, tasks run in the span of the code that spawns them.
    pub fn level(self, level: Level) -> TracedBuilder<S> {
        TracedBuilder { spans: Some(level), ..self }
    }

    /// Gives tasks no span of their own: they run in the span that is current where they are spawned.
    ///
    /// Neither name nor location is recorded.
    pub fn current_span(self) -> TracedBuilder<S> {
        TracedBuilder { spans: None, ..self }
    }

    /// Does not carry the subscriber into tasks.
    ///
    /// For programs with one global subscriber, set by `tracing::subscriber::set_global_default` or by
    /// `tracing-subscriber`'s `init`: their tasks find it anyway, and each poll costs less.
    pub fn global_subscriber(self) -> TracedBuilder<S> {
        TracedBuilder { subscriber: false, ..self }
    }

    /// Builds the spawner.
    pub fn build(self) -> Traced<S> {
        let TracedBuilder { spawner, spans, subscriber } = self;
        let layer = Layer::Hook(Arc::new(Carry { spans, subscriber }));
        Traced { decorated: Decorated::new(spawner, layer.clone(), Some(layer)) }
    }
}

impl<S> fmt::Debug for TracedBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedBuilder").finish_non_exhaustive()
    }
}

/// Lets each task carry its span and its subscriber.
struct Carry {
    /// The level of the tasks' own spans.
    spans: Option<Level>,
    subscriber: bool,
}

type MakeSpan = fn(Level, SpawnMeta<'_>) -> Span;

impl Carry {
    fn add(&self, spawning: &mut Spawning<'_>, span: MakeSpan) {
        let carried = Carried::of_this_thread(self.subscriber, || match self.spans {
            Some(level) => span(level, spawning.meta()).or_current(),
            None => Span::current(),
        });
        if let Some(carried) = carried {
            spawning.add_scope(Arc::new(carried));
        }
    }
}

impl SpawnHook for Carry {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        self.add(spawning, task_span);
    }

    fn spawn_blocking(&self, spawning: &mut Spawning<'_>) {
        self.add(spawning, blocking_span);
    }
}

/// Creates a span with a level known at run time only: `tracing` needs a static for each level.
macro_rules! span {
    ($name:literal, $level:expr, $meta:expr) => {{
        let id = $meta.id().map(TaskId::as_u64);
        let name = $meta.name();
        let location = $meta.location();
        match $level {
            Level::ERROR => at_level!($name, Level::ERROR, id, name, location),
            Level::WARN => at_level!($name, Level::WARN, id, name, location),
            Level::INFO => at_level!($name, Level::INFO, id, name, location),
            Level::DEBUG => at_level!($name, Level::DEBUG, id, name, location),
            Level::TRACE => at_level!($name, Level::TRACE, id, name, location),
        }
    }};
}

macro_rules! at_level {
    ($span:literal, $level:expr, $id:ident, $name:ident, $location:ident) => {
        ::tracing::span!(
            target: "async_runtime_compat",
            $level,
            $span,
            id = $id,
            name = $name,
            spawned_at = %$location,
        )
    };
}

fn task_span(level: Level, meta: SpawnMeta<'_>) -> Span {
    span!("task", level, meta)
}

fn blocking_span(level: Level, meta: SpawnMeta<'_>) -> Span {
    span!("blocking", level, meta)
}

/// The span and the subscriber that a task carries.
struct Carried {
    span: Span,
    subscriber: Option<Dispatch>,
}

impl Carried {
    /// `None` if there is nothing to carry.
    fn of_this_thread(subscriber: bool, span: impl FnOnce() -> Span) -> Option<Carried> {
        let span = catch_unwind(AssertUnwindSafe(span)).unwrap_or_else(|payload| {
            discard(payload);
            Span::none()
        });
        let subscriber = if subscriber { dispatcher::get_default(some_subscriber) } else { None };
        if span.is_disabled() && subscriber.is_none() {
            return None;
        }
        Some(Carried { span, subscriber })
    }
}

/// With no subscriber yet, nothing is carried, so that the task finds a global one that is set later.
fn some_subscriber(dispatch: &Dispatch) -> Option<Dispatch> {
    (!dispatch.is::<NoSubscriber>()).then(|| dispatch.clone())
}

impl Drop for Carried {
    fn drop(&mut self) {
        let span = mem::replace(&mut self.span, Span::none());
        match &self.subscriber {
            // When a span closes, `tracing-subscriber` releases its parent in the subscriber that is
            // current at that time.
            Some(subscriber) => dispatcher::with_default(subscriber, || discard(span)),
            None => discard(span),
        }
    }
}

impl TaskHook for Carried {
    fn scope(&self, f: &mut dyn FnMut()) {
        match &self.subscriber {
            Some(subscriber) => dispatcher::with_default(subscriber, || self.span.in_scope(f)),
            None => self.span.in_scope(f),
        }
    }
}
