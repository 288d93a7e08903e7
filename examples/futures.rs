//! `futures`' own trait for spawning, in both directions.
//!
//! `download` is code that was written for `futures`: it takes an `impl Spawn`. `count` is code that was
//! written for this crate: it takes a `Spawner`. Each runs on both: on the backends that are compiled in, and on
//! the `ThreadPool` of `futures`.
//!
//! ```sh
//! cargo run --example futures --features futures,smol
//! ```

use std::error::Error;
use std::io::{self, Write as _};

use async_runtime_compat::futures::{FuturesSpawn, FuturesSpawner};
use async_runtime_compat::prelude::*;
use futures::channel::mpsc;
use futures::executor::{ThreadPool, block_on};
use futures::task::{Spawn, SpawnError, SpawnExt};
use futures::{SinkExt as _, StreamExt as _};

/// Written for `futures`: three producers, whose output is added up.
async fn download(spawn: &impl Spawn) -> Result<u64, SpawnError> {
    let (sender, receiver) = mpsc::channel(1);
    for part in 1..=3_u64 {
        let mut sender = sender.clone();
        spawn.spawn(async move {
            for chunk in 0..10 {
                // It fails once nobody wants any more.
                if sender.send(part * chunk).await.is_err() {
                    return;
                }
            }
        })?;
    }
    drop(sender);
    let total = spawn.spawn_with_handle(receiver.fold(0, async |total, chunk| total + chunk))?;
    Ok(total.await)
}

/// Written for this crate: a task that fails, and one that does not.
async fn count(spawner: &dyn Spawner) -> Result<usize, JoinError> {
    let failure = spawner.spawn_named("parser", async {
        let number: Result<u32, _> = "seven".parse();
        number.map_err(|error| error.to_string())
    });
    let words = spawner.spawn_with_handle(async { "one two three".split(' ').count() });
    Ok(words.await? + usize::from(failure.await?.is_err()))
}

fn show(name: &str, spawner: &dyn Spawner) -> Result<(), Box<dyn Error>> {
    let total = block_on(download(&FuturesSpawn::new(spawner)))?;
    let words = block_on(count(spawner))?;
    // Not `println`, which panics when nobody reads it any more.
    let _ = writeln!(io::stdout(), "{name:<16}{total:>6}{words:>6}");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "tokio")]
    {
        let tokio = tokio::runtime::Builder::new_multi_thread().build()?;
        show("tokio", &async_runtime_compat::tokio::TokioSpawner::new(tokio.handle().clone()))?;
    }
    #[cfg(feature = "smol")]
    show("smol", &async_runtime_compat::smol::SmolSpawner)?;
    #[cfg(feature = "async-std")]
    show("async-std", &async_runtime_compat::async_std::AsyncStdSpawner)?;
    #[cfg(feature = "async-executor")]
    {
        use async_runtime_compat::async_executor::ExecutorSpawner;
        use std::sync::Arc;

        let executor = Arc::new(async_executor::Executor::new());
        let spawner = ExecutorSpawner::new(executor.clone());
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let driver = std::thread::spawn(move || block_on(executor.run(stopped.recv())));
        show("async-executor", &spawner)?;
        drop(stop);
        // An error, because the sender is dropped, is what ends it.
        let _ = driver.join();
    }

    // Here the one bridge stands on the other.
    show("ThreadPool", &FuturesSpawner::new(ThreadPool::new()?))
}
