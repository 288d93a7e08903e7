//! Each pair of operations on a tree of tokens, on two threads, in each order.

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;

use super::*;
use crate::sync::models::{Bell, check};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Cancel,
    CancelChild,
    /// Creates a child, which waits.
    Child,
    /// Begins to wait for the child.
    Wait,
    /// Polls a wait for the child again that began before.
    WaitOn,
    /// Ends a wait that began before.
    Forget,
    /// Drops the child, which may be the last reference to it.
    DropChild,
    Ask,
}

const OPS: [Op; 8] = [
    Op::Cancel,
    Op::CancelChild,
    Op::Child,
    Op::Wait,
    Op::WaitOn,
    Op::Forget,
    Op::DropChild,
    Op::Ask,
];

/// A wait for a token.
struct Waits {
    node: Arc<Node>,
    bell: Arc<Bell>,
    key: Option<u64>,
}

impl Waits {
    fn begin(node: &Arc<Node>) -> (Waits, bool) {
        let mut waits = Waits { node: node.clone(), bell: Bell::new(), key: None };
        let is_over = waits.poll();
        (waits, is_over)
    }

    fn poll(&mut self) -> bool {
        self.node.poll_cancelled(&mut self.key, &self.bell.clone().into()).is_ready()
    }
}

fn act(op: Op, root: &Arc<Node>, child: Arc<Node>, mut waits: Waits) -> Vec<Waits> {
    let mut left = Vec::new();
    let begin = |node: &Arc<Node>| {
        let (waits, is_over) = Waits::begin(node);
        assert!(!is_over || node.is_cancelled());
        (!is_over).then_some(waits)
    };
    match op {
        Op::Cancel => {
            root.cancel();
            assert!(root.is_cancelled());
        }
        Op::CancelChild => {
            child.cancel();
            assert!(child.is_cancelled());
        }
        Op::Child => left.extend(begin(&root.child())),
        Op::Wait => left.extend(begin(&child)),
        Op::WaitOn => {
            if waits.poll() {
                return left;
            }
        }
        Op::Forget => {
            waits.node.forget_waiting(waits.key.expect("it waits"));
            return left;
        }
        Op::DropChild => drop(child),
        Op::Ask => {
            // What is cancelled stays cancelled, and with it what is below it.
            let is_cancelled = root.is_cancelled();
            assert!(root.is_cancelled() || !is_cancelled);
        }
    }
    left.push(waits);
    left
}

fn pair(ops: [Op; 2]) {
    let root = Node::root();
    let child = root.child();
    let [first, second] = [(); 2].map(|()| {
        let (waits, is_over) = Waits::begin(&child);
        assert!(!is_over);
        waits
    });
    let other = thread::spawn({
        let (root, child) = (root.clone(), child.clone());
        move || act(ops[0], &root, child, first)
    });
    let mut left = act(ops[1], &root, child, second);
    left.extend(other.join().expect("it does not panic"));
    let has = |op| ops.contains(&op);
    assert_eq!(root.is_cancelled(), has(Op::Cancel));
    for waits in &left {
        // A second call of `cancel` does not wait for the first, but here both have returned.
        let is_cancelled = waits.node.is_cancelled();
        assert!(is_cancelled || !has(Op::Cancel));
        assert_eq!(waits.bell.rang(), is_cancelled);
    }
    root.cancel();
    for mut waits in left {
        assert!(waits.node.is_cancelled());
        assert!(waits.poll());
    }
    let state = root.lock();
    assert!(state.children.is_empty() && !state.waiting.is_waiting(), "something is left behind");
}

#[test]
fn pairs() {
    for (at, first) in OPS.into_iter().enumerate() {
        for second in OPS.into_iter().skip(at) {
            println!("{first:?} and {second:?}");
            check(move || pair([first, second]));
            if first != second {
                check(move || pair([second, first]));
            }
        }
    }
}

/// Who sees the cancellation sees what was done before it.
#[test]
fn a_cancelled_task_sees_why() {
    check(|| {
        let (root, data) = (Node::root(), Arc::new(AtomicUsize::new(0)));
        let child = root.child();
        let other = thread::spawn({
            let data = data.clone();
            move || {
                data.store(1, Relaxed);
                root.cancel();
            }
        });
        if child.is_cancelled() {
            assert_eq!(data.load(Relaxed), 1);
        }
        other.join().expect("it does not panic");
    });
}
