//! A soak, from the start of the server to the account of what became of it.
//!
//! There are two rounds, each with a server of its own that is shut down at its end: a short one, in
//! which all that is allocated once is allocated, and a long one. "No task left" means that the
//! group around everything is empty, and that no future of a service is there which has not been
//! dropped. "No event lost" means that a client has got each event that its call has emitted, in
//! order and up to the moment in which its service was stopped, killed or had panicked, unless the
//! connection itself was over before.
//!
//! "Memory flat" means two things about the bytes that are allocated and not freed:
//!
//! - When all is shut down there are at most [`QUIET_GROWTH`] more of them after the long round than
//!   after the short one. A soak of two minutes has some hundred thousand actions, so that this is a
//!   few bytes for each: less than anything that could be left of one. It is not zero because pools
//!   and tables keep the size of their highest tide.
//! - Under load, in the second half of the long round, there are at most a quarter and
//!   [`LOAD_GROWTH`] more of them than in the first: what is kept for as long as a server runs would
//!   grow with the time. It is not less because the load goes up and down with the server's own
//!   restarts; the medians of the halves are compared.

#[path = "run/account.rs"]
mod account;
#[path = "run/chaos.rs"]
mod chaos;
#[path = "run/crowd.rs"]
mod crowd;
#[path = "run/memory.rs"]
mod memory;
#[path = "run/outcome.rs"]
mod outcome;
#[path = "run/worker.rs"]
mod worker;

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::panic;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_io::Timer;
use async_runtime_compat::{Runtime, ServiceWrapper};
use futures_util::future::{join, join_all, join4};

use self::account::Account;
use self::memory::in_use;
pub(crate) use self::outcome::Outcome;
use self::worker::{Job, PANIC, Worker};
use crate::app::App;
use crate::backend::Backend;
use crate::server::Config;
use crate::service::WebSocket;

/// How many services there are besides the server, and how many tasks.
const WORKERS: usize = 8;
const JOBS: usize = 16;

/// After this time without an answer there will be none.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long what is left of a service has that has panicked, and an action that is cancelled.
const GRACE: Duration = Duration::from_millis(50);

/// How long each service has to stop at the end of a round.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// How much more memory there may be in use after the long round, in bytes.
const QUIET_GROWTH: usize = 1024 * 1024;

/// How much more than another quarter there may be in use in its second half.
const LOAD_GROWTH: usize = 4 * 1024 * 1024;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What to do.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// For both rounds together. The shutdowns are not in it.
    pub(crate) time: Duration,
    pub(crate) connections: usize,
    pub(crate) seed: u64,
}

/// A round: what all who take part have to know.
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

/// What a round leaves.
struct Round {
    /// How many tasks, and futures of services, should be gone, and what they are.
    left: usize,
    what_is_left: Vec<String>,
    /// The memory in use under load, from time to time.
    loads: Vec<usize>,
    /// The memory in use at the end.
    quiet: usize,
}

/// Runs a soak on a backend.
///
/// # Errors
///
/// If it could not be run.
pub(crate) fn soak(backend: &Backend, plan: Plan) -> Result<Outcome, Box<dyn Error>> {
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
    // Some tasks do not follow the token, and have to be aborted.
    if let Err(error) = app.shutdown(SHUTDOWN).await {
        for (name, error) in error.failures().filter(|(_, error)| error.is_failed()) {
            account.mistake(format!("at the shutdown, {name}: {error:#}"));
        }
    }
    let report = server.service().report().unwrap_or_default();
    if report.aborted + report.panicked > 0 {
        account.mistake(format!("the server's last run had {report}"));
    }
    let tasks = app.group().tasks();
    let (mut left, mut what_is_left) = (tasks.len(), Vec::new());
    what_is_left.extend(tasks.iter().map(ToString::to_string));
    for worker in &workers {
        let alive = worker.service().alive().count();
        if alive > 0 {
            left += alive;
            what_is_left.push(format!("{alive} futures of service '{}'", worker.name()));
        }
    }
    drop((app, server, workers));
    Ok(Round { left, what_is_left, loads, quiet: quiet().await })
}

/// Lets all who take part take part, until the end.
async fn play(stage: &Stage, workers: &[ServiceWrapper<Worker>], plan: Plan) {
    // Each has a seed of its own, and the same one each time.
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

/// Looks at the memory, and says how far it is, until the end.
async fn watch(stage: &Stage, loads: &mut Vec<usize>) {
    let start = Instant::now();
    let mut said = start;
    while stage.goes_on() {
        Timer::after(LOOK).await;
        loads.push(in_use());
        if said.elapsed() >= Duration::from_secs(5) {
            said = Instant::now();
            let (account, seconds) = (&stage.account, start.elapsed().as_secs());
            let (of, actions) = (stage.time.as_secs(), account.actions());
            let (events, lost) = (account.events.get(), account.lost.get());
            // A terminal that is gone is no reason to stop.
            let _ = writeln!(
                io::stderr(),
                "{seconds:>4} of {of} s: {actions:>9} actions {events:>10} events {lost:>4} lost \
                 {:>8.1} MiB",
                outcome::mebibytes(in_use()),
            );
        }
    }
}

/// The memory in use when all is quiet: the least of some looks, because what was dropped is given
/// back by threads that do so in their own time.
async fn quiet() -> usize {
    let mut least = usize::MAX;
    for _ in 0..20 {
        Timer::after(LOOK).await;
        least = least.min(in_use());
    }
    least
}

/// Keeps the panics that are meant to be off the screen; any other is printed.
pub(crate) fn silence_panics_on_request() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or(payload.downcast_ref::<String>().map(String::as_str));
        if !message.is_some_and(|message| message.starts_with(PANIC)) {
            print(info);
        }
    }));
}
