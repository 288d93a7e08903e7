//! Each pair of operations on a group, on two threads, in each order; and what each ordering is for.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;

use super::*;
use crate::layer::TaskEnd;
use crate::sync::models::{Bell, check, check_bounded, on_shard, with_shards};

fn group() -> Arc<Members> {
    Members::new(CancelToken::new(), None)
}

fn spawn(core: &Members) -> Member {
    core.insert(SpawnMeta::of(None, Location::caller())).expect("the group is open")
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    /// Spawns a task.
    Insert,
    /// Spawns two tasks, one of which completes.
    Pass,
    /// This thread's task completes.
    Complete,
    /// This thread's task panics, of which the list must be told.
    Panic,
    /// This thread's task waits.
    Wait,
    AbortAll,
    Close,
    Len,
    List,
    /// Begins to wait for the end of all tasks.
    Watch,
    /// Polls a wait again that began before.
    WatchOn,
    /// Ends a wait that began before.
    Forget,
}

const OPS: [Op; 12] = [
    Op::Insert,
    Op::Pass,
    Op::Complete,
    Op::Panic,
    Op::Wait,
    Op::AbortAll,
    Op::Close,
    Op::Len,
    Op::List,
    Op::Watch,
    Op::WatchOn,
    Op::Forget,
];

/// The list before the operations; a chunk has two slots, and one chunk is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    /// Both tasks are in the open chunk, which has no empty slot left.
    Open,
    /// One is in a full chunk, one in the open chunk; each beside a task that lives on.
    Full,
    /// The same, and the other task of each chunk has ended.
    Ended,
    /// Both are in a chunk that is freed when they have ended.
    Extra,
    /// The same, and that chunk is not the open one.
    Freed,
    /// On two shards.
    Shards,
}

const STARTS: [Start; 6] =
    [Start::Open, Start::Full, Start::Ended, Start::Extra, Start::Freed, Start::Shards];

/// The tasks of that many threads, and the others.
fn start(start: Start, threads: usize) -> (Arc<Members>, Vec<Member>, Vec<Member>) {
    if start == Start::Shards {
        with_shards(2);
    }
    let core = group();
    let mut others = Vec::new();
    let first = match start {
        Start::Open => spawn(&core),
        Start::Full | Start::Ended => {
            let first = spawn(&core);
            others.extend([spawn(&core), spawn(&core)]);
            first
        }
        Start::Extra | Start::Freed => {
            others.extend([spawn(&core), spawn(&core)]);
            spawn(&core)
        }
        Start::Shards => {
            on_shard(1);
            let first = spawn(&core);
            on_shard(0);
            first
        }
    };
    let mut tasks = vec![first];
    tasks.resize_with(threads, || spawn(&core));
    match start {
        Start::Ended => others.drain(..).for_each(|other| other.end(TaskEnd::Completed)),
        Start::Freed => others.push(spawn(&core)),
        _ => {}
    }
    (core, tasks, others)
}

/// A wait for the end of all tasks.
#[derive(Default)]
struct Waits {
    bell: Arc<Bell>,
    key: Option<u64>,
}

impl Waits {
    fn poll(&mut self, core: &Members) -> bool {
        core.poll_empty(&mut self.key, &self.bell.clone().into()).is_ready()
    }

    fn begin(core: &Members) -> Waits {
        let mut waits = Waits::default();
        assert!(!waits.poll(core), "a task lives");
        waits
    }
}

/// What a thread leaves.
#[derive(Default)]
struct Left {
    tasks: Vec<Member>,
    /// Tasks that live, or may live, in what it has read.
    counted: Option<usize>,
    /// The task registered a waker, and was not told to stop.
    waiting: Option<Arc<Bell>>,
    waits: Option<Waits>,
    inserted: usize,
    ended: usize,
}

