//! How much is too much, and why it is paid where it is paid.

mod section;

use std::collections::BTreeSet;
use std::future::pending;

use async_runtime_compat::{FnSpawner, JoinHandle, SpawnerExt};

use crate::case::{GROUP, OPAQUE, TYPED};
use crate::groups;
use crate::memory::Pending;
pub(crate) use section::Section;

/// How much more than native a typed spawn may take on tokio.
pub const TOKIO: f64 = 1.05;
/// How much more than native a typed spawn may take on the executors made of async-task.
pub const ASYNC_TASK: f64 = 1.10;
/// How much more than native sleeps and time limits may take.
pub const WAIT: f64 = 1.05;
/// How much more than native a box for each task may take.
pub const BOX: f64 = 1.30;
/// How much more than the same spawn without it a `TaskGroup` may take.
pub const TASK_GROUP: f64 = 1.15;
/// How much more than a `JoinSet` a `JoinGroup` may take.
pub const JOIN_GROUP: f64 = 1.10;

/// Why something takes more than native.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Of the handle.
    Size,
    /// Through the trait object.
    Call,
    /// Of panics, where the runtime does not.
    Containment,
    /// The caller owns the executor.
    Weak,
    /// `cancel`, of whatever backend.
    Cancelling,
    /// `abort`, where the runtime has none.
    AbortByReference,
    /// For spawners of which nothing is known.
    BoxAndCell,
    /// Of the allocator.
    SizeClass,
    /// The runtime's, which timers need.
    Context,
    /// For sleeps that must not be moved.
    Slot,
    /// What is noticed by those who wait for other threads.
    Threads,
    /// Of a `TaskGroup`.
    Membership,
    /// Of a `JoinGroup`.
    Collecting,
}

/// All of them, in the order of their letters.
const ALL: [Reason; 13] = [
    Reason::Size,
    Reason::Call,
    Reason::Containment,
    Reason::Weak,
    Reason::Cancelling,
    Reason::AbortByReference,
    Reason::BoxAndCell,
    Reason::SizeClass,
    Reason::Context,
    Reason::Slot,
    Reason::Threads,
    Reason::Membership,
    Reason::Collecting,
];

/// The bound of a work in a way, if it has one.
#[must_use]
pub fn bound(backend: &str, work: &str, way: &str) -> Option<f64> {
    match way {
        TYPED if is_wait(work) => Some(WAIT),
        TYPED if backend.starts_with("tokio") => Some(TOKIO),
        TYPED => Some(ASYNC_TASK),
        OPAQUE => Some(BOX),
        GROUP if [groups::JOIN_GROUP_AND_SET, groups::JOIN_GROUP_IN_TURN].contains(&work) => {
            Some(JOIN_GROUP)
        }
        // It gives the results as the tasks end, which a `Vec` of handles does not.
        GROUP if work == groups::JOIN_GROUP => None,
        GROUP => Some(TASK_GROUP),
        _ => None,
    }
}

/// The bound of the peak memory.
#[must_use]
pub fn memory_bound(what: Pending) -> f64 {
    match what {
        Pending::Detached | Pending::Kept => 1.01,
        Pending::Sleeps => 1.10,
    }
}

fn is_wait(work: &str) -> bool {
    ["sleep", "timeout", "block"].iter().any(|wait| work.starts_with(wait))
}

