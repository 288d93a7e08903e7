//! A lost update: found, replayed, shrunk, fixed, and gone.
//!
//! The service under test is a small wallet in front of a store, written against `Arc<dyn Runtime>`.
//! It reads a balance, waits for the store, and writes the balance back: two deposits at the same
//! time may both start from the same balance, and one of them is lost.
//!
//! ```sh
//! cargo run --release --example dst --features sim,tokio
//! ```
//!
//! The line that it prints replays the failure.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_runtime_compat::prelude::*;
use async_runtime_compat::sim::{Check, Counterexample, SimRuntime, Strategy};
use async_runtime_compat::tokio::TokioSpawner;

/// Balances by account, behind a connection that takes its time.
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

/// How a wallet keeps deposits from each other's way.
#[derive(Clone, Copy)]
enum Deposits {
    /// It does not.
    Racing,
    /// One at a time for each account.
    InTurn,
}

struct Wallet {
    store: Store,
    deposits: Deposits,
    /// One token for each account: whoever has taken it may change the balance.
    turns: Mutex<BTreeMap<String, Turn>>,
}

/// A lock that works on any runtime.
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

/// Gives the turn back when it is dropped, also when the task is aborted.
struct Taken(async_channel::Sender<()>);

impl Drop for Taken {
    fn drop(&mut self) {
        // There is room, since only one is out.
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

/// What is to hold: each deposit arrives. Nothing here knows what it runs on.
///
/// The clients come at any time within a few milliseconds, as `delay` says.
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
        balance => Err(format!("123 was paid in, and the balance is {balance}")),
    }
}

/// In the simulation the seed says when the clients come.
async fn simulated(rt: SimRuntime, deposits: Deposits) -> Result<(), String> {
    let mut rng = rt.rng("clients");
    let delay = move || Duration::from_millis(rng.below(20));
    deposits_arrive(Arc::new(rt), deposits, delay).await
}

const COMMAND: &str = "cargo run --release --example dst --features sim,tokio";

fn check() -> Check {
    Check::new().command(COMMAND)
}

fn find() -> Result<Counterexample, Box<dyn Error>> {
    let found = check().try_run(|rt| simulated(rt, Deposits::Racing));
    found.err().ok_or_else(|| "the lost update was not found".into())
}

fn heading(number: u32, text: &str) {
    println!("\n── {number}. {text} ──\n");
}

fn main() -> Result<(), Box<dyn Error>> {
    if env::var_os("DST_TAPE").is_some() {
        // The line was pasted.
        check().run(|rt| simulated(rt, Deposits::Racing));
        return Ok(());
    }

    heading(1, "the service on tokio, where it seems to work");
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    tokio.block_on(async {
        let runtime: Arc<dyn Runtime> = Arc::new(TokioSpawner::current()?);
        // Far enough from each other, as on the machine of whoever wrote it.
        let mut next = 0;
        let delay = || {
            next += 40;
            Duration::from_millis(next)
        };
        deposits_arrive(runtime, Deposits::Racing, delay).await?;
        println!("three deposits, and all have arrived");
        Ok::<_, Box<dyn Error>>(())
    })?;

    heading(2, "the same service in the simulation");
    let start = Instant::now();
    let found = find()?;
    let took = start.elapsed();
    println!("{found}\n\nfound and shrunk in {took:.1?}");

    heading(3, "replayed from the tape");
    let failure = found.failure();
    let replay = Strategy::Replay(failure.tape().to_string().parse()?);
    let replayed = check().seed(failure.seed()).strategies([replay]);
    match replayed.try_run(|rt| simulated(rt, Deposits::Racing)) {
        Ok(_) => return Err("it did not fail again".into()),
        Err(again) if again.failure().message() == failure.message() => {
            println!("again: {}", again.failure().message());
        }
        Err(again) => return Err(again.into()),
    }

    heading(4, "fixed: one deposit at a time for each account");
    let start = Instant::now();
    let checked = check().runs(100_000).run(|rt| simulated(rt, Deposits::InTurn));
    let took = start.elapsed();
    println!(
        "{} schedules of {} steps altogether, all green, in {took:.1?}",
        checked.runs, checked.steps
    );

    heading(5, "and on tokio");
    tokio.block_on(async {
        let runtime: Arc<dyn Runtime> = Arc::new(TokioSpawner::current()?);
        deposits_arrive(runtime, Deposits::InTurn, || Duration::ZERO).await?;
        println!("three deposits at once, and all have arrived");
        Ok(())
    })
}
