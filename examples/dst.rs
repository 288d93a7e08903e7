//! A lost update in a service: found by the simulation, shrunk, replayed, and fixed.
//!
//! The service under test is a small wallet in front of a store, written against `Arc<dyn Runtime>`.
//! It reads a balance, waits for the store, and writes the balance back: two concurrent deposits
//! may both start from the same balance, and one of them is lost.
//!
//! ```sh
//! cargo run --release -p async-runtime-compat-examples --features sim --example dst
//! ```
//!
//! It prints a command that replays the failure.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_runtime_compat::prelude::*;
use async_runtime_compat_examples::backend::BACKENDS;
use async_runtime_compat_examples::cli;
use async_runtime_compat_sim::{Check, Counterexample, SimRuntime, Strategy};
use futures_lite::future;

/// Balances by account, behind a slow connection.
struct Store {
    runtime: Arc<dyn Runtime>,
    balances: Mutex<BTreeMap<String, u64>>,
}

impl Store {
    fn new(runtime: Arc<dyn Runtime>) -> Store {
        Store { runtime, balances: Mutex::default() }
    }

    async fn read(&self, account: &str) -> u64 {
        self.runtime.sleep(Duration::from_millis(2)).await;
        let balances = self.balances.lock().unwrap_or_else(PoisonError::into_inner);
        balances.get(account).copied().unwrap_or_default()
    }

    async fn write(&self, account: &str, balance: u64) {
        self.runtime.sleep(Duration::from_millis(2)).await;
        let mut balances = self.balances.lock().unwrap_or_else(PoisonError::into_inner);
        balances.insert(account.to_owned(), balance);
    }
}

/// Whether a wallet synchronizes concurrent deposits.
#[derive(Clone, Copy)]
enum Deposits {
    /// It does not.
    Racing,
    /// It performs one at a time per account.
    InTurn,
}

struct Wallet {
    store: Store,
    deposits: Deposits,
    /// A lock per account.
    turns: Mutex<BTreeMap<String, Turn>>,
}

/// A lock that works on any runtime: a channel that holds one token.
#[derive(Clone)]
struct Turn(async_channel::Sender<()>, async_channel::Receiver<()>);

impl Turn {
    fn new() -> Turn {
        let (give, take) = async_channel::bounded(1);
        give.try_send(()).expect("there is room for one");
        Turn(give, take)
    }

    async fn take(&self) -> Taken {
        self.1.recv().await.expect("the sender is in `self`");
        Taken(self.0.clone())
    }
}

/// Unlocks on drop, and so also if the task is aborted.
struct Taken(async_channel::Sender<()>);

impl Drop for Taken {
    fn drop(&mut self) {
        // There is room: the token was taken out of the channel.
        let _ = self.0.try_send(());
    }
}

impl Wallet {
    fn new(runtime: Arc<dyn Runtime>, deposits: Deposits) -> Wallet {
        Wallet { store: Store::new(runtime), deposits, turns: Mutex::default() }
    }

    async fn deposit(&self, account: &str, amount: u64) {
        let _turn = match self.deposits {
            Deposits::Racing => None,
            Deposits::InTurn => Some(self.turn(account).take().await),
        };
        let balance = self.store.read(account).await;
        self.store.write(account, balance + amount).await;
    }

    async fn balance(&self, account: &str) -> u64 {
        self.store.read(account).await
    }

    fn turn(&self, account: &str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(account.to_owned()).or_insert_with(Turn::new).clone()
    }
}

/// The property to check: no deposit is lost. Nothing here knows which runtime it runs on.
///
/// Each of the clients arrives after a `delay`.
async fn deposits_arrive(
    runtime: Arc<dyn Runtime>,
    deposits: Deposits,
    mut delay: impl FnMut() -> Duration,
) -> Result<(), String> {
    let wallet = Arc::new(Wallet::new(runtime.clone(), deposits));
    let mut clients = Vec::new();
    for (client, amount) in [("ann", 100), ("bob", 20), ("cyd", 3)] {
        let (wallet, timer, delay) = (wallet.clone(), runtime.clone(), delay());
        clients.push(runtime.spawn_named(client, async move {
            timer.sleep(delay).await;
            wallet.deposit("savings", amount).await;
        }));
    }
    for client in clients {
        client.await.map_err(|error| error.to_string())?;
    }
    match wallet.balance("savings").await {
        123 => Ok(()),
        balance => Err(format!("123 was deposited, but the balance is {balance}")),
    }
}

/// In the simulation, the seed determines when the clients arrive.
async fn simulated(rt: SimRuntime, deposits: Deposits) -> Result<(), String> {
    let mut rng = rt.rng("clients");
    let delay = move || Duration::from_millis(rng.below(20));
    deposits_arrive(Arc::new(rt), deposits, delay).await
}

/// The number of schedules that the fixed service has to survive.
const RUNS: u64 = 20_000;

const COMMAND: &str =
    "cargo run --release -p async-runtime-compat-examples --features sim --example dst";

fn check() -> Check {
    Check::new().command(COMMAND)
}

fn find() -> Result<Counterexample, Box<dyn Error>> {
    let found = check().try_run(|rt| simulated(rt, Deposits::Racing));
    found.err().ok_or_else(|| "the lost update was not found".into())
}

/// Runs the service on each backend.
fn on_all_backends(
    deposits: Deposits,
    delay: impl Fn(u64) -> Duration,
) -> Result<(), Box<dyn Error>> {
    for backend in BACKENDS {
        let running = backend.start()?;
        let mut client = 0;
        let delay = || {
            client += 1;
            delay(client)
        };
        future::block_on(deposits_arrive(running.runtime(), deposits, delay))?;
        cli::say(format_args!("{:<22}no deposit was lost", backend.name));
    }
    Ok(())
}

fn heading(number: u32, text: &str) {
    cli::say(format_args!("\n── {number}. {text} ──\n"));
}

fn main() -> Result<(), Box<dyn Error>> {
    if env::var_os("DST_TAPE").is_some() {
        // This is the command that replays the failure.
        check().run(|rt| simulated(rt, Deposits::Racing));
        return Ok(());
    }

    heading(1, "the service on the backends, where it seems to work");
    // The clients arrive too far apart to interfere, as they might on a developer's machine.
    on_all_backends(Deposits::Racing, |client| Duration::from_millis(40 * client))?;

    heading(2, "the same service in the simulation");
    let start = Instant::now();
    let found = find()?;
    let took = start.elapsed();
    cli::say(format_args!("{found}\n\nfound and shrunk in {took:.1?}"));

    heading(3, "replayed from the tape");
    let failure = found.failure();
    let replay = Strategy::Replay(failure.tape().to_string().parse()?);
    let replayed = check().seed(failure.seed()).strategies([replay]);
    match replayed.try_run(|rt| simulated(rt, Deposits::Racing)) {
        Ok(_) => return Err("the replay did not fail".into()),
        Err(again) if again.failure().message() == failure.message() => {
            cli::say(format_args!("the same failure: {}", again.failure().message()));
        }
        Err(again) => return Err(again.into()),
    }

    heading(4, "fixed: one deposit at a time per account");
    let start = Instant::now();
    eprintln!("running {RUNS} schedules");
    let checked = check().runs(RUNS).run(|rt| simulated(rt, Deposits::InTurn));
    let took = start.elapsed();
    cli::say(format_args!(
        "{} schedules with {} steps in total, none of which failed, in {took:.1?}",
        checked.runs, checked.steps
    ));

    heading(5, "the fixed service on the backends");
    on_all_backends(Deposits::InTurn, |_| Duration::ZERO)
}