/// Why the work takes more than native.
#[must_use]
pub fn reasons(backend: &str, work: &str, way: &str) -> BTreeSet<Reason> {
    let mut reasons = BTreeSet::new();
    let tokio = backend.starts_with("tokio");
    if way == GROUP {
        let joins = work.starts_with("`JoinGroup`");
        reasons.insert(if joins { Reason::Collecting } else { Reason::Membership });
        return reasons;
    }
    if way != TYPED {
        reasons.insert(Reason::BoxAndCell);
    } else if is_wait(work) {
        reasons.extend(tokio.then_some(Reason::Context));
        reasons.extend((tokio && work.starts_with("sleep")).then_some(Reason::Slot));
        reasons.extend(work.starts_with("block").then_some(Reason::Threads));
        reasons.extend((!tokio && work.starts_with("timeout")).then_some(Reason::Size));
        return reasons;
    } else {
        let shown = ["detached", "KiB"].iter().any(|it| work.contains(it));
        reasons.extend(shown.then_some(Reason::Call));
        reasons.extend((!tokio).then_some(Reason::Containment));
        reasons.extend(backend.starts_with("async-executor").then_some(Reason::Weak));
        let abort = !tokio && work.starts_with("abort");
        reasons.extend(abort.then_some(Reason::AbortByReference));
    }
    if work.contains("detached") {
        let crosses = way == TYPED && backend.starts_with("async-std");
        reasons.extend(crosses.then_some(Reason::SizeClass));
    } else {
        reasons.insert(Reason::Size);
    }
    reasons.extend(work.starts_with("cancel").then_some(Reason::Cancelling));
    reasons.extend(work.contains("threads").then_some(Reason::Threads));
    reasons
}

/// Why more memory is taken.
#[must_use]
pub fn memory_reasons(backend: &str, what: Pending) -> BTreeSet<Reason> {
    let tokio = backend.starts_with("tokio");
    match what {
        Pending::Sleeps => {
            [Reason::Size].into_iter().chain(tokio.then_some(Reason::Slot)).collect()
        }
        Pending::Kept => [Reason::Size].into(),
        Pending::Detached => [Reason::Containment].into_iter().filter(|_| !tokio).collect(),
    }
}

impl Reason {
    /// What tables call it.
    #[must_use]
    pub fn letter(self) -> char {
        let at = ALL.into_iter().zip('a'..).find(|(reason, _)| *reason == self);
        at.map_or('?', |(_, letter)| letter)
    }

