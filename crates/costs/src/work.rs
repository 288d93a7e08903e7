//! The work that is done in every way.
//!
//! Each function repeats its work for as many rounds as it is told to, from inside a task, and
//! gives the time that the measured part took.

pub mod wait;

use std::future::{Future, pending};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::{Duration, Instant};

use crate::way::{CancelWay, JoinWay, Way};

/// How many tasks one round spawns, except for [`spawn_and_join_large`].
pub const TASKS: u64 = 1_000;

/// How many tasks one round of [`spawn_and_join_large`] spawns.
pub const LARGE_TASKS: u64 = 100;

const THREADS: usize = 4;

/// Spawns tasks, then joins them.
pub async fn spawn_and_join<W: JoinWay>(way: W, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        let tasks: Vec<_> =
            (0..TASKS).map(|number| way.spawn(async move { black_box(number) })).collect();
        for task in tasks {
            black_box(W::output(task.await));
        }
    }
    watch.elapsed()
}

/// Spawns tasks with nobody to wait for them, and waits until they have run.
pub async fn spawn_detached<W: Way>(way: W, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        let countdown = Countdown::new(TASKS);
        for _ in 0..TASKS {
            let countdown = countdown.clone();
            way.spawn_detached(async move { countdown.count() });
        }
        countdown.wait().await;
    }
    watch.elapsed()
}

/// Spawns and joins tasks whose futures have `N` bytes.
pub async fn spawn_and_join_sized<W: JoinWay, const N: usize>(way: W, rounds: u64) -> Duration {
    spawn_and_join_many::<W, N>(way, rounds, TASKS).await
}

/// Spawns and joins tasks whose futures have `N` bytes, and fewer of them.
pub async fn spawn_and_join_large<W: JoinWay, const N: usize>(way: W, rounds: u64) -> Duration {
    spawn_and_join_many::<W, N>(way, rounds, LARGE_TASKS).await
}

async fn spawn_and_join_many<W: JoinWay, const N: usize>(
    way: W,
    rounds: u64,
    tasks: u64,
) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        let tasks: Vec<_> = (0..tasks).map(|_| way.spawn(Bytes::<N>::new())).collect();
        for task in tasks {
            black_box(W::output(task.await));
        }
    }
    watch.elapsed()
}

/// Stops each task right after spawning it, before it was polled if no other thread is faster.
pub async fn cancel_at_once<W: CancelWay>(way: W, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        for _ in 0..TASKS {
            let task = way.spawn(pending::<()>());
            black_box(W::cancel(task).await);
        }
    }
    watch.elapsed()
}

/// Stops tasks that have been polled and are waiting. Spawning them is not measured.
pub async fn cancel_pending<W: CancelWay>(way: W, rounds: u64) -> Duration {
    let mut elapsed = Duration::ZERO;
    for _ in 0..rounds {
        let countdown = Countdown::new(TASKS);
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let countdown = countdown.clone();
                way.spawn(async move {
                    countdown.count();
                    pending::<()>().await;
                })
            })
            .collect();
        countdown.wait().await;

        let watch = Stopwatch::start();
        for task in tasks {
            black_box(W::cancel(task).await);
        }
        elapsed += watch.elapsed();
    }
    elapsed
}

/// Joins tasks that have run to their end. Spawning and running them is not measured.
pub async fn join_finished<W: JoinWay>(way: W, rounds: u64) -> Duration {
    let mut elapsed = Duration::ZERO;
    for _ in 0..rounds {
        let countdown = Countdown::new(TASKS);
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let countdown = countdown.clone();
                way.spawn(async move {
                    countdown.count();
                    number
                })
            })
            .collect();
        countdown.wait().await;

        let watch = Stopwatch::start();
        for task in tasks {
            black_box(W::output(task.await));
        }
        elapsed += watch.elapsed();
    }
    elapsed
}

/// Spawns from several threads at once, none of which belongs to the runtime; each joins its own.
pub async fn spawn_from_threads<W: JoinWay>(way: W, rounds: u64) -> Duration {
    let tasks = rounds * TASKS / THREADS as u64;
    let countdown = Countdown::new(THREADS as u64);
    let barrier = Arc::new(Barrier::new(THREADS + 1));
    for _ in 0..THREADS {
        let (way, countdown, barrier) = (way.clone(), countdown.clone(), barrier.clone());
        thread::spawn(move || {
            let mut handles = Vec::with_capacity(usize::try_from(tasks).unwrap_or_default());
            barrier.wait();
            for number in 0..tasks {
                handles.push(way.spawn(async move { black_box(number) }));
            }
            futures_lite::future::block_on(async {
                for handle in handles {
                    black_box(W::output(handle.await));
                }
            });
            countdown.count();
        });
    }
    // The others are not waiting for the runtime here, so that blocking it is no deadlock.
    barrier.wait();
    let watch = Stopwatch::start();
    countdown.wait().await;
    watch.elapsed()
}

/// Spawns a task that spawns a task that spawns … and joins it; each waits for the next one.
pub async fn chain<W: JoinWay>(way: W, rounds: u64) -> Duration {
    let way = Arc::new(way);
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        black_box(Link { way: way.clone(), left: TASKS, next: None }.await);
    }
    watch.elapsed()
}

struct Link<W: JoinWay> {
    // Shared like the state of a service, and natively just the same.
    way: Arc<W>,
    left: u64,
    next: Option<W::Handle<u64>>,
}

// Nothing in it is pinned.
impl<W: JoinWay> Unpin for Link<W> {}

impl<W: JoinWay> Future for Link<W> {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        let link = &mut *self;
        if link.left == 0 {
            return Poll::Ready(0);
        }
        let next = link.next.get_or_insert_with(|| {
            link.way.spawn(Link { way: link.way.clone(), left: link.left - 1, next: None })
        });
        Poll::Ready(W::output(ready!(Pin::new(next).poll(cx))) + 1)
    }
}

/// A future of so many bytes, ready at once.
struct Bytes<const N: usize>([u8; N]);

impl<const N: usize> Bytes<N> {
    #[inline]
    fn new() -> Bytes<N> {
        Bytes(black_box([1; N]))
    }
}

impl<const N: usize> Future for Bytes<N> {
    type Output = u8;

    #[inline]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
        Poll::Ready(black_box(&self.0)[N / 2])
    }
}

/// Wakes one waiter after so many counts.
pub struct Countdown {
    left: AtomicU64,
    waiter: Mutex<Option<Waker>>,
}

impl Countdown {
    /// A countdown from `left`.
    #[must_use]
    pub fn new(left: u64) -> Arc<Countdown> {
        Arc::new(Countdown { left: AtomicU64::new(left), waiter: Mutex::new(None) })
    }

    /// Counts one down.
    #[inline]
    pub fn count(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let waiter = self.waiter.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waiter) = waiter {
                waiter.wake();
            }
        }
    }

    /// Waits for the last count.
    pub fn wait(&self) -> impl Future<Output = ()> + Send {
        std::future::poll_fn(|cx| {
            let mut waiter = self.waiter.lock().unwrap_or_else(PoisonError::into_inner);
            // Under the lock: the last one to count takes it after this, and finds the waker.
            if self.left.load(Ordering::Acquire) == 0 {
                return Poll::Ready(());
            }
            *waiter = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

struct Stopwatch(Instant);

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
