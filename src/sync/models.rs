//! Shared by the models: how they run, and what differs in them from the production build.

use std::cell::Cell;

loom::thread_local! {
    static SHARDS: Cell<usize> = Cell::new(1);
    static THREAD: Cell<usize> = Cell::new(0);
}

/// The number of shards of what this thread creates.
pub(crate) fn shards() -> usize {
    SHARDS.with(Cell::get)
}

/// A number that selects this thread's shard.
pub(crate) fn this_thread() -> usize {
    THREAD.with(Cell::get)
}

#[cfg(test)]
pub(crate) use self::harness::*;

#[cfg(test)]
mod harness {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use loom::model::Builder;
    use loom::sync::Notify;

    use super::{SHARDS, THREAD};

    /// Runs a program in each order of its threads' steps; `LOOM_MAX_PREEMPTIONS` limits them.
    pub(crate) fn check(program: impl Fn() + Send + Sync + 'static) {
        run(&Builder::new(), program);
    }

    /// The same for a larger program: a thread is preempted so many times at most, unless `LOOM_MAX_PREEMPTIONS` says
    /// otherwise. Switches where a thread waits or ends do not count.
    pub(crate) fn check_bounded(preemptions: usize, program: impl Fn() + Send + Sync + 'static) {
        let mut builder = Builder::new();
        builder.preemption_bound.get_or_insert(preemptions);
        run(&builder, program);
    }

    fn run(builder: &Builder, program: impl Fn() + Send + Sync + 'static) {
        let runs = Arc::new(AtomicUsize::new(0));
        let count = runs.clone();
        builder.check(move || {
            count.fetch_add(1, Ordering::Relaxed);
            program();
        });
        println!("{} runs", runs.load(Ordering::Relaxed));
    }

    /// Sets the number of shards of what this thread creates from now on: a power of two.
    pub(crate) fn with_shards(shards: usize) {
        SHARDS.with(|it| it.set(shards));
    }

    /// Selects this thread's shard.
    pub(crate) fn on_shard(shard: usize) {
        THREAD.with(|it| it.set(shard));
    }

    /// A waker's end. It orders nothing: a waker that is only asked whether it was woken must not hide that the code
    /// under test orders too little.
    #[derive(Default)]
    pub(crate) struct Bell(AtomicBool);

    impl Bell {
        pub(crate) fn new() -> Arc<Bell> {
            Arc::default()
        }

        /// Whether the waker was woken since the last call.
        pub(crate) fn rang(&self) -> bool {
            self.0.swap(false, Ordering::Relaxed)
        }
    }

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// The waker of an executor's task: a poll that follows a wake-up sees what came before that.
    #[derive(Default)]
    pub(crate) struct Alarm(loom::sync::atomic::AtomicBool);

    impl Alarm {
        pub(crate) fn new() -> Arc<Alarm> {
            Arc::default()
        }

        /// Whether the waker was woken since the last call.
        pub(crate) fn rang(&self) -> bool {
            self.0.swap(false, Ordering::AcqRel)
        }
    }

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.swap(true, Ordering::AcqRel);
        }
    }

    struct Parked(Notify);

    impl Wake for Parked {
        fn wake(self: Arc<Self>) {
            self.0.notify();
        }
    }

    /// Polls a future on this thread until it is ready. If nobody wakes it, the model fails with a deadlock.
    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        let parked = Arc::new(Parked(Notify::new()));
        let waker = Waker::from(parked.clone());
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            parked.0.wait();
        }
    }
}
