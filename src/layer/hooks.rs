//! The hooks of one task.

use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::members::Member;
use super::{Counters, EndState, TaskEnd, TaskHook, Ticket};
use crate::contain::{contained, discard};

/// The hooks of one task.
pub(crate) enum Hooks {
    /// It has none, or none any more: it has ended.
    None,
    Member(Member),
    Counted(Arc<Counters>),
    /// Dropping it gives up the place.
    Ticket(Ticket),
    /// Of a decorator that wants to know nothing of the end.
    Scope(Arc<dyn TaskHook>),
    Observed(Box<Observed>),
    /// The innermost decorator's first. The outermost is the closest to the task, as it would be if
    /// each wrapped the future before passing it on.
    Many(Box<[Hooks]>),
}

/// A hook that is told of the end.
pub(crate) struct Observed {
    hook: Arc<dyn TaskHook>,
    end: EndState,
}

/// What a task is to do that has been woken.
pub(super) enum Turn {
    Poll,
    Wait,
    Stop,
}

impl Hooks {
    pub(super) fn observed(hook: Arc<dyn TaskHook>, end: &EndState) -> Hooks {
        Hooks::Observed(Box::new(Observed { hook, end: end.clone() }))
    }

    #[inline]
    pub(super) fn count(counters: &Arc<Counters>) -> Hooks {
        counters.spawned();
        Hooks::Counted(counters.clone())
    }

    /// Does what must not unwind in the scope of the hooks.
    #[inline]
    pub(super) fn scope<T>(&self, f: impl FnOnce() -> T) -> T {
        match self {
            Hooks::Scope(_) | Hooks::Observed(_) | Hooks::Many(_) => self.nested(f),
            _ => f(),
        }
    }

    // Not inline, and so are those below that call themselves: a task in nothing but a group does not
    // come here, and its polls are felt.
    #[inline(never)]
    fn nested<T>(&self, f: impl FnOnce() -> T) -> T {
        let (mut f, mut value) = (Some(f), None);
        self.nest(&mut || value = f.take().map(|f| f()));
        value.expect("`enter` calls the function if the hook does not")
    }

    fn nest(&self, f: &mut dyn FnMut()) {
        match self {
            Hooks::Scope(hook) => enter(&**hook, f),
            Hooks::Observed(observed) => enter(&*observed.hook, f),
            Hooks::Many(all) => Hooks::nest_all(all, f),
            _ => f(),
        }
    }

    fn nest_all(all: &[Hooks], f: &mut dyn FnMut()) {
        match all {
            [] => f(),
            [outside, inside @ ..] => outside.nest(&mut || Hooks::nest_all(inside, f)),
        }
    }

    /// Whether the task is to stop.
    #[inline]
    pub(super) fn is_stopped(&self) -> bool {
        match self {
            Hooks::Member(member) => member.is_stopped(),
            Hooks::Observed(observed) => observed.end.is_aborted(),
            Hooks::Many(all) => Hooks::is_any_stopped(all),
            _ => false,
        }
    }

    #[inline(never)]
    fn is_any_stopped(all: &[Hooks]) -> bool {
        all.iter().any(Hooks::is_stopped)
    }

    /// What the task is to do. If it is to wait, it is woken when it may go on.
    #[inline]
    pub(super) fn turn(&mut self, waker: &Waker) -> Turn {
        match self {
            Hooks::Member(member) if member.is_stopped() => Turn::Stop,
            Hooks::Observed(observed) if observed.end.is_aborted() => Turn::Stop,
            Hooks::Ticket(ticket) => {
                if ticket.poll_held(waker) {
                    Turn::Poll
                } else {
                    Turn::Wait
                }
            }
            Hooks::Many(all) => Hooks::turn_of_all(all, waker),
            _ => Turn::Poll,
        }
    }

