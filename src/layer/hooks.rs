//! The hooks of one task.

use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::members::Member;
use super::{Counters, EndState, TaskEnd, TaskHook, Ticket};
use crate::contain::{contained, discard};
use crate::ids::TaskId;

/// The hooks of one task.
pub(crate) enum Hooks {
    /// No hooks, or the task has ended.
    None,
    Member(Member),
    Counted(Arc<Counters>),
    /// Dropping it releases the permit.
    Ticket(Ticket),
    /// A hook whose `end` is not called.
    Scope(Arc<dyn TaskHook>),
    Observed(Box<Observed>),
    /// The task has an id.
    Id(TaskId),
    /// The innermost decorator's hook is the first. The outermost is the closest to the task, as if each
    /// decorator wrapped the future before passing it on.
    Many(Box<[Hooks]>),
}

/// A hook whose `end` is called.
pub(crate) struct Observed {
    hook: Arc<dyn TaskHook>,
    end: EndState,
}

/// The next action of a woken task.
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

    /// Calls a function, which must not unwind, in the scope of the hooks.
    #[inline]
    pub(super) fn scope<T>(&self, f: impl FnOnce() -> T) -> T {
        match self {
            Hooks::Scope(_) | Hooks::Observed(_) | Hooks::Many(_) => self.nested(f),
            Hooks::Id(id) => id.scope(f),
            _ => f(),
        }
    }

    // Not inlined, as the recursive functions below: a task in a single group takes a fast path, and the cost
    // of its polls matters.
    #[inline(never)]
    fn nested<T>(&self, f: impl FnOnce() -> T) -> T {
        let (mut f, mut value) = (Some(f), None);
        self.nest(&mut || {
            // A hook may call twice, and the value is that of the first call.
            if let Some(f) = f.take() {
                value = Some(f());
            }
        });
        value.expect("`enter` calls the function if the hook does not")
    }

    fn nest(&self, f: &mut dyn FnMut()) {
        match self {
            Hooks::Scope(hook) => enter(&**hook, f),
            Hooks::Observed(observed) => enter(&*observed.hook, f),
            Hooks::Id(id) => id.scope(f),
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

    /// Whether the task must stop.
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

    /// The task's next action. If it has to wait, it is woken when it may go on.
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
        // The outermost limit comes first; the others wait until it has granted a permit.
        let waits = |hooks: &mut Hooks| matches!(hooks.turn(waker), Turn::Wait);
        if all.iter_mut().rev().any(waits) { Turn::Wait } else { Turn::Poll }
    }

    /// Prepares the task to wait. Returns false if it must stop instead.
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
            Hooks::None | Hooks::Id(_) => {}
            Hooks::Member(member) => member.end(how),
            Hooks::Counted(counters) => counters.ended(how),
            // Release the permit only after everything else of the task is gone.
            Hooks::Ticket(ticket) => drop(ticket),
            Hooks::Scope(hook) => discard(hook),
            Hooks::Observed(observed) => observed.tell(how),
            Hooks::Many(mut all) => Hooks::end_all(&mut all, how),
        }
    }

    /// Ends the task by itself. Returns false if a handle has aborted it, which only a task with an observed
    /// end can tell.
    #[inline]
    pub(super) fn end_observed(&self) -> bool {
        match self {
            Hooks::Observed(observed) => observed.end.end(),
            // All hooks of a task share one state.
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
        // The hook may be the last owner of a runtime, whose destructor is user code.
        discard(self.hook);
    }
}

/// Calls the function in the hook's scope, exactly once, even if the hook panics or does not call it.
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

/// Collects the hooks of a task, the outermost decorator's first.
///
/// If a decorator's user code unwinds meanwhile, the task is not spawned, and the hooks collected so far are
/// told of its end.
pub(crate) struct Making {
    /// A single hook needs no list.
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