fn act(op: Op, core: &Members, mut task: Member, mut waits: Option<Waits>) -> Left {
    let mut left = Left::default();
    let insert = || core.insert(SpawnMeta::of(None, Location::caller()));
    match op {
        Op::Insert => left.tasks.extend(insert()),
        Op::Pass => {
            left.tasks.extend(insert());
            if let Some(passes) = insert() {
                passes.end(TaskEnd::Completed);
                left.inserted += 1;
                left.ended += 1;
            }
        }
        Op::Wait => {
            let bell = Bell::new();
            if task.wait(&bell.clone().into()) {
                left.waiting = Some(bell);
            }
        }
        Op::AbortAll => core.abort_all(),
        Op::Close => drop(core.close()),
        Op::Len => left.counted = Some(core.len()),
        Op::List => left.counted = Some(core.tasks().len()),
        Op::Watch => waits = Some(Waits::begin(core)),
        Op::WatchOn => {
            assert!(!waits.as_mut().is_some_and(|it| it.poll(core)), "this thread's task lives");
        }
        Op::Forget => {
            core.forget_waiting(waits.take().and_then(|it| it.key).expect("it waits"));
        }
        Op::Complete | Op::Panic => {}
    }
    left.inserted += left.tasks.len();
    match op {
        Op::Complete => task.end(TaskEnd::Completed),
        Op::Panic => task.end(TaskEnd::Panicked),
        _ => left.tasks.push(task),
    }
    left.ended += usize::from(matches!(op, Op::Complete | Op::Panic));
    left.waits = waits;
    left
}

/// Operations at once, each on its thread, and everything that must be true after them.
fn program(begin: Start, watched: bool, ops: &[Op]) {
    let (core, tasks, others) = start(begin, ops.len());
    let past = core.present();
    let before = tasks.len() + others.len();
    let mut all = if watched { vec![Waits::begin(&core)] } else { Vec::new() };
    let mut threads: Vec<_> = ops
        .iter()
        .zip(tasks)
        .enumerate()
        .map(|(shard, (&op, task))| {
            let waits = matches!(op, Op::Forget | Op::WatchOn).then(|| Waits::begin(&core));
            let core = core.clone();
            move || {
                on_shard(shard % 2);
                act(op, &core, task, waits)
            }
        })
        .collect();
    let this = threads.pop().expect("there are some");
    let threads: Vec<_> = threads.into_iter().map(thread::spawn).collect();
    let mut lefts = vec![this()];
    for thread in threads {
        lefts.push(thread.join().expect("it does not panic"));
    }
    on_shard(0);

    let has = |op| ops.contains(&op);
    let inserted: usize = lefts.iter().map(|left| left.inserted).sum();
    let ended: usize = lefts.iter().map(|left| left.ended).sum();
    let live = before + inserted - ended;
    assert_eq!(core.len(), live);
    for counted in lefts.iter().filter_map(|left| left.counted) {
        assert!((before - ended.min(before)..=before + inserted).contains(&counted), "{counted}");
    }
    let due = ops.iter().map(|op| match op {
        Op::Insert => 1,
        Op::Pass => 2,
        _ => 0,
    });
    assert!(has(Op::Close) || inserted == due.sum::<usize>());
    assert_eq!(core.is_closed(), has(Op::Close));

    for waiting in lefts.iter().filter_map(|left| left.waiting.as_ref()) {
        // If the abort came first, the task was told not to wait.
        assert_eq!(waiting.rang(), has(Op::AbortAll));
    }
    let mut tasks = Vec::new();
    for left in lefts {
        tasks.extend(left.tasks);
        all.extend(left.waits);
    }
    let (olds, news): (Vec<_>, Vec<_>) = tasks.into_iter().partition(Member::is_stopped);
    assert!(news.len() <= if has(Op::AbortAll) { inserted } else { live });
    assert!(olds.is_empty() || has(Op::AbortAll));
    assert!(others.iter().all(|other| other.is_stopped() == has(Op::AbortAll)));

    let is_over = live == 0;
    assert_eq!(watched_tasks(&core), if all.is_empty() || is_over { None } else { Some(live) });
    assert!(all.iter().all(|waits| waits.bell.rang() == is_over));
    core.lock_all().iter().for_each(|state| state.list.assert_settled());
    if !has(Op::Close) {
        // Their slots are those of tasks that have ended.
        let next: Vec<_> = (0..3).map(|_| spawn(&core)).collect();
        assert!(next.iter().all(|task| !task.is_stopped()));
        for task in next {
            task.end(TaskEnd::Completed);
        }
    }
    for task in olds.into_iter().chain(news).chain(others) {
        assert!(all.iter().all(|waits| !waits.bell.rang()), "a task lives");
        task.end(TaskEnd::Aborted);
    }
    assert_eq!(core.len(), 0);
    for mut waits in all {
        assert!(is_over || waits.bell.rang());
        assert!(waits.poll(&core));
    }
    assert_eq!(watched_tasks(&core), None);
    core.lock_all().iter().for_each(|state| state.list.assert_settled());
    let report = core.since(&past);
    assert_eq!(report.panicked, ops.iter().filter(|op| **op == Op::Panic).count());
    assert_eq!(report.aborted, live);
    assert_eq!(report.finished, ended - report.panicked + if has(Op::Close) { 0 } else { 3 });
}

