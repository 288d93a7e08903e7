//! Spans and subscribers that go with what is spawned, by the crate [`tracing`](::tracing).
//!
//! A span is entered on a thread, and a task runs on another: what it logs is outside of the span of
//! the code that spawned it, and, where the subscriber is one of that thread's alone, lost. A
//! [`Traced`] is a spawner that takes both along.
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
use crate::layer::{Layer, SpawnHook, Spawning, TaskHook};
use crate::meta::SpawnMeta;
use crate::seam::Spawner;

/// A spawner whose tasks are in the span of the code that spawns them, with its subscriber.
///
/// Each task has a span of its own, `task`, inside of the one that is current where it is spawned,
/// with its `name`, if it has one, and the place of the `spawn` call as `spawned_at`. It is entered
/// around every poll, and while the future is dropped, and closes with the task. Work that blocks has
/// a span `blocking`, which is entered around it, if what is decorated is
/// [`Blocking`](crate::Blocking). The target of both is `async_runtime_compat`, to filter them by.
///
/// The subscriber that is current where a task is spawned is current in it: that of the thread, as
/// `tracing::subscriber::with_default` sets it, or else that of the whole process.
///
/// It is a decorator, and nests as those in [`decorate`](crate::decorate) do. Inside of a
/// [`Named`](crate::decorate::Named) it records the new name, and around one that from before.
///
/// # What is kept
///
/// As a span inside of it, a task keeps the span of its spawner open until it ends, and its
/// subscriber. For a task without an end, enter no span where it is spawned.
///
/// # What it costs
///
/// An allocation per task, and what the subscriber does for a span; nothing if there is no
/// subscriber. Each poll enters and leaves the span, and sets and restores the subscriber. Setting it
/// changes a number that all threads share, and while any thread has one set, `tracing` finds each
/// subscriber by a slower way. Programs with one subscriber for the whole process turn that off with
/// [`global_subscriber`](TracedBuilder::global_subscriber).
///
/// # Subscribers that panic
///
/// A panic of the subscriber, as it makes, enters or leaves a span for a task, does not harm the
/// task. The panic hook reports it.
pub struct Traced<S> {
    decorated: Arc<Decorated<S>>,
}

decorator!(Traced);

impl<S: Spawner + 'static> Traced<S> {
    /// Tasks have a span of their own at the level `INFO`, and the subscriber of whoever spawns them.
    pub fn new(spawner: S) -> Traced<S> {
        Traced::builder(spawner).build()
    }

    /// One with more than the defaults.
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

/// A [`Traced`] that is being made; see [`Traced::builder`].
#[must_use = "`build` makes the spawner"]
pub struct TracedBuilder<S> {
    spawner: S,
    /// The level of the tasks' own spans.
    spans: Option<Level>,
    subscriber: bool,
}

impl<S: Spawner + 'static> TracedBuilder<S> {
    /// The level of the tasks' spans. The default is `INFO`.
    ///
    /// Where the subscriber does not take spans of this level, tasks are in the span of whoever
    /// spawns them.
    pub fn level(self, level: Level) -> TracedBuilder<S> {
        TracedBuilder { spans: Some(level), ..self }
    }

    /// Tasks have no span of their own: they are in the one that is current where they are spawned.
    ///
    /// Neither name nor place is recorded.
    pub fn current_span(self) -> TracedBuilder<S> {
        TracedBuilder { spans: None, ..self }
    }

    /// Leaves it to the threads which subscriber is current in a task.
    ///
    /// For programs with one subscriber for all threads, by `tracing::subscriber::set_global_default`
    /// or `init` of `tracing-subscriber`: there it is the same, and costs less.
    pub fn global_subscriber(self) -> TracedBuilder<S> {
        TracedBuilder { subscriber: false, ..self }
    }

    /// Makes the spawner.
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

/// Makes a span of a level that is not known before: `tracing` has a static for each.
macro_rules! span {
    ($name:literal, $level:expr, $meta:expr) => {{
        let name = $meta.name();
        let location = $meta.location();
        match $level {
            Level::ERROR => at_level!($name, Level::ERROR, name, location),
            Level::WARN => at_level!($name, Level::WARN, name, location),
            Level::INFO => at_level!($name, Level::INFO, name, location),
            Level::DEBUG => at_level!($name, Level::DEBUG, name, location),
            Level::TRACE => at_level!($name, Level::TRACE, name, location),
        }
    }};
}

macro_rules! at_level {
    ($span:literal, $level:expr, $name:ident, $location:ident) => {
        ::tracing::span!(
            target: "async_runtime_compat",
            $level,
            $span,
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

/// What a task takes along.
struct Carried {
    span: Span,
    subscriber: Option<Dispatch>,
}

impl Carried {
    /// `None` if there is nothing to take.
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

/// Where there is none, the task is to find what the process gets later.
fn some_subscriber(dispatch: &Dispatch) -> Option<Dispatch> {
    (!dispatch.is::<NoSubscriber>()).then(|| dispatch.clone())
}

impl Drop for Carried {
    fn drop(&mut self) {
        let span = mem::replace(&mut self.span, Span::none());
        match &self.subscriber {
            // As a span closes, `tracing-subscriber` lets go of the one around it, in the subscriber
            // that is current then.
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
