//! A dispatcher on each runtime in turn: jobs with time limits, retries and blocking work.
//!
//! The dispatcher is an actor. It owns a queue, hands each job to a task of its own, and never has
//! more than a few of them out. A job asks an upstream that is slow, fails, or hangs; it is given a
//! time limit, and tried again after a pause that grows. It names no runtime: `main` passes it one
//! after the other, and in the end the simulation, where the same pauses take no time.
//!
//! ```sh
//! cargo run --release --example dispatcher --all-features
//! ```

use std::fmt;
use std::future::pending;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_runtime_compat::prelude::*;

const JOBS: u32 = 300;

/// What a job is allowed.
#[derive(Clone, Copy)]
struct Policy {
    /// How many jobs are out at a time.
    workers: usize,
    /// How often a job is tried.
    attempts: u32,
    /// How long an attempt may take.
    limit: Duration,
    /// How long to wait before the second attempt. Each further wait is twice as long.
    pause: Duration,
}

/// A job, and where its end goes.
struct Job {
    number: u32,
    reply: Sender<Done>,
}

/// How a job ended.
struct Done {
    number: u32,
    /// The answer, unless the dispatcher gave up.
    answer: Option<u64>,
    attempts: u32,
    timeouts: u32,
}

/// Something else's service: some of its calls hang, and some fail, for as long as that is so.
struct Upstream {
    timer: Arc<dyn Timer>,
}

struct Unavailable;

impl Upstream {
    async fn ask(&self, job: u32, attempt: u32) -> Result<u32, Unavailable> {
        self.timer.sleep(Duration::from_millis(u64::from(job % 7))).await;
        match job % 10 {
            // Lost on the way: no reply will come, ever.
            0 => pending().await,
            // Hangs twice.
            1 if attempt <= 2 => pending().await,
            // Refuses once.
            2 | 3 if attempt == 1 => Err(Unavailable),
            _ => Ok(job * 31),
        }
    }
}

struct Dispatcher {
    queue: Sender<Job>,
    /// Ends with the dispatcher.
    _actor: AbortOnDrop<()>,
}

impl Dispatcher {
    fn start(runtime: &Arc<dyn Runtime>, policy: Policy) -> Dispatcher {
        let (queue, jobs) = async_channel::bounded(64);
        let actor = runtime.spawn_named("dispatcher", dispatch(runtime.clone(), policy, jobs));
        Dispatcher { queue, _actor: actor.abort_on_drop() }
    }

    async fn submit(&self, number: u32, reply: Sender<Done>) {
        self.queue
            .send(Job { number, reply })
            .await
            .expect("the dispatcher runs until it is dropped");
    }
}

async fn dispatch(runtime: Arc<dyn Runtime>, policy: Policy, jobs: Receiver<Job>) {
    let upstream = Arc::new(Upstream { timer: runtime.clone() });
    // Each task that is out holds a token.
    let (put_back, tokens) = async_channel::bounded(policy.workers);
    for _ in 0..policy.workers {
        put_back.send(()).await.expect("there is room for all");
    }
    while let Ok(job) = jobs.recv().await {
        tokens.recv().await.expect("`put_back` is held here");
        let (runtime2, upstream, put_back) = (runtime.clone(), upstream.clone(), put_back.clone());
        runtime.spawn_detached(async move {
            let done = attend(&*runtime2, policy, &upstream, job.number).await;
            // Whoever asked may have gone away.
            let _ = job.reply.send(done).await;
            let _ = put_back.send(()).await;
        });
    }
}

async fn attend(runtime: &dyn Runtime, policy: Policy, upstream: &Upstream, number: u32) -> Done {
    let (mut pause, mut timeouts) = (policy.pause, 0);
    for attempt in 1..=policy.attempts {
        match runtime.timeout(policy.limit, upstream.ask(number, attempt)).await {
            Ok(Ok(value)) => {
                // Too long for a thread that polls tasks.
                let answer = runtime.spawn_blocking(move || digest(value)).await;
                return Done { number, answer: answer.ok(), attempts: attempt, timeouts };
            }
            Ok(Err(Unavailable)) => {}
            Err(_elapsed) => timeouts += 1,
        }
        if attempt < policy.attempts {
            runtime.sleep(pause).await;
            pause *= 2;
        }
    }
    Done { number, answer: None, attempts: policy.attempts, timeouts }
}