fn watched_tasks(core: &Members) -> Option<usize> {
    watched(&core.lock_all())
}

fn pairs(begin: Start) {
    for (at, first) in OPS.into_iter().enumerate() {
        for second in OPS.into_iter().skip(at) {
            for watched in [false, true] {
                println!("{begin:?}, {first:?} and {second:?}, watched: {watched}");
                check(move || program(begin, watched, &[first, second]));
                if first != second && begin != Start::Open {
                    check(move || program(begin, watched, &[second, first]));
                }
            }
        }
    }
}

#[test]
fn pairs_in_the_open_chunk() {
    pairs(Start::Open);
}

#[test]
fn pairs_with_a_full_chunk() {
    pairs(Start::Full);
}

#[test]
fn pairs_with_ended_tasks() {
    pairs(Start::Ended);
}

#[test]
fn pairs_in_a_chunk_beyond_those_that_are_kept() {
    pairs(Start::Extra);
}

#[test]
fn pairs_in_a_chunk_that_is_freed() {
    pairs(Start::Freed);
}

#[test]
fn pairs_on_two_shards() {
    pairs(Start::Shards);
}

/// Any three operations.
fn triples(begin: Start) {
    for (at, first) in OPS.into_iter().enumerate() {
        for (next, second) in OPS.into_iter().enumerate().skip(at) {
            for third in OPS.into_iter().skip(next) {
                println!("{begin:?}, {first:?}, {second:?} and {third:?}");
                check_bounded(2, move || program(begin, false, &[first, second, third]));
            }
        }
    }
}

#[test]
fn triples_with_a_full_chunk() {
    triples(Start::Full);
}

#[test]
fn triples_in_a_chunk_that_is_freed() {
    triples(Start::Freed);
}

/// A group is dropped while its tasks wait and end.
#[test]
fn dropping_the_group_while_tasks_end() {
    for how in [TaskEnd::Completed, TaskEnd::Panicked] {
        for begin in STARTS {
            check(move || {
                let (core, mut tasks, others) = start(begin, 2);
                let (mut first, second) = (tasks.remove(0), tasks.remove(0));
                let other = thread::spawn(move || {
                    let waits = first.wait(Waker::noop());
                    first.end(how);
                    waits
                });
                drop(core);
                second.end(how);
                assert!(other.join().expect("it does not panic"));
                for task in others {
                    task.end(TaskEnd::Completed);
                }
            });
        }
    }
}

/// Data that is written before something, and that who sees this must see. It orders nothing by itself.
fn data() -> (Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let data = Arc::new(AtomicUsize::new(0));
    (data.clone(), data)
}

