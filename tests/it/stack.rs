//! The stack that large outputs need, against the native handles, in unoptimised builds as well.
//!
//! A child process runs one program on stacks of a given size, and dies if one overflows.

mod native;

use std::env;
use std::future::pending;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{JoinGroup, TaskGroup};
use futures_lite::future::{block_on, yield_now};
use test_support::runtimes::{self, Running};

/// Large enough that the rest of a stack hardly counts.
const SIZE: usize = 256 * 1024;

/// Counts the task and its output. Set while the task waits.
type Alive = Arc<AtomicBool>;

struct Large {
    bytes: [u8; SIZE],
    /// Tells the end of a detached task.
    alive: Alive,
}

impl Large {
    fn check(&self) {
        assert!(self.bytes.iter().all(|&n| n == 7));
        assert!(!self.alive.load(Ordering::SeqCst));
    }
}

/// A small future with a large output.
#[expect(clippy::large_stack_arrays, reason = "the stack is what is measured")]
async fn large(ends: bool, alive: Alive) -> Large {
    yield_now().await;
    if !ends {
        alive.store(true, Ordering::SeqCst);
        pending::<()>().await;
    }
    Large { bytes: [7; SIZE], alive }
}

/// Waits until a task that does not end is pending.
fn wait_until_pending(alive: &Alive) {
    while !alive.load(Ordering::SeqCst) {
        thread::yield_now();
    }
}

/// Waits until the task and its output have been dropped.
fn wait_until_gone(alive: &Alive) {
    while Arc::strong_count(alive) > 1 {
        thread::yield_now();
    }
}

/// What is done with the task.
#[derive(Clone, Copy, PartialEq)]
enum Op {
    Join,
    Finished,
    Shared,
    Detached,
    Abort,
    JoinGroup,
    TaskGroup,
}

impl Op {
    const ALL: [(&str, Op); 7] = [
        ("join", Op::Join),
        ("join when finished", Op::Finished),
        ("join with an abort handle", Op::Shared),
        ("detach", Op::Detached),
        ("abort", Op::Abort),
        ("join group", Op::JoinGroup),
        ("task group", Op::TaskGroup),
    ];
}

/// The programs with the handles of this crate. Each is a function: in an unoptimised build, a function's frame has
/// room for the values of all its branches.
mod ours {
    use super::*;

    pub(super) fn run(op: Op, running: &Running) {
        let runtime = running.runtime.clone();
        match op {
            Op::Join => join(&*runtime),
            Op::Finished => finished(&*runtime),
            Op::Shared => shared(&*runtime),
            Op::Detached => detached(&*runtime),
            Op::Abort => abort(&*runtime),
            Op::JoinGroup => join_group(runtime),
            Op::TaskGroup => task_group(runtime),
        }
    }

    fn join(runtime: &dyn Runtime) {
        block_on(runtime.spawn_with_handle(large(true, Alive::default()))).unwrap().check();
    }

    fn finished(runtime: &dyn Runtime) {
        let task = runtime.spawn_with_handle(large(true, Alive::default()));
        while !task.is_finished() {
            thread::yield_now();
        }
        block_on(task).unwrap().check();
    }

    fn shared(runtime: &dyn Runtime) {
        let task = runtime.spawn_with_handle(large(true, Alive::default()));
        let handle = task.abort_handle();
        block_on(task).unwrap().check();
        drop(handle);
    }

    fn detached(runtime: &dyn Runtime) {
        let alive = Alive::default();
        runtime.spawn_with_handle(large(true, alive.clone())).detach();
        wait_until_gone(&alive);
    }

    fn abort(runtime: &dyn Runtime) {
        let alive = Alive::default();
        let task = runtime.spawn_with_handle(large(false, alive.clone()));
        wait_until_pending(&alive);
        task.abort();
        assert!(block_on(task).is_err());
    }

