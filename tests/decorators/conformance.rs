//! The suite on each decorator, and on all of them around each other.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use async_runtime_compat::conformance::Subject;
use async_runtime_compat::decorate::{Counted, Limited, Named};
use async_runtime_compat::{BoxFuture, Native, Spawner, TaskGroup};

use crate::subjects;

type Inner = Arc<dyn Spawner>;

/// More than a case has at a time.
const MANY: usize = 1 << 20;

fn prefixed(subject: Subject) -> Subject {
    let subject = subject.decorated_by(|inner| Named::with_prefix(inner, "part."));
    subject.naming(|name| Some(format!("part.{}", name?)))
}

fn with_default(subject: Subject) -> Subject {
    let subject = subject.decorated_by(|inner| Named::with_default(inner, "unnamed"));
    subject.naming(|name| Some(name.unwrap_or("unnamed").to_owned()))
}

/// A limit at which each task begins in the queue, to be started by another thread.
struct Queueing {
    limited: Limited<Inner>,
    spawns: Mutex<Sender<()>>,
}

impl Queueing {
    fn new(inner: Inner) -> Queueing {
        let limited = Limited::new(inner, MANY);
        let (spawns, spawned) = mpsc::channel();
        let raised = limited.clone();
        // It ends with the sender.
        thread::spawn(move || spawned.iter().for_each(|()| raised.set_limit(MANY)));
        Queueing { limited, spawns: Mutex::new(spawns) }
    }

    fn lower(&self) {
        self.limited.set_limit(0);
        self.spawns.lock().unwrap().send(()).unwrap();
    }
}

impl Spawner for Queueing {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.limited.spawn(future);
    }

    /// Each of the typed methods asks for it, right before it spawns.
    fn native(&self) -> Native<'_> {
        self.lower();
        self.limited.native()
    }
}

/// All of them, in an order in which each is inside and around another.
fn stack(subject: Subject) -> Subject {
    let subject = subject.decorated_by(|inner| {
        let named = Named::with_prefix(inner, "inner.");
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

macro_rules! stamp {
    ($($(#[$gate:meta])* $name:ident: $subject:expr;)*) => {$(
        $(#[$gate])*
        mod $name {
            #[allow(unused_imports, reason = "some subjects need none")]
            use super::*;

            async_runtime_compat::conformance_tests!($subject);
        }
    )*};
}

stamp! {
    #[cfg(feature = "tokio")]
    prefix_on_tokio: prefixed(subjects::tokio_multi_thread());
    #[cfg(feature = "async-std")]
    default_name_on_async_std: with_default(subjects::async_std());
    default_name_on_own_spawner: with_default(subjects::threads());
    prefix_on_own_spawner: prefixed(subjects::threads());
    #[cfg(feature = "tokio")]
    counted_on_tokio: subjects::tokio_multi_thread().decorated_by(Counted::new);
    #[cfg(feature = "smol")]
    counted_on_smol: subjects::smol().decorated_by(Counted::new);
    counted_on_own_spawner: subjects::threads().decorated_by(Counted::new);
    #[cfg(feature = "tokio")]
    limited_on_tokio: subjects::tokio_current_thread().decorated_by(Queueing::new);
    #[cfg(feature = "async-executor")]
    limited_on_async_executor: subjects::async_executor(4).decorated_by(Queueing::new);
    limited_on_own_spawner: subjects::threads().decorated_by(Queueing::new);
    #[cfg(all(feature = "tracing", feature = "tokio"))]
    traced_on_tokio: with_spans(subjects::tokio_multi_thread());
    #[cfg(all(feature = "tracing", feature = "async-executor"))]
    traced_on_async_executor: with_spans(subjects::async_executor(1));
    #[cfg(feature = "tracing")]
    traced_on_own_spawner: with_spans(subjects::threads());
    #[cfg(feature = "tokio")]
    all_on_tokio: stack(subjects::ambient_tokio());
    #[cfg(feature = "smol")]
    all_on_smol: stack(subjects::smol());
    #[cfg(feature = "async-std")]
    all_on_async_std: stack(subjects::async_std());
    #[cfg(feature = "async-executor")]
    all_on_async_executor: stack(subjects::async_executor(4));
    all_on_own_spawner: stack(subjects::threads());
    #[cfg(feature = "sim")]
    counted_in_a_simulation: crate::sim::subject().decorated_by(Counted::new);
    #[cfg(feature = "sim")]
    all_in_a_simulation: stack(crate::sim::subject());
    #[cfg(feature = "tokio")]
    runtime_on_tokio: runtime_on_tokio();
    #[cfg(feature = "smol")]
    runtime_on_smol: runtime(async_runtime_compat::smol::SmolSpawner);
}

/// A runtime that is still one after all of it; its pool and its timer are put to the test.
#[cfg(any(feature = "tokio", feature = "smol"))]
fn runtime(runtime: impl async_runtime_compat::Runtime + 'static) -> Subject {
    use async_runtime_compat::{Ambient, Runtime};

    let inner: Arc<dyn Runtime> = Arc::new(Counted::new(Named::with_prefix(runtime, "part.")));
    let runtime: Arc<dyn Runtime> = Ambient::new(Limited::new(inner, MANY));
    Subject::new(runtime.clone())
        .timer(runtime.clone())
        .blocking(runtime)
        .naming(|name| Some(format!("part.{}", name?)))
}

#[cfg(feature = "tokio")]
fn runtime_on_tokio() -> Subject {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let subject = runtime(TokioSpawner::new(tokio.handle().clone()));
    subject.on_shutdown(move || drop(tokio))
}
