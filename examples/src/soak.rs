//! A soak test of the WebSocket server and its services.
//!
//! There are two rounds, each with its own server that is shut down at the end: a short one, which
//! warms up everything that is allocated once, and a long one. "No task left" means that the group
//! around everything is empty, and that every future of a service has been dropped. "No event lost"
//! means that a client has received each event that its call has emitted, in order, up to the moment
//! in which its service was stopped, killed or panicked, unless the connection ended before.
//!
//! "Memory usage did not grow" means two things about the bytes that are allocated and not freed:
//!
//! - After the shutdown, the long round leaves at most [`QUIET_GROWTH`] more bytes than the short
//!   one. A soak of two minutes has some hundred thousand actions, so this is a few bytes for each:
//!   less than any leak per action. It is not zero because pools and tables keep their peak size.
//! - Under load, the second half of the long round has at most a quarter and [`LOAD_GROWTH`] more
//!   bytes than the first. A leak for as long as a server runs would grow with time. The tolerance
//!   is this large because the load varies with the server's restarts. The medians of the two
//!   halves are compared.

mod account;
mod chaos;
mod crowd;
mod memory;
mod outcome;
mod worker;

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_io::Timer;
use async_runtime_compat::Runtime;
use async_runtime_compat::services::ServiceWrapper;
use futures_util::future::{join, join_all, join4};

use self::account::Account;
use self::memory::in_use;
pub use self::outcome::Outcome;
pub use self::worker::PANIC;
use self::worker::{Job, Worker};
use crate::backend::Backend;
use crate::websocket::{App, Config, WebSocket};

/// The number of services besides the server, and of tasks.
const WORKERS: usize = 8;
const JOBS: usize = 16;

/// An answer that takes longer than this is considered lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time for the remaining tasks of a service that panicked, and for a cancelled action.
const GRACE: Duration = Duration::from_millis(50);

/// The time for each service to stop at the end of a round.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// The tolerated growth of the memory usage after the long round, in bytes.
const QUIET_GROWTH: usize = 1024 * 1024;

/// The tolerated growth of the memory usage under load, in addition to a quarter, in bytes.
const LOAD_GROWTH: usize = 4 * 1024 * 1024;

/// The time between two samples of the memory usage.
const SAMPLE: Duration = Duration::from_millis(50);

/// The parameters of a soak.
#[derive(Clone, Copy)]
pub struct Plan {
    /// The time for both rounds together, without the shutdowns.
    pub time: Duration,
    pub connections: usize,
    pub seed: u64,
}

/// The state of a round, shared by all participants.
struct Stage {
    app: Arc<App>,
    server: ServiceWrapper<WebSocket>,
    account: Arc<Account>,
    time: Duration,
    end: Instant,
}

impl Stage {
    fn goes_on(&self) -> bool {
        Instant::now() < self.end
    }
}

/// The results of a round.
struct Round {
    /// The number of tasks and futures that should have ended but have not, and their names.
    left: usize,
    leftovers: Vec<String>,
    /// Samples of the memory usage under load.
    loads: Vec<usize>,
    /// The memory usage after the shutdown.
    quiet: usize,
}

/// Runs a soak on a backend.
pub fn soak(backend: &Backend, plan: Plan) -> Result<Outcome, Box<dyn Error>> {
    let running = backend.start()?;
    async_io::block_on(async {
        let at_start = in_use();
        let warm_up = (plan.time / 5).min(Duration::from_secs(20));
        let (account, seed) = (Arc::new(Account::default()), plan.seed);
        let first = round(running.runtime(), &account, Plan { time: warm_up, ..plan }).await?;

        let rest = Plan {
            time: plan.time.saturating_sub(warm_up),
            seed: seed.wrapping_add(1 << 32),
            ..plan
        };
        let second = round(running.runtime(), &account, rest).await?;
        Ok(Outcome::new(backend.name, plan, &account, at_start, first, second))
    })
}

