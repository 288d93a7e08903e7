//! The suite on each decorator, and on all of them around each other.
//!
//! A decorator of a spawner does not touch the subject's timer and pool, so the clauses about those
//! are left to `runtime_on_tokio` and `runtime_on_smol`, where the decorated runtime is both.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

use async_runtime_compat::decorate::{Counted, Identified, Limited, Named};
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning};
use async_runtime_compat::{Spawner, TaskGroup};
use async_runtime_compat_conformance::{Load, Subject};
use test_support::subjects;

type Inner = Arc<dyn Spawner>;

/// More than a case has at a time.
const MANY: usize = 1 << 20;

#[cfg(feature = "tokio")]
fn prefixed(subject: Subject) -> Subject {
    let subject = subject.decorated_by(|inner| Named::with_prefix(inner, "part."));
    subject.naming(|name| Some(format!("part.{}", name?)))
}

fn with_default(subject: Subject) -> Subject {
    let subject = subject.decorated_by(|inner| Named::with_default(inner, "unnamed"));
    subject.naming(|name| Some(name.unwrap_or("unnamed").to_owned()))
}

/// A limit at which each task begins in the queue, to be started by another thread.
fn queueing(inner: Inner) -> Hooked<Limited<Inner>> {
    let limited = Limited::new(inner, MANY);
    let (spawns, spawned) = mpsc::channel();
    let raised = limited.clone();
    // It ends with the sender.
    thread::spawn(move || spawned.iter().for_each(|()| raised.set_limit(MANY)));
    Hooked::new(limited.clone(), Lower { limited, spawns })
}

/// Lowers the limit right before the limit sees the task: the outermost decorator comes first.
struct Lower {
    limited: Limited<Inner>,
    spawns: Sender<()>,
}

impl SpawnHook for Lower {
    fn spawn(&self, _: &mut Spawning<'_>) {
        self.limited.set_limit(0);
        self.spawns.send(()).unwrap();
    }
}

/// Less than a backend has by itself: a task under many decorators takes many times as long.
fn light(subject: Subject) -> Subject {
    subject.load(Load { live: 10_000, chain: 2_000, threads: 16, each: 200 })
}

/// All of them, in an order in which each is inside and around another.
fn stack(subject: Subject) -> Subject {
    let subject = subject.decorated_by(|inner| {
        let named = Named::with_prefix(Identified::new(inner), "inner.");
        let limited = Limited::new(Counted::new(named), MANY);
        let group = TaskGroup::new(Arc::new(limited));
        let limited = Limited::new(traced(group), MANY);
        Counted::new(Named::with_default(limited, "unnamed"))
    });
    subject.naming(|name| Some(format!("inner.{}", name.unwrap_or("unnamed"))))
}

#[cfg(feature = "tracing")]
fn traced<S: Spawner + 'static>(inner: S) -> impl Spawner {
    crate::tracing::subscribe_all();
    async_runtime_compat::tracing::Traced::new(inner)
}

#[cfg(not(feature = "tracing"))]
fn traced<S: Spawner + 'static>(inner: S) -> impl Spawner {
    inner
}

#[cfg(feature = "tracing")]
fn with_spans(subject: Subject) -> Subject {
    crate::tracing::subscribe_all();
    subject.decorated_by(async_runtime_compat::tracing::Traced::new)
}

/// Stamps the clauses that a decorator of a spawner can violate.
macro_rules! stamp {
    ($($(#[$gate:meta])* $name:ident: $subject:expr;)*) => {$(
        $(#[$gate])*
        test_support::stamp! {
            clauses: [C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C13, C14, C16];
            $name: $subject;
        }
    )*};
}

stamp! {
    #[cfg(feature = "tokio")]
    prefix_on_tokio: prefixed(light(subjects::tokio_multi_thread()));
    default_name_on_own_spawner: with_default(subjects::threads());
    #[cfg(feature = "smol")]
    counted_on_smol: light(subjects::smol()).decorated_by(Counted::new);
    counted_on_own_spawner: subjects::threads().decorated_by(Counted::new);
    #[cfg(feature = "tokio")]
    limited_on_tokio: light(subjects::tokio_current_thread()).decorated_by(queueing);
    #[cfg(feature = "async-executor")]
    limited_on_async_executor: light(subjects::async_executor(4)).decorated_by(queueing);
    limited_on_own_spawner: subjects::threads().decorated_by(queueing);
    #[cfg(feature = "tokio")]
    identified_on_tokio: light(subjects::tokio_multi_thread()).decorated_by(Identified::new);
    #[cfg(feature = "smol")]
    identified_on_smol: light(subjects::smol()).decorated_by(Identified::new);
    identified_on_own_spawner: subjects::threads().decorated_by(Identified::new);
    identified_in_a_simulation: light(subjects::simulated()).decorated_by(Identified::new);
    #[cfg(all(feature = "tracing", feature = "tokio"))]
    traced_on_tokio: with_spans(light(subjects::tokio_multi_thread()));
    #[cfg(feature = "tracing")]
    traced_on_own_spawner: with_spans(subjects::threads());
    #[cfg(feature = "tokio")]
    group_on_tokio: light(subjects::tokio_multi_thread()).decorated_by(TaskGroup::new);
    #[cfg(feature = "async-executor")]
    group_on_async_executor: light(subjects::async_executor(4)).decorated_by(TaskGroup::new);
    group_on_own_spawner: subjects::threads().decorated_by(TaskGroup::new);
    #[cfg(feature = "tokio")]
    group_in_a_group: light(subjects::ambient_tokio()).decorated_by(|ambient| {
        TaskGroup::new(Arc::new(TaskGroup::new(ambient)))
    });
    #[cfg(feature = "tokio")]
    all_on_tokio: stack(light(subjects::ambient_tokio()));
    #[cfg(feature = "smol")]
    all_on_smol: stack(light(subjects::smol()));
    #[cfg(feature = "async-std")]
    all_on_async_std: stack(light(subjects::async_std()));
    #[cfg(feature = "async-executor")]
    all_on_async_executor: stack(light(subjects::async_executor(4)));
    all_on_own_spawner: stack(subjects::threads());
    all_in_a_simulation: stack(light(subjects::simulated()));
}

// The pool and the timer go through the decorators, too.
#[cfg(feature = "tokio")]
test_support::stamp! {
    clauses: [C12, C14, C15, C16];
    runtime_on_tokio: decorated(subjects::tokio_behind(runtime));
}
#[cfg(feature = "smol")]
test_support::stamp! {
    clauses: [C12, C14, C15, C16];
    runtime_on_smol: decorated(subjects::global(runtime(async_runtime_compat::smol::SmolSpawner)));
}

/// A runtime that is still one after all of it.
#[cfg(any(feature = "tokio", feature = "smol"))]
fn runtime<R: async_runtime_compat::Runtime + 'static>(
    runtime: R,
) -> Arc<dyn async_runtime_compat::Runtime> {
    let inner: Arc<dyn async_runtime_compat::Runtime> =
        Arc::new(Counted::new(Identified::new(Named::with_prefix(runtime, "part."))));
    async_runtime_compat::Ambient::new(Limited::new(inner, MANY))
}

#[cfg(any(feature = "tokio", feature = "smol"))]
fn decorated(subject: Subject) -> Subject {
    subject.naming(|name| Some(format!("part.{}", name?)))
}