/// Who sees a group without tasks sees what they did: `Chunk::end` releases it, and counting acquires it.
#[test]
fn an_empty_group_shows_what_its_tasks_did() {
    check(|| {
        let core = group();
        let ((data, seen), task) = (data(), spawn(&core));
        let other = thread::spawn(move || {
            data.store(1, Relaxed);
            task.end(TaskEnd::Completed);
        });
        if core.len() == 0 {
            assert_eq!(seen.load(Relaxed), 1);
        }
        other.join().expect("it does not panic");
    });
}

/// The same for a wait that is over at its first poll.
#[test]
fn a_wait_shows_what_the_tasks_did() {
    check(|| {
        let core = group();
        let ((data, seen), task) = (data(), spawn(&core));
        let other = thread::spawn(move || {
            data.store(1, Relaxed);
            task.end(TaskEnd::Completed);
        });
        if Waits::default().poll(&core) {
            assert_eq!(seen.load(Relaxed), 1);
        }
        other.join().expect("it does not panic");
    });
}

/// The same for a wait that is ended by one task, which counts another as well: `List::settle` acquires what both did.
#[test]
fn a_wait_that_another_task_ends_shows_what_all_did() {
    check(|| {
        let core = group();
        let tasks = [spawn(&core), spawn(&core)];
        let mut waits = Waits::begin(&core);
        let (threads, seen): (Vec<_>, Vec<_>) = tasks
            .into_iter()
            .map(|task| {
                let (data, seen) = data();
                let thread = thread::spawn(move || {
                    data.store(1, Relaxed);
                    task.end(TaskEnd::Completed);
                });
                (thread, seen)
            })
            .unzip();
        if waits.poll(&core) {
            assert!(seen.iter().all(|it| it.load(Relaxed) == 1));
        }
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        assert!(waits.key.is_none() || waits.poll(&core));
    });
}

/// The same if the chunk was freed: `ListChunk::take_back` acquires what its tasks did.
#[test]
fn an_empty_group_shows_what_the_tasks_of_a_freed_chunk_did() {
    check(|| {
        let core = group();
        let mut tasks: Vec<_> = (0..4).map(|_| spawn(&core)).collect();
        let ((data, seen), task) = (data(), tasks.pop().expect("there are four"));
        let other = thread::spawn(move || {
            data.store(1, Relaxed);
            task.end(TaskEnd::Completed);
        });
        for task in tasks {
            task.end(TaskEnd::Completed);
        }
        // Frees the chunk if it finds that its last task has ended.
        spawn(&core).end(TaskEnd::Completed);
        if core.len() == 0 {
            assert_eq!(seen.load(Relaxed), 1);
        }
        other.join().expect("it does not panic");
    });
}

/// A task that is told to stop sees what was done before: `List::stop` releases it, `Chunk::is_stopped` acquires it.
#[test]
fn a_stopped_task_sees_why() {
    check(|| {
        let core = group();
        let ((data, seen), task) = (data(), spawn(&core));
        let other = thread::spawn(move || {
            if task.is_stopped() {
                assert_eq!(seen.load(Relaxed), 1);
            }
            task.end(TaskEnd::Aborted);
        });
        data.store(1, Relaxed);
        core.abort_all();
        other.join().expect("it does not panic");
    });
}

/// A task that waits is woken by an abort, and sees it.
#[test]
fn an_aborted_task_stops() {
    check(|| {
        let core = group();
        let mut task = spawn(&core);
        let other = thread::spawn(move || {
            let bell = Bell::new();
            let waker = bell.clone().into();
            // Its executor polls it again whenever it was woken.
            while task.wait(&waker) {
                while !bell.rang() {
                    thread::yield_now();
                }
            }
            assert!(task.is_stopped());
            task.end(TaskEnd::Aborted);
        });
        core.abort_all();
        other.join().expect("it does not panic");
        assert_eq!(core.len(), 0);
    });
}