async fn round(
    runtime: Arc<dyn Runtime>,
    account: &Arc<Account>,
    plan: Plan,
) -> Result<Round, Box<dyn Error>> {
    let app = App::new(runtime);
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        let (name, worker) = (format!("worker-{number}"), Worker::new(account.clone()));
        let worker = ServiceWrapper::builder(app.runtime(), worker).name(&*name).grace(GRACE);
        let worker = worker.build();
        app.services.insert(name, Arc::new(worker.clone()), &[])?;
        workers.push(worker);
    }
    for number in 0..JOBS {
        app.tasks.register(format!("job-{number}"), Job::new(account.clone()))?;
    }
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config { registry: Arc::new(Arc::downgrade(&app)), ..Config::default() };
    let server = WebSocket::new(address, Duration::from_secs(5), config);
    let server = app.services.register("websocket", server, &[])?;
    app.services.start_all().await?;

    let end = Instant::now() + plan.time;
    let stage = Stage { app, server, account: account.clone(), time: plan.time, end };
    let mut loads = Vec::new();
    join(play(&stage, &workers, plan), watch(&stage, &mut loads)).await;

    let Stage { app, server, account, .. } = stage;
    // Some tasks ignore the cancel token and have to be aborted.
    if let Err(error) = app.shutdown(SHUTDOWN).await {
        for (name, error) in error.failures().filter(|(_, error)| error.is_failed()) {
            account.mistake(format!("at the shutdown, {name}: {error:#}"));
        }
    }
    let report = server.service().report().unwrap_or_default();
    if report.aborted + report.panicked > 0 {
        account.mistake(format!("the server's last run ended with {report}"));
    }
    let tasks = app.group().tasks();
    let (mut left, mut leftovers) = (tasks.len(), Vec::new());
    leftovers.extend(tasks.iter().map(ToString::to_string));
    for worker in &workers {
        let alive = worker.service().alive().count();
        if alive > 0 {
            left += alive;
            leftovers.push(format!("{alive} futures of service '{}'", worker.name()));
        }
    }
    drop((app, server, workers));
    Ok(Round { left, leftovers, loads, quiet: quiet().await })
}

/// Runs all participants until the end of the round.
async fn play(stage: &Stage, workers: &[ServiceWrapper<Worker>], plan: Plan) {
    // Each participant has its own seed, derived from that of the plan.
    let seed = |who: u64, number: usize| plan.seed ^ (who << 48) ^ ((number as u64) << 24);
    let (alone, together) = workers.split_at(chaos::ALONE);
    let alone = join_all(
        alone.iter().enumerate().map(|(n, worker)| chaos::drive_alone(stage, worker, seed(1, n))),
    );
    let together = join_all(together.iter().enumerate().flat_map(|(n, worker)| {
        (0..3).map(move |k| chaos::drive_together(stage, worker, seed(2, 3 * n + k)))
    }));
    let server = chaos::drive_server(stage, &stage.server, seed(3, 0));
    let chaos = join4(alone, together, server, chaos::renew_jobs(stage));
    let crowd = join_all((0..plan.connections).map(|n| crowd::visit(stage, seed(4, n))));
    join(chaos, crowd).await;
}

/// Samples the memory usage and prints the progress until the end of the round.
async fn watch(stage: &Stage, loads: &mut Vec<usize>) {
    let start = Instant::now();
    let mut said = start;
    while stage.goes_on() {
        Timer::after(SAMPLE).await;
        loads.push(in_use());
        if said.elapsed() >= Duration::from_secs(5) {
            said = Instant::now();
            let (account, seconds) = (&stage.account, start.elapsed().as_secs());
            let (of, actions) = (stage.time.as_secs(), account.actions());
            let (events, lost) = (account.events.get(), account.lost.get());
            // A closed terminal is no reason to stop.
            let _ = writeln!(
                io::stderr(),
                "{seconds:>4} of {of} s: {actions:>9} actions {events:>10} events {lost:>4} lost \
                 {:>8.1} MiB",
                outcome::mebibytes(in_use()),
            );
        }
    }
}

/// The memory usage at rest: the minimum of several samples, because other threads still free
/// memory at first.
async fn quiet() -> usize {
    let mut least = usize::MAX;
    for _ in 0..20 {
        Timer::after(SAMPLE).await;
        least = least.min(in_use());
    }
    least
}
