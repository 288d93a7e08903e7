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
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::contain::{Contained, ContainedJob, discard};
use super::ending::{Stoppable, Stopped};
use super::{BlockingKind, Kind, Origin};
use crate::blocking::Blocking;
use crate::cancel::CancelToken;
use crate::group::Member;
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
    fn task(&self, origin: Origin<'_>) -> Result<Option<Hook>, Refused>;

    /// What is cancelled when the decorator's tasks are to stop.
    fn token(&self) -> Option<&CancelToken> {
        None
    }
}

/// A decorator takes no more tasks.
#[derive(Debug)]
pub(crate) struct Refused;

/// What is added to a task.
pub(crate) enum Hook {
    /// A scope in which it is polled.
    Scope(Arc<dyn TaskHook>),
    /// Its place in a group, which may stop it.
    ///
    /// An arm of its own, because groups are felt: there is no call through a table, and nothing
    /// to allocate.
    Member(Member),
}

impl Hook {
    #[inline]
    fn enter(&self) {
        if let Hook::Scope(hook) = self {
            hook.enter();
        }
    }

    #[inline]
    fn exit(&self) {
        if let Hook::Scope(hook) = self {
            hook.exit();
        }
    }

    #[inline]
    fn end(&mut self, how: TaskEnd) {
        match self {
            Hook::Scope(hook) => hook.end(how),
            Hook::Member(member) => member.end(how),
        }
    }

    /// Whether the task is to stop.
    #[inline]
    fn is_stopped(&self) -> bool {
        match self {
            Hook::Scope(_) => false,
            Hook::Member(member) => member.is_stopped(),
        }
    }

    /// The task is going to wait. False if it must not, because it is to stop.
    #[inline]
    fn wait(&mut self, waker: &Waker) -> bool {
        match self {
            Hook::Scope(_) => true,
            Hook::Member(member) => member.wait(waker),
        }
    }
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

    /// What to spawn on, and what to add to the task.
    #[inline]
    pub(super) fn spawn(&self, origin: Origin<'_>) -> Result<(&dyn Spawner, Hooks), Refused> {
        Ok((&*self.base, self.hooks(origin)?))
    }
}

/// The token of the innermost of the groups that a task belongs to which is spawned here.
pub(crate) fn token_of(spawner: &dyn Spawner) -> Option<&CancelToken> {
    let Kind::Hooked(hooked) = spawner.native().0 else { return None };
    hooked.hooks.iter().rev().find_map(|hook| hook.token())
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

    /// What to run on, and what to add to the job.
    pub(super) fn execute(&self, origin: Origin<'_>) -> Result<(&dyn Blocking, Hooks), Refused> {
        Ok((&*self.base, self.hooks(origin)?))
    }
}

impl<D: ?Sized> Hooked<D> {
    fn and(&self, hook: Arc<dyn SpawnHook>) -> (Arc<D>, Vec<Arc<dyn SpawnHook>>) {
        let hooks = self.hooks.iter().cloned().chain([hook]);
        (self.base.clone(), hooks.collect())
    }

    #[inline]
    fn hooks(&self, origin: Origin<'_>) -> Result<Hooks, Refused> {
        let list = match &*self.hooks {
            [hook] => match hook.task(origin)? {
                Some(hook) => List::One(hook),
                None => List::Many(Box::default()),
            },
            hooks => {
                let hooks = hooks.iter().filter_map(|hook| hook.task(origin).transpose());
                List::Many(hooks.collect::<Result<_, _>>()?)
            }
        };
        Ok(Hooks { list, ended: false })
    }
}

/// The hooks of one task.
pub(super) struct Hooks {
    list: List,
    ended: bool,
}

/// There is hardly ever more than one, and one takes no box.
enum List {
    One(Hook),
    Many(Box<[Hook]>),
}

impl Hooks {
    /// What to spawn instead of the future.
    #[inline]
    pub(super) fn task<F>(self, future: F) -> HookedTask<F> {
        HookedTask { future: Contained::new(future), hooks: self }
    }

    /// What to run instead of the function.
    pub(super) fn job<F, T>(self, f: F) -> impl FnOnce() -> T + use<F, T>
    where
        F: FnOnce() -> T,
    {
        let job = HookedJob { f: Some(ContainedJob::new(f)), hooks: self };
        move || job.run()
    }

    #[inline]
    fn all(&self) -> &[Hook] {
        match &self.list {
            List::One(hook) => slice::from_ref(hook),
            List::Many(hooks) => hooks,
        }
    }

    #[inline]
    fn all_mut(&mut self) -> &mut [Hook] {
        match &mut self.list {
            List::One(hook) => slice::from_mut(hook),
            List::Many(hooks) => hooks,
        }
    }

    /// Does what must not unwind in the scope of the hooks. The outermost decorator is the closest
    /// to it, as it would be if each wrapped the future before passing it on.
    #[inline]
    fn scope<T>(&self, f: impl FnOnce() -> T) -> T {
        self.all().iter().for_each(Hook::enter);
        let value = f();
        self.all().iter().rev().for_each(Hook::exit);
        value
    }

    #[inline]
    fn is_stopped(&self) -> bool {
        self.all().iter().any(Hook::is_stopped)
    }

    #[inline]
    fn wait(&mut self, waker: &Waker) -> bool {
        self.all_mut().iter_mut().all(|hook| hook.wait(waker))
    }

    #[inline]
    fn end(&mut self, how: TaskEnd) {
        self.ended = true;
        self.all_mut().iter_mut().rev().for_each(|hook| hook.end(how));
    }
}

impl Drop for Hooks {
    #[inline]
    fn drop(&mut self) {
        // A hook may be the last to hold a runtime of the user's.
        if !matches!(self.list, List::One(Hook::Member(_))) {
            discard(mem::replace(&mut self.list, List::Many(Box::default())));
        }
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

impl<F> HookedTask<F> {
    /// Drops the future of a task that is to stop.
    #[cold]
    fn stop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Err(payload) = this.hooks.scope(|| this.future.clear()) {
            discard(payload);
        }
        this.hooks.end(TaskEnd::Dropped);
    }
}

impl<F: Future> Future for HookedTask<F> {
    type Output = Stoppable<F::Output>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stoppable<F::Output>> {
        let mut this = self.as_mut().project();
        if this.hooks.is_stopped() && !this.hooks.ended {
            self.stop();
            return Poll::Ready(Err(Stopped));
        }
        let poll = this.hooks.scope(|| {
            let poll = this.future.as_mut().poll_caught(cx);
            if let Poll::Ready(Err(_)) = &poll {
                if let Err(payload) = this.future.as_mut().clear() {
                    discard(payload);
                }
            }
            poll
        });
        let Poll::Ready(result) = poll else {
            if this.hooks.wait(cx.waker()) {
                return Poll::Pending;
            }
            self.stop();
            return Poll::Ready(Err(Stopped));
        };
        if this.hooks.is_stopped() {
            // It was to stop before it got this far, and so its end does not count.
            this.hooks.scope(|| discard(result));
            this.hooks.end(TaskEnd::Dropped);
            return Poll::Ready(Err(Stopped));
        }
        match result {
            Ok(output) => {
                this.hooks.end(TaskEnd::Completed);
                Poll::Ready(Ok(output))
            }
            Err(payload) => {
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
