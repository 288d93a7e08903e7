//! Decorators of a spawner that keep the typed path.
//!
//! A decorator that boxed each future to wrap it would cost every task a box. One that is made of a
//! [`Hooked`] is asked for its hooks instead, and the future goes with them, as it is, to what is
//! decorated. Decorators of decorators are one list of hooks, made when they are put together: so
//! the wrapper is the same for all, and none contains another.

use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::contain::{Contained, ContainedJob, discard};
use super::{BlockingKind, Kind};
use crate::blocking::Blocking;
use crate::spawner::Spawner;

/// What a decorator adds to a task.
///
/// Hooks run on the task's thread and must neither block nor panic.
pub(crate) trait TaskHook: Send + Sync {
    /// The task is about to be polled on this thread, or its future to be dropped. Work that blocks
    /// is about to be run.
    fn enter(&self);

    /// That is over.
    fn exit(&self);

    /// The task has ended, and its future has been dropped. Nobody has been told yet.
    fn end(&self, _how: TaskEnd) {}
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskEnd {
    Completed,
    Panicked,
    /// Aborted or refused, or the runtime was shut down.
    Dropped,
}

/// A decorator's part in spawning.
pub(crate) trait SpawnHook: Send + Sync {
    /// What to add to a task that is being spawned.
    fn task(&self) -> Option<Arc<dyn TaskHook>>;
}

/// A spawner, or a pool for work that blocks, with hooks.
pub(crate) struct Hooked<D: ?Sized> {
    /// What is underneath of all the decorators.
    base: Arc<D>,
    /// The innermost decorator's first.
    hooks: Vec<Arc<dyn SpawnHook>>,
    /// What was decorated, perhaps a decorator itself: its hooks may need it.
    _decorated: Arc<D>,
}

impl Hooked<dyn Spawner> {
    pub(crate) fn spawner(decorated: Arc<dyn Spawner>, hook: Arc<dyn SpawnHook>) -> Self {
        let (base, hooks) = if let Kind::Hooked(inner) = decorated.native().0 {
            inner.and(hook)
        } else {
            (decorated.clone(), vec![hook])
        };
        Hooked { base, hooks, _decorated: decorated }
    }

    /// What to spawn instead of the future, and what on.
    pub(super) fn task<F>(&self, future: F) -> (&dyn Spawner, HookedTask<F>) {
        (&*self.base, HookedTask { future: Contained::new(future), hooks: self.hooks() })
    }
}

impl Hooked<dyn Blocking> {
    pub(crate) fn blocking(decorated: Arc<dyn Blocking>, hook: Arc<dyn SpawnHook>) -> Self {
        let (base, hooks) = if let BlockingKind::Hooked(inner) = decorated.native_blocking().0 {
            inner.and(hook)
        } else {
            (decorated.clone(), vec![hook])
        };
        Hooked { base, hooks, _decorated: decorated }
    }

    /// What to run instead of the function, and what on.
    pub(super) fn job<F, T>(&self, f: F) -> (&dyn Blocking, impl FnOnce() -> T + use<F, T>)
    where
        F: FnOnce() -> T,
    {
        let job = HookedJob { f: Some(ContainedJob::new(f)), hooks: self.hooks() };
        (&*self.base, move || job.run())
    }
}

impl<D: ?Sized> Hooked<D> {
    fn and(&self, hook: Arc<dyn SpawnHook>) -> (Arc<D>, Vec<Arc<dyn SpawnHook>>) {
        let hooks = self.hooks.iter().cloned().chain([hook]);
        (self.base.clone(), hooks.collect())
    }

    fn hooks(&self) -> Hooks {
        let list = match &*self.hooks {
            [hook] => hook.task().map_or_else(|| List::Many(Box::default()), List::One),
            hooks => List::Many(hooks.iter().filter_map(|hook| hook.task()).collect()),
        };
        Hooks { list, ended: false }
    }
}

/// The hooks of one task.
struct Hooks {
    list: List,
    ended: bool,
}

/// There is hardly ever more than one, and one takes no box.
enum List {
    One(Arc<dyn TaskHook>),
    Many(Box<[Arc<dyn TaskHook>]>),
}

impl Hooks {
    fn all(&self) -> &[Arc<dyn TaskHook>] {
        match &self.list {
            List::One(hook) => slice::from_ref(hook),
            List::Many(hooks) => hooks,
        }
    }

    /// Does what must not unwind in the scope of the hooks. The outermost decorator is the closest
    /// to it, as it would be if each wrapped the future before passing it on.
    fn scope<T>(&self, f: impl FnOnce() -> T) -> T {
        self.all().iter().for_each(|hook| hook.enter());
        let value = f();
        self.all().iter().rev().for_each(|hook| hook.exit());
        value
    }

    fn end(&mut self, how: TaskEnd) {
        self.ended = true;
        self.all().iter().rev().for_each(|hook| hook.end(how));
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        // A hook may be the last to hold a runtime of the user's.
        discard(mem::replace(&mut self.list, List::Many(Box::default())));
    }
}

pin_project! {
    /// A future with hooks.
    pub(super) struct HookedTask<F> {
        #[pin]
        future: Contained<F>,
        hooks: Hooks,
    }

    impl<F> PinnedDrop for HookedTask<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.hooks.ended {
                return;
            }
            if let Err(payload) = this.hooks.scope(|| this.future.clear()) {
                discard(payload);
            }
            this.hooks.end(TaskEnd::Dropped);
        }
    }
}

impl<F: Future> Future for HookedTask<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let poll = this.hooks.scope(|| {
            let poll = this.future.as_mut().poll_caught(cx);
            if let Poll::Ready(Err(_)) = &poll {
                if let Err(payload) = this.future.as_mut().clear() {
                    discard(payload);
                }
            }
            poll
        });
        match poll {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(output)) => {
                this.hooks.end(TaskEnd::Completed);
                Poll::Ready(output)
            }
            Poll::Ready(Err(payload)) => {
                this.hooks.end(TaskEnd::Panicked);
                resume_unwind(payload)
            }
        }
    }
}

/// A function with hooks.
struct HookedJob<F> {
    f: Option<ContainedJob<F>>,
    hooks: Hooks,
}

impl<F> HookedJob<F> {
    fn run<T>(mut self) -> T
    where
        F: FnOnce() -> T,
    {
        let f = self.f.take().expect("only this function takes it, and it takes `self`");
        let result = self.hooks.scope(|| f.run());
        match result {
            Ok(value) => {
                self.hooks.end(TaskEnd::Completed);
                value
            }
            Err(payload) => {
                self.hooks.end(TaskEnd::Panicked);
                resume_unwind(payload)
            }
        }
    }
}

impl<F> Drop for HookedJob<F> {
    fn drop(&mut self) {
        if let Some(f) = self.f.take() {
            self.hooks.scope(|| drop(f));
            self.hooks.end(TaskEnd::Dropped);
        }
    }
}

#[cfg(test)]
mod tests;
