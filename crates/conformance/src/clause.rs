//! The clauses of the contract, by name.

use std::fmt;

/// A clause of the contract that every backend keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Clause {
    /// Spawning returns without running the future and without blocking, from any thread, from a
    /// task, and from a destructor.
    C1,
    /// Dropping a handle detaches: the task runs to its end, and its output is dropped.
    C2,
    /// Abort drops the future at its next await; when the join resolves with `is_cancelled`, the
    /// future has been dropped, and so has an output made after the request. A task that completed
    /// first keeps its output.
    C3,
    /// A panic, also in a destructor, is caught: the join has the payload, other tasks go on. The
    /// future is dropped while the panic unwinds, so that its destructor sees
    /// [`panicking`](std::thread::panicking).
    C4,
    /// At shutdown pending futures are dropped and every join resolves; spawning afterwards does
    /// not panic, and its join resolves with `is_shutdown`.
    C5,
    /// A handle may be awaited on any executor, and a task may be woken from any thread.
    C6,
    /// `is_finished` turns true once, and a join is then immediate.
    C7,
    /// An abort handle works after the join handle was dropped.
    C8,
    /// Future and output are each dropped exactly once, in every race.
    C9,
    /// Polling a handle after it resolved panics with a clear message.
    C10,
    /// The last waker registered is the one that is woken.
    C11,
    /// Sleeps never end early, [`Duration::MAX`](std::time::Duration::MAX) never ends, a dropped
    /// sleep leaves nothing behind, timeouts poll their future first, and intervals treat missed
    /// ticks as documented.
    C12,
    /// Very many tasks, very long chains of tasks, and spawning from many threads finish.
    C13,
    /// The name and location of a spawn call reach the spawner, its handles and its errors.
    C14,
    /// Blocking work runs on a thread that no task needs, behind a handle with the contract of a
    /// task's. Abort keeps it from starting; if it has started, the join waits for its end.
    C15,
    /// A task and its handles have the same id, or none, and no two tasks have the same. The ids of an
    /// [identified](async_runtime_compat::decorate::Identified) spawner reach errors, listings and destructors.
    C16,
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Clause::C1 => "C1 spawn never runs the task inline",
            Clause::C2 => "C2 dropping a handle detaches",
            Clause::C3 => "C3 abort drops the future",
            Clause::C4 => "C4 panics are caught",
            Clause::C5 => "C5 shutdown resolves every join",
            Clause::C6 => "C6 handles and wakers cross runtimes",
            Clause::C7 => "C7 after is_finished a join is immediate",
            Clause::C8 => "C8 an abort handle outlives the join handle",
            Clause::C9 => "C9 everything is dropped exactly once",
            Clause::C10 => "C10 polling a resolved handle panics",
            Clause::C11 => "C11 the last waker is woken",
            Clause::C12 => "C12 sleeps, timeouts and intervals keep time",
            Clause::C13 => "C13 survives load",
            Clause::C14 => "C14 names and locations are passed on",
            Clause::C15 => "C15 blocking work keeps the contract of tasks",
            Clause::C16 => "C16 a task and its handles have the same id",
        })
    }
}
