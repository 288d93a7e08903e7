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
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::contain::{Contained, ContainedJob, discard};
use super::{BlockingKind, Kind, Origin};
use crate::blocking::Blocking;
use crate::cancel::CancelToken;
use crate::error::End;
use crate::group::{Core, Member};
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

    /// The task has ended, and its future has been dropped. Nobody has been told yet. This is
    /// called once.
    fn end(&self, _how: TaskEnd) {}

    /// Whether the task is to stop.
    fn is_stopped(&self) -> bool {
        false
    }

    /// The task is going to wait. False if it must not, because it is to stop.
    fn wait(&self, _waker: &Waker) -> bool {
        true
    }
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
#[derive(Clone)]
pub(crate) enum SpawnHook {
    /// Adds something to a task.
    ///
    /// `None` adds nothing.
    Add(Arc<dyn Fn() -> Option<Arc<dyn TaskHook>> + Send + Sync>),
    /// Takes a task into a group, or refuses it.
    ///
    /// An arm of its own, because groups are felt: there is no call through a table, and nothing
    /// to allocate.
    Group(Arc<Core>),
}

/// A decorator takes no more tasks. Others may have taken it.
pub(super) struct Refused(Hooks);

impl Refused {
    /// Drops what was to be spawned.
    #[cold]
    pub(super) fn discard<F>(mut self, refused: F) {
        self.0.scope(|| discard(refused));
        self.0.end(TaskEnd::Dropped);
    }
}

/// A spawner, or a pool for work that blocks, with hooks.
pub(crate) struct Hooked<D: ?Sized> {
    /// What is underneath of all the decorators.
    base: Arc<D>,
    /// The innermost decorator's first.
    hooks: Vec<SpawnHook>,
    /// What was decorated, perhaps a decorator itself: its hooks may need it.
    _decorated: Arc<D>,
}

impl Hooked<dyn Spawner> {
    pub(crate) fn spawner(decorated: Arc<dyn Spawner>, hook: SpawnHook) -> Self {
        let (base, hooks) = if let Kind::Hooked(inner) = decorated.native().0 {
            inner.and(hook)
        } else {
            (decorated.clone(), vec![hook])
        };
        Hooked { base, hooks, _decorated: decorated }
    }

    /// What to spawn on.
    #[inline]
    pub(super) fn base(&self) -> &dyn Spawner {
        &*self.base
    }
}

/// The token of the innermost of the groups that a task belongs to which is spawned here.
pub(crate) fn token_of(spawner: &dyn Spawner) -> Option<&CancelToken> {
    let Kind::Hooked(hooked) = spawner.native().0 else { return None };
    hooked.hooks.iter().rev().find_map(|hook| match hook {
        SpawnHook::Add(_) => None,
        SpawnHook::Group(group) => Some(group.token()),
    })
}

/// How often the groups were aborted that a task belongs to which is spawned here.
pub(crate) fn aborts_of(spawner: &dyn Spawner) -> u64 {
    let Kind::Hooked(hooked) = spawner.native().0 else { return 0 };
    let aborts = hooked.hooks.iter().map(|hook| match hook {
        SpawnHook::Add(_) => 0,
        SpawnHook::Group(group) => group.aborts(),
    });
    aborts.sum()
}

impl Hooked<dyn Blocking> {
    pub(crate) fn blocking(decorated: Arc<dyn Blocking>, hook: SpawnHook) -> Self {
        let (base, hooks) = if let BlockingKind::Hooked(inner) = decorated.native_blocking().0 {
            inner.and(hook)
        } else {
            (decorated.clone(), vec![hook])
        };
        Hooked { base, hooks, _decorated: decorated }
    }

    /// What to run on.
    pub(super) fn base(&self) -> &dyn Blocking {
        &*self.base
    }
}

impl<D: ?Sized> Hooked<D> {
    fn and(&self, hook: SpawnHook) -> (Arc<D>, Vec<SpawnHook>) {
        let hooks = self.hooks.iter().cloned().chain([hook]);
        (self.base.clone(), hooks.collect())
    }

    /// What to add to a task, or to work that blocks.
    #[inline]
    pub(super) fn hooks(&self, origin: Origin<'_>) -> Result<Hooks, Refused> {
        match &*self.hooks {
            [SpawnHook::Group(group)] => match group.insert(origin) {
                Some(member) => Ok(Hooks::Member(member)),
                None => Err(Refused(Hooks::None)),
            },
            [SpawnHook::Add(hook)] => Ok(hook().map_or(Hooks::None, Hooks::Other)),
            _ => self.many(origin),
        }
    }