/// Takes a while.
fn digest(value: u32) -> u64 {
    let mix = |hash: u64, round: u32| {
        (hash ^ u64::from(value) ^ u64::from(round)).wrapping_mul(0x0100_0000_01b3)
    };
    (0..20_000).fold(0xcbf2_9ce4_8422_2325, mix)
}

/// What came of all the jobs. It is the same on every runtime.
#[derive(Default, PartialEq, Eq)]
struct Tally {
    answered: u32,
    given_up: u32,
    attempts: u32,
    timeouts: u32,
    answers: u64,
}

/// The service, and those who ask it. This is all that runs on a runtime.
async fn serve(runtime: Arc<dyn Runtime>) -> (Tally, Duration) {
    let policy = Policy {
        workers: 64,
        attempts: 4,
        limit: Duration::from_millis(60),
        pause: Duration::from_millis(5),
    };
    let start = runtime.now();
    let dispatcher = Dispatcher::start(&runtime, policy);
    let (reply, replies) = async_channel::unbounded();
    for number in 0..JOBS {
        dispatcher.submit(number, reply.clone()).await;
    }
    drop(reply);
    let mut tally = Tally::default();
    while let Ok(done) = replies.recv().await {
        match done.answer {
            Some(answer) => {
                tally.answered += 1;
                tally.answers ^= answer.rotate_left(done.number % 64);
            }
            None => tally.given_up += 1,
        }
        tally.attempts += done.attempts;
        tally.timeouts += done.timeouts;
    }
    (tally, runtime.now() - start)
}

struct Row {
    runtime: &'static str,
    tally: Tally,
    took: Duration,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { answered, given_up, attempts, timeouts, answers } = &self.tally;
        write!(f, "{:<24} {answered:>8} {given_up:>8} {attempts:>8} {timeouts:>8}", self.runtime)?;
        write!(f, "  {answers:016x}  {:>6} ms", self.took.as_millis())
    }
}

/// Each runtime that is compiled in, under the name that the table gives it.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |runtime, (tally, took)| rows.push(Row { runtime, tally, took });
    {
        use async_runtime_compat::tokio::TokioSpawner;
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_time().build();
        let tokio = tokio.expect("threads for tokio");
        let runtime = Arc::new(TokioSpawner::new(tokio.handle().clone()));
        add("tokio", tokio.block_on(serve(runtime)));
    }
    #[cfg(feature = "smol")]
    {
        use async_runtime_compat::smol::SmolSpawner;
        add("smol", futures_lite::future::block_on(serve(Arc::new(SmolSpawner))));
    }
    #[cfg(feature = "async-std")]
    {
        use async_runtime_compat::async_std::AsyncStdSpawner;
        add("async-std", futures_lite::future::block_on(serve(Arc::new(AsyncStdSpawner))));
    }
    #[cfg(feature = "async-executor")]
    {
        use async_runtime_compat::async_executor::ExecutorSpawner;
        let executor = Arc::new(async_executor::Executor::new());
        let runtime = Arc::new(ExecutorSpawner::new(executor.clone()));
        add("async-executor", futures_lite::future::block_on(executor.run(serve(runtime))));
    }
    #[cfg(feature = "sim")]
    {
        use async_runtime_compat::sim::Sim;
        // The dispatcher is aborted when the last job is done, and not before.
        let run = Sim::new(1).run(|runtime| serve(Arc::new(runtime)));
        match run {
            Ok(report) => add("simulation, virtual time", report.value),
            Err(failure) => eprintln!("{failure}"),
        }
    }
    rows
}

fn main() -> ExitCode {
    println!(
        "{:<24} {:>8} {:>8} {:>8} {:>8}  {:<16}  {:>9}",
        "runtime", "answered", "given up", "attempts", "timeouts", "answers", "took"
    );
    let rows = rows();
    for row in &rows {
        println!("{row}");
    }
    if rows.iter().any(|row| row.tally != rows[0].tally) {
        eprintln!("the same service did something else on another runtime");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