    fn join_group(runtime: Arc<dyn Runtime>) {
        let mut group = JoinGroup::new(runtime);
        group.spawn(large(true, Alive::default()));
        block_on(group.join_next()).unwrap().unwrap().check();
    }

    fn task_group(runtime: Arc<dyn Runtime>) {
        let group = TaskGroup::new(runtime);
        let task = group.spawner().spawn_with_handle(large(true, Alive::default()));
        block_on(task).unwrap().check();
    }
}

/// Which stacks are small.
#[derive(Clone, Copy, Debug)]
enum Stack {
    Worker,
    Joiner,
}

const ROOM: usize = 256 * SIZE;
const STEP: usize = SIZE / 4;

/// Runs a program on a small stack, in a child process. Returns whether the stack sufficed.
fn suffices(stack: Stack, size: usize, test: &str, which: &str, op: &str) -> bool {
    let (worker, joiner) = match stack {
        Stack::Worker => (size, ROOM),
        Stack::Joiner => (ROOM, size),
    };
    let status = Command::new(env::current_exe().unwrap())
        .args([test, "--exact"])
        // The stacks of the threads that a runtime starts.
        .env("RUST_MIN_STACK", worker.to_string())
        .env("STACK_OF_JOINER", joiner.to_string())
        .env("STACK_PROGRAM", which)
        .env("STACK_OP", op)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap().success()
}

/// The smallest stack that suffices.
fn needed(stack: Stack, test: &str, which: &str, op: &str) -> usize {
    let (mut less, mut enough) = (SIZE / STEP / 2, ROOM / STEP);
    assert!(suffices(stack, enough * STEP, test, which, op), "{which} {op} fails");
    while enough - less > 1 {
        let middle = usize::midpoint(less, enough);
        if suffices(stack, middle * STEP, test, which, op) {
            enough = middle;
        } else {
            less = middle;
        }
    }
    enough * STEP
}

/// A test of one backend, which is also its own child.
fn compare(test: &str, native: impl FnOnce(Op) + Send, runtime: fn() -> Running) {
    if let Ok(program) = env::var("STACK_PROGRAM") {
        let of = |name| env::var(name).unwrap();
        let (_, op) = Op::ALL.into_iter().find(|(name, _)| *name == of("STACK_OP")).unwrap();
        let size = of("STACK_OF_JOINER").parse().unwrap();
        thread::scope(|scope| {
            let run = || if program == "native" { native(op) } else { ours::run(op, &runtime()) };
            thread::Builder::new().stack_size(size).spawn_scoped(scope, run).unwrap();
        });
        return;
    }
    let test = format!("stack::{test}");
    let mut over = Vec::new();
    for (op, _) in Op::ALL {
        for stack in [Stack::Worker, Stack::Joiner] {
            let native = needed(stack, &test, "native", op);
            let bound = (native + native / 4).next_multiple_of(STEP);
            if !suffices(stack, bound, &test, "ours", op) {
                let (native, ours) = (native / 1024, needed(stack, &test, "ours", op) / 1024);
                over.push(format!("{op}, {stack:?}: {ours} KiB, natively {native}"));
            }
        }
    }
    assert!(over.is_empty(), "{test} needs more stack than native plus a quarter: {over:#?}");
}

#[test]
fn own() {
    compare("own", native::own, runtimes::own);
}

test_support::with_tokio! {
    #[test]
    fn tokio() {
        compare("tokio", native::tokio, runtimes::tokio);
    }

    #[test]
    fn tokio_current_thread() {
        compare("tokio_current_thread", native::tokio_current_thread, runtimes::tokio_current_thread);
    }
}
test_support::with_smol! {
    #[test]
    fn smol() {
        compare("smol", native::smol, runtimes::smol);
    }
}
test_support::with_async_std! {
    #[test]
    fn async_std() {
        compare("async_std", native::async_std, runtimes::async_std);
    }
}
test_support::with_async_executor! {
    #[test]
    fn async_executor() {
        compare("async_executor", native::async_executor, runtimes::async_executor);
    }
}