    #[cold]
    fn many(&self, origin: Origin<'_>) -> Result<Hooks, Refused> {
        let mut all = All(Vec::with_capacity(self.hooks.len()));
        for hook in &self.hooks {
            let hook = match hook {
                SpawnHook::Add(hook) => hook(),
                SpawnHook::Group(group) => match group.insert(origin) {
                    Some(member) => Some(Arc::new(member) as Arc<dyn TaskHook>),
                    None => return Err(Refused(Hooks::Other(Arc::new(all)))),
                },
            };
            all.0.extend(hook);
        }
        Ok(Hooks::Other(Arc::new(all)))
    }
}

/// Several hooks as one. The outermost decorator is the closest to the task, as it would be if each
/// wrapped the future before passing it on.
struct All(Vec<Arc<dyn TaskHook>>);

impl TaskHook for All {
    fn enter(&self) {
        self.0.iter().for_each(|hook| hook.enter());
    }

    fn exit(&self) {
        self.0.iter().rev().for_each(|hook| hook.exit());
    }

    fn end(&self, how: TaskEnd) {
        self.0.iter().rev().for_each(|hook| hook.end(how));
    }

    fn is_stopped(&self) -> bool {
        self.0.iter().any(|hook| hook.is_stopped())
    }

    fn wait(&self, waker: &Waker) -> bool {
        self.0.iter().all(|hook| hook.wait(waker))
    }
}

impl TaskHook for Member {
    fn enter(&self) {}

    fn exit(&self) {}

    fn end(&self, how: TaskEnd) {
        Member::end(self, how);
    }

    fn is_stopped(&self) -> bool {
        Member::is_stopped(self)
    }

    fn wait(&self, waker: &Waker) -> bool {
        Member::wait(self, waker)
    }
}

/// The hooks of one task.
pub(super) enum Hooks {
    /// It has none, or none any more: it has ended.
    None,
    Member(Member),
    Other(Arc<dyn TaskHook>),
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

    /// Does what must not unwind in the scope of the hooks.
    #[inline]
    fn scope<T>(&self, f: impl FnOnce() -> T) -> T {
        let Hooks::Other(hook) = self else { return f() };
        hook.enter();
        let value = f();
        hook.exit();
        value
    }

    #[inline]
    fn is_stopped(&self) -> bool {
        match self {
            Hooks::None => false,
            Hooks::Member(member) => member.is_stopped(),
            Hooks::Other(hook) => hook.is_stopped(),
        }
    }

    #[inline]
    fn wait(&self, waker: &Waker) -> bool {
        match self {
            Hooks::None => true,
            Hooks::Member(member) => member.wait(waker),
            Hooks::Other(hook) => hook.wait(waker),
        }
    }

    #[inline]
    fn end(&mut self, how: TaskEnd) {
        match mem::replace(self, Hooks::None) {
            Hooks::None => {}
            Hooks::Member(member) => member.end(how),
            Hooks::Other(hook) => {
                hook.end(how);
                // It may be the last to hold a runtime of the user's.
                discard(hook);
            }
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
            if !matches!(this.hooks, Hooks::None) {
                stop(this.future, this.hooks);
            }
        }
    }
}

/// Drops the future of a task that is to go no further.
#[cold]
fn stop<F>(future: Pin<&mut Contained<F>>, hooks: &mut Hooks) {
    if let Err(payload) = hooks.scope(|| future.clear()) {
        discard(payload);
    }
    hooks.end(TaskEnd::Dropped);
}

impl<F: Future> Future for HookedTask<F> {
    type Output = Result<F::Output, End>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (mut future, hooks) = (this.future, this.hooks);
        if hooks.is_stopped() {
            stop(future, hooks);
            return Poll::Ready(Err(End::Cancelled));
        }
        let poll = hooks.scope(|| {
            let poll = future.as_mut().poll_caught(cx);
            if let Poll::Ready(Err(_)) = &poll {
                if let Err(payload) = future.as_mut().clear() {
                    discard(payload);
                }
            }
            poll
        });
        let Poll::Ready(result) = poll else {
            if hooks.wait(cx.waker()) {
                return Poll::Pending;
            }
            stop(future, hooks);
            return Poll::Ready(Err(End::Cancelled));
        };
        if hooks.is_stopped() {
            // It was to stop before it got this far, and so its end does not count.
            hooks.scope(|| discard(result));
            hooks.end(TaskEnd::Dropped);
            return Poll::Ready(Err(End::Cancelled));
        }
        match result {
            Ok(output) => {
                hooks.end(TaskEnd::Completed);
                Poll::Ready(Ok(output))
            }
            Err(payload) => {
                hooks.end(TaskEnd::Panicked);
                Poll::Ready(Err(End::Panic(payload)))
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
