//! A dispatcher on each backend in turn: jobs with time limits, retries and blocking work.
//!
//! The dispatcher is an actor. It owns a queue, spawns a task for each job, and limits the number
//! of these tasks. A job queries an upstream that is slow, fails, or hangs; each attempt has a time
//! limit, and is retried after increasing pauses. The dispatcher names no runtime. `main` passes it
//! one after the other and, with the feature `sim`, the simulation, where the pauses take no time.
//!
//! ```sh
//! cargo run -p async-runtime-compat-examples --example dispatcher --features sim
//! ```

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_runtime_compat::prelude::*;
use async_runtime_compat_examples::backend::BACKENDS;
use async_runtime_compat_examples::cli;
#[cfg(feature = "sim")]
use async_runtime_compat_sim::Sim;
use futures_lite::future;

const JOBS: u32 = 300;

/// The limits of jobs.
#[derive(Clone, Copy)]
struct Policy {
    /// The maximum number of concurrent jobs.
    workers: usize,
    /// The maximum number of attempts.
    attempts: u32,
    /// The time limit of an attempt.
    limit: Duration,
    /// The pause before the second attempt. Each further pause is twice as long.
    pause: Duration,
}

/// A job, and the channel for its result.
struct Job {
    number: u32,
    reply: Sender<Done>,
}

/// The result of a job.
struct Done {
    number: u32,
    /// The answer, unless the dispatcher gave up.
    answer: Option<u64>,
    attempts: u32,
    timeouts: u32,
}

/// A remote service. Some of its calls hang, and some fail at first.
struct Upstream {
    timer: Arc<dyn Timer>,
}

struct Unavailable;

impl Upstream {
    async fn ask(&self, job: u32, attempt: u32) -> Result<u32, Unavailable> {
        self.timer.sleep(Duration::from_millis(u64::from(job % 7))).await;
        match job % 10 {
            // The request was lost: no reply will ever come.
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
    /// Aborts the actor when the dispatcher is dropped.
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
    // Each running job holds a token.
    let (put_back, tokens) = async_channel::bounded(policy.workers);
    for _ in 0..policy.workers {
        put_back.send(()).await.expect("there is room for all");
    }
    while let Ok(job) = jobs.recv().await {
        tokens.recv().await.expect("`put_back` is held here");
        let (runtime2, upstream, put_back) = (runtime.clone(), upstream.clone(), put_back.clone());
        runtime.spawn_detached(async move {
            let done = attend(&*runtime2, policy, &upstream, job.number).await;
            // Fails if the caller no longer waits.
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
                // This would block a thread that polls tasks for too long.
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

/// Computes for a while.
fn digest(value: u32) -> u64 {
    let mix = |hash: u64, round: u32| {
        (hash ^ u64::from(value) ^ u64::from(round)).wrapping_mul(0x0100_0000_01b3)
    };
    (0..20_000).fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The results of all jobs. They are the same on every runtime.
#[derive(Default, PartialEq, Eq)]
struct Tally {
    answered: u32,
    given_up: u32,
    attempts: u32,
    timeouts: u32,
    answers: u64,
}

/// Runs the dispatcher with all jobs.
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

/// Runs the dispatcher on each backend, and in the simulation if it is compiled in.
fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for backend in BACKENDS {
        let running = backend.start()?;
        // The dispatcher and its jobs are tasks of the backend; this thread asks and waits.
        let (tally, took) = future::block_on(serve(running.runtime()));
        rows.push(Row { runtime: backend.name, tally, took });
    }
    #[cfg(feature = "sim")]
    {
        let report = Sim::new(1).run(|runtime| serve(Arc::new(runtime)))?;
        let (tally, took) = report.value;
        rows.push(Row { runtime: "simulation, virtual time", tally, took });
    }
    Ok(rows)
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows = rows()?;
    cli::say(format_args!(
        "{:<24} {:>8} {:>8} {:>8} {:>8}  {:<16}  {:>9}",
        "runtime", "answered", "given up", "attempts", "timeouts", "answers", "took"
    ));
    for row in &rows {
        cli::say(row);
    }
    if rows.iter().any(|row| row.tally != rows[0].tally) {
        return Err("the results differ between the runtimes".into());
    }
    Ok(())
}