    #[inline(never)]
    fn turn_of_all(all: &mut [Hooks], waker: &Waker) -> Turn {
        if Hooks::is_any_stopped(all) {
            return Turn::Stop;
        }
        // The outermost limit comes first, and no other as long as it has no place.
        let waits = |hooks: &mut Hooks| matches!(hooks.turn(waker), Turn::Wait);
        if all.iter_mut().rev().any(waits) { Turn::Wait } else { Turn::Poll }
    }

    /// The task is going to wait. False if it must not, because it is to stop.
    #[inline]
    pub(super) fn wait(&mut self, waker: &Waker) -> bool {
        match self {
            Hooks::Member(member) => member.wait(waker),
            Hooks::Many(all) => Hooks::wait_all(all, waker),
            _ => true,
        }
    }

    #[inline(never)]
    fn wait_all(all: &mut [Hooks], waker: &Waker) -> bool {
        all.iter_mut().all(|hook| hook.wait(waker))
    }

    /// The task has ended, and its future has been dropped.
    #[inline]
    pub(super) fn end(&mut self, how: TaskEnd) {
        match mem::replace(self, Hooks::None) {
            Hooks::None => {}
            Hooks::Member(member) => member.end(how),
            Hooks::Counted(counters) => counters.ended(how),
            // The place is given up when nothing of the task is left.
            Hooks::Ticket(ticket) => drop(ticket),
            Hooks::Scope(hook) => discard(hook),
            Hooks::Observed(observed) => observed.tell(how),
            Hooks::Many(mut all) => Hooks::end_all(&mut all, how),
        }
    }

    /// Lets the task end by itself. False if a handle has aborted it, which only a task whose end is
    /// observed knows by itself.
    #[inline]
    pub(super) fn end_observed(&self) -> bool {
        match self {
            Hooks::Observed(observed) => observed.end.end(),
            // They share one state.
            Hooks::Many(all) => all
                .iter()
                .find(|hook| matches!(hook, Hooks::Observed(_)))
                .is_none_or(Hooks::end_observed),
            _ => true,
        }
    }

    /// The task has ended before it completed.
    #[cold]
    pub(super) fn end_early(&mut self) {
        let aborted = self.is_stopped() || !self.end_observed();
        self.end(if aborted { TaskEnd::Aborted } else { TaskEnd::Shutdown });
    }

    #[inline(never)]
    fn end_all(all: &mut [Hooks], how: TaskEnd) {
        let is_ticket = |hook: &Hooks| matches!(hook, Hooks::Ticket(_));
        all.iter_mut().rev().filter(|hook| !is_ticket(hook)).for_each(|hook| hook.end(how));
    }
}

impl Observed {
    #[inline(never)]
    fn tell(self, how: TaskEnd) {
        contained(|| self.hook.end(how));
        // It may be the last owner of a runtime.
        discard(self.hook);
    }
}

/// Calls the function in the hook's scope, whatever the hook does.
fn enter(hook: &dyn TaskHook, f: &mut dyn FnMut()) {
    let mut called = false;
    contained(|| {
        hook.scope(&mut || {
            called = true;
            f();
        });
    });
    if !called {
        f();
    }
}

/// Hooks that are being made, the outermost decorator's first.
///
/// If that unwinds, which a decorator's user code may do, the task is not spawned, and the hooks
/// that were made are told so.
pub(crate) struct Making {
    /// No list for the only one.
    first: Hooks,
    more: Vec<Hooks>,
}

impl Making {
    pub(super) fn new() -> Making {
        Making { first: Hooks::None, more: Vec::new() }
    }

    pub(super) fn add(&mut self, hooks: Hooks) {
        if matches!(self.first, Hooks::None) {
            self.first = hooks;
        } else {
            self.more.push(hooks);
        }
    }

    pub(super) fn made(mut self) -> Hooks {
        let first = mem::replace(&mut self.first, Hooks::None);
        if self.more.is_empty() {
            return first;
        }
        let mut made = mem::take(&mut self.more);
        made.reverse();
        made.push(first);
        Hooks::Many(made.into_boxed_slice())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.first.end(TaskEnd::Shutdown);
        self.more.iter_mut().for_each(|hooks| hooks.end(TaskEnd::Shutdown));
    }
}
