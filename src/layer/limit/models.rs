//! Each pair of operations on a limit, on two threads, in each order.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom::thread;

use super::*;
use crate::sync::models::{Bell, check};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    /// Takes a permit or queues for one, polls, and releases either.
    Enter,
    /// The same, without polling.
    Pass,
    /// The same, for a ticket that queues at its first poll.
    Later,
    Try,
    /// Releases the permit that is held.
    Release,
    /// Polls the ticket that is queued.
    Poll,
    /// Leaves the queue.
    Leave,
    Raise,
    Lower,
    Ask,
}

const OPS: [Op; 10] = [
    Op::Enter,
    Op::Pass,
    Op::Later,
    Op::Try,
    Op::Release,
    Op::Poll,
    Op::Leave,
    Op::Raise,
    Op::Lower,
    Op::Ask,
];

/// A ticket, and the waker it was polled with.
struct Queued {
    ticket: Ticket,
    bell: Arc<Bell>,
}

impl Queued {
    fn new(ticket: Ticket) -> Queued {
        Queued { ticket, bell: Bell::new() }
    }

    fn poll(&mut self) -> bool {
        self.ticket.poll_held(&self.bell.clone().into())
    }
}

/// The threads that run under the limit. Not a loom variable: it adds no step, and orders nothing.
#[derive(Default)]
struct Running(AtomicUsize);

impl Running {
    fn run(&self, limit: &Limit) {
        assert!(self.0.fetch_add(1, Relaxed) < 2, "more than the highest limit");
        // A step at which the others can go on.
        limit.held();
        self.0.fetch_sub(1, Relaxed);
    }
}

struct Thread {
    limit: Arc<Limit>,
    running: Arc<Running>,
    held: Option<Ticket>,
    queued: Option<Queued>,
}

impl Thread {
    /// Runs the operation, and returns tickets that wait on.
    fn act(self, op: Op) -> (Option<Ticket>, Vec<Queued>) {
        let Thread { limit, running, mut held, queued } = self;
        let mut waiting = Vec::from_iter(queued);
        let enter = |mut queued: Queued| {
            if queued.poll() {
                running.run(&limit);
                return None;
            }
            Some(queued)
        };
        match op {
            Op::Enter => waiting.extend(enter(Queued::new(limit.ticket(&mut None)))),
            Op::Pass => drop(limit.ticket(&mut None)),
            Op::Later => waiting.extend(enter(Queued::new(limit.later()))),
            Op::Try => {
                if let Some(ticket) = limit.try_ticket() {
                    running.run(&limit);
                    drop(ticket);
                }
            }
            Op::Release => drop(held.take()),
            Op::Poll => waiting = waiting.into_iter().filter_map(enter).collect(),
            Op::Leave => waiting.clear(),
            Op::Raise => limit.set_limit(2),
            Op::Lower => limit.set_limit(1),
            Op::Ask => {
                assert!(limit.held() <= 2);
                assert!(limit.waiting() <= 4);
                assert!(limit.limit() <= 2);
            }
        }
        (held, waiting)
    }
}

/// Two operations at once; then all permits are released, and every ticket gets its turn.
fn pair(permits: usize, ops: [Op; 2]) {
    let (limit, running) = (Limit::new(permits), Arc::new(Running::default()));
    let mut held: Vec<_> = (0..permits).map(|_| limit.ticket(&mut None)).collect();
    let mut threads: Vec<_> = ops
        .iter()
        .map(|_| {
            let mut queued = Queued::new(limit.ticket(&mut None));
            assert!(!queued.poll());
            let (limit, running, held) = (limit.clone(), running.clone(), held.pop());
            Thread { limit, running, held, queued: Some(queued) }
        })
        .collect();
    let (first, second) = (threads.remove(0), threads.remove(0));
    let other = thread::spawn(move || first.act(ops[0]));
    let (second, more) = second.act(ops[1]);
    let (first, waiting) = other.join().expect("it does not panic");

    drop((first, second, held));
    // Whoever was woken runs. One that was not must not have a permit.
    let mut waiting: Vec<_> = waiting.into_iter().chain(more).collect();
    while !waiting.is_empty() {
        let woken = waiting.iter().position(|it| it.bell.rang());
        let mut next = waiting.remove(woken.expect("a permit is free, and nobody was woken"));
        assert!(next.poll());
        running.run(&limit);
    }
    assert_eq!((limit.held(), limit.waiting()), (0, 0));
    let all = limit.limit();
    let taken: Vec<_> = (0..all).filter_map(|_| limit.try_ticket()).collect();
    assert_eq!(taken.len(), all, "no permit is lost");
    assert!(limit.try_ticket().is_none());
}

#[test]
fn pairs() {
    for permits in [1, 2] {
        for (at, first) in OPS.into_iter().enumerate() {
            for second in OPS.into_iter().skip(at) {
                println!("{permits} permits, {first:?} and {second:?}");
                check(move || pair(permits, [first, second]));
                if permits == 1 && first != second {
                    check(move || pair(permits, [second, first]));
                }
            }
        }
    }
}

/// Three tasks at a limit of one, each on its thread: each gets its turn.
#[test]
fn everybody_gets_a_turn() {
    check(|| {
        let (limit, running) = (Limit::new(1), Arc::new(Running::default()));
        let tasks = [(); 2].map(|()| {
            let (limit, running) = (limit.clone(), running.clone());
            move || {
                let mut queued = Queued::new(limit.ticket(&mut None));
                while !queued.poll() {
                    while !queued.bell.rang() {
                        thread::yield_now();
                    }
                }
                assert_eq!(running.0.fetch_add(1, Relaxed), 0);
                limit.held();
                running.0.fetch_sub(1, Relaxed);
            }
        });
        let [first, second] = tasks;
        let other = thread::spawn(first);
        second();
        other.join().expect("it does not panic");
        assert_eq!((limit.held(), limit.waiting()), (0, 0));
    });
}
