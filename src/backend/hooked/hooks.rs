//! The hooks of one task.

use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::{TaskEnd, TaskHook};
use crate::backend::contain::discard;
use crate::decorate::{Counters, Ticket};
use crate::group::Member;

/// The hooks of one task.
pub(in crate::backend) enum Hooks {
    /// It has none, or none any more: it has ended.
    None,
    Member(Member),
    Counted(Arc<Counters>),
    /// Dropping it gives up the place.
    Ticket(Ticket),
    Other(Arc<dyn TaskHook>),
    /// The innermost decorator's first. The outermost is the closest to the task, as it would be if
    /// each wrapped the future before passing it on.
    Many(Box<[Hooks]>),
}

/// What a task is to do that has been woken.
pub(super) enum Turn {
    Poll,
    Wait,
    Stop,
}

impl Hooks {
    #[inline]
    pub(super) fn count(counters: &Arc<Counters>) -> Hooks {
        counters.spawned();
        Hooks::Counted(counters.clone())
    }

    /// Does what must not unwind in the scope of the hooks.
    #[inline]
    pub(super) fn scope<T>(&self, f: impl FnOnce() -> T) -> T {
        match self {
            Hooks::Other(_) | Hooks::Many(_) => self.nested(f),
            _ => f(),
        }
    }

    // Not inline, and so are those below that call themselves: a task in nothing but a group does not
    // come here, and its polls are felt.
    #[inline(never)]
    fn nested<T>(&self, f: impl FnOnce() -> T) -> T {
        let (mut f, mut value) = (Some(f), None);
        self.nest(&mut || value = f.take().map(|f| f()));
        value.expect("a hook calls the function in its scope, once")
    }

    fn nest(&self, f: &mut dyn FnMut()) {
        match self {
            Hooks::Other(hook) => hook.scope(f),
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
            Hooks::Other(hook) => Hooks::end_other(hook, how),
            Hooks::Many(mut all) => Hooks::end_all(&mut all, how),
        }
    }

    #[inline(never)]
    fn end_other(hook: Arc<dyn TaskHook>, how: TaskEnd) {
        hook.end(how);
        // It may be the last to hold a runtime of the user's.
        discard(hook);
    }

    #[inline(never)]
    fn end_all(all: &mut [Hooks], how: TaskEnd) {
        let is_ticket = |hook: &Hooks| matches!(hook, Hooks::Ticket(_));
        all.iter_mut().rev().filter(|hook| !is_ticket(hook)).for_each(|hook| hook.end(how));
    }
}

/// Hooks of several decorators that are being made, the outermost first.
///
/// If that unwinds, as code of the user's may in it, those that were made are of a task that was
/// not to be.
pub(super) struct Making(Vec<Hooks>);

impl Making {
    pub(super) fn new(capacity: usize) -> Making {
        Making(Vec::with_capacity(capacity))
    }

    pub(super) fn add(&mut self, hooks: Option<Hooks>) {
        self.0.extend(hooks);
    }

    pub(super) fn made(mut self) -> Hooks {
        let mut made = mem::take(&mut self.0);
        if made.len() < 2 {
            return made.pop().unwrap_or(Hooks::None);
        }
        made.reverse();
        Hooks::Many(made.into_boxed_slice())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|hooks| hooks.end(TaskEnd::Dropped));
    }
}