    fn title(self) -> &'static str {
        match self {
            Reason::Size => "The size of the handle",
            Reason::Call => "The call through the trait object",
            Reason::Containment => "The containment of panics",
            Reason::Weak => "The executor that is the caller's",
            Reason::Cancelling => "One `cancel` for all backends",
            Reason::AbortByReference => "Aborting by reference",
            Reason::BoxAndCell => "A box and a cell",
            Reason::SizeClass => "A size class of the allocator",
            Reason::Context => "tokio's context",
            Reason::Slot => "A slot for tokio's sleep",
            Reason::Threads => "Other threads",
            Reason::Membership => "The membership of a group",
            Reason::Collecting => "A queue of results",
        }
    }

    fn text(self) -> String {
        match self {
            Reason::Size => format!(
                "A `JoinHandle` has {} bytes; tokio's has {}, smol's and async-executor's {}, and \
                 async-std's {}. There is one type for every backend that is compiled in, so that \
                 code which keeps handles names none. It is the runtime's own handle and a tag that says \
                 which one it is; a lock, so that `abort` takes `&self` on every backend; \
                 and the location of the `spawn` call, for the `JoinError`. async-std's three words \
                 do not fit and stand in a box, an allocation for each handle. A handle is \
                 written, moved and dropped once each, which in the profiles is `Map::fold` (the \
                 loop that spawns), the drop of `Join` and `JoinHandle::poll`. The table \
                 [Padded handles](#padded-handles) has the share that the bytes alone have in it. A \
                 `Sleep` and a `Timeout` have room for those of any backend.",
                size_of::<JoinHandle<()>>(),
                size_of::<tokio::task::JoinHandle<()>>(),
                size_of::<smol::Task<()>>(),
                size_of::<async_std::task::JoinHandle<()>>(),
            ),
            Reason::Call => {
                "The trait object is asked which backend it is, and that backend's own \
                 `spawn` is called with the future as it is. The question takes a virtual call and \
                 a branch, some instructions. The future goes by value through one function more, \
                 of which the compiler does not remove everything: a large one is copied once more \
                 on its way to the heap, which is felt from some KiB on."
                    .to_owned()
            }
            Reason::Containment => {
                "async-task, which smol, async-std and async-executor are built \
                 on, aborts the process when the destructor of a future or of an output panics. So \
                 each future is in an `Option`, out of which it is dropped under `catch_unwind`, \
                 and so is each output. The flag of that `Option` takes a word of the task's \
                 memory. In the profiles this is in `RawTask::run`, `AsyncCallOnDrop` and the \
                 drops of `Output`. Without it one task could end all the others, and tokio's \
                 tasks could not."
                    .to_owned()
            }
            Reason::Weak => "A task that holds a spawner which holds the executor which holds the \
                 task would be a cycle, and dropping the executor would drop nothing. So an \
                 `ExecutorSpawner` holds it weakly, and each spawn takes and releases a reference: \
                 two atomic operations, in `Map::fold`. `ExecutorSpawner::from_static` does not."
                .to_owned(),
            Reason::Cancelling => format!(
                "What the runtimes need for waiting until a cancelled task's future is dropped \
                 differs: async-task's handle is consumed by it, tokio's is not. The future of \
                 `JoinHandle::cancel` has room for either, {} bytes, and is moved to where it is \
                 awaited. On tokio it also notes that the abort was asked for, to tell it from a \
                 shutdown. A task that was cancelled ends with a `JoinError`, which has the \
                 location of the spawn call and the name, and is made and dropped.",
                size_of_cancel(),
            ),
            Reason::AbortByReference => {
                "A handle of async-task's is consumed by cancelling it, and \
                 there is no way to do it by reference: the native figure is that of consuming it. \
                 So `abort` moves the handle to the heap, where the cancellation can be polled by \
                 the joiner, and whoever else holds an `AbortHandle`. `cancel` and `AbortOnDrop` \
                 do not."
                    .to_owned()
            }
            Reason::BoxAndCell => "A spawner that a caller wrote takes a boxed future, and gives \
                 no handle: so there is a box, and a cell with the output and with what an abort \
                 needs. Two allocations are less than any peer needs that works through a trait \
                 object. Where several threads work, another one frees them than the one that allocated \
                 them, which takes a lock in glibc's allocator: on two workers that is more than \
                 half of the difference, as the column of mimalloc shows."
                .to_owned(),
            Reason::SizeClass => "The word of the containment makes a task of this work cross a \
                 limit of glibc's `malloc`: from the largest chunk that its fast bins keep, to the \
                 next, which is merged with its neighbours when it is freed and split off again. \
                 In the profile this is `_int_malloc`, `_int_free` and `unlink_chunk`. A native \
                 task that captures one word more crosses it, too. Smaller futures and larger \
                 ones are on one side of it both times."
                .to_owned(),
            Reason::Context => "A `TokioSpawner` makes its sleeps and time limits from anywhere, \
                 where tokio's own functions panic outside of the runtime. So each looks whether it \
                 is inside, which takes a clone of the current handle, and enters the runtime if it \
                 is not. A time limit keeps a handle, since it is a sleep of tokio's only once its \
                 future has had to wait. A runtime without a time driver panics with a message that \
                 says what to do; for that, tokio's panic is caught."
                .to_owned(),
            Reason::Slot => format!(
                "A sleep of tokio's, {} bytes, must not be moved once it was polled. A `Sleep` may \
                 be, as any other backend's, so that it can be kept and reset: it is in a slot on \
                 the heap. Slots are used again, and nothing is allocated while there are no more \
                 sleeps at a time than there were.",
                size_of::<tokio::time::Sleep>(),
            ),
            Reason::Threads => "The work is done by threads that wait for each other. What is \
                 measured is when the operating system runs them; the control row has the same \
                 spread."
                .to_owned(),
            Reason::Membership => "A group can list and abort each of its tasks. So a spawn takes a lock \
                 to write an entry, a poll looks before and after whether the task is to stop, the end takes \
                 the entry out, and the future that is spawned is 32 bytes larger. tokio-util's \
                 `TaskTracker`, which only counts, needs four atomic operations."
                .to_owned(),
            Reason::Collecting => "A `JoinGroup` gives the results as the tasks end, on every backend: each \
                 task has an entry in the group's queue, and its end puts it there and wakes the group."
                .to_owned(),
        }
    }
}

fn size_of_cancel() -> usize {
    let spawner = FnSpawner::new(drop);
    size_of_val(&spawner.spawn_with_handle(pending::<()>()).cancel())
}
