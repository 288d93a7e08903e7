//! The bridge to `futures::task::Spawn`, in both directions.
//!
//! `download` was written for `futures` and takes an `impl Spawn`. `count` was written for
//! async-runtime-compat and takes a `Spawner`. Both run on each backend and on the `ThreadPool` of
//! `futures`.
//!
//! ```sh
//! cargo run -p async-runtime-compat-examples --features futures --example futures
//! ```

use std::error::Error;

use async_runtime_compat::futures::{FuturesSpawn, FuturesSpawner};
use async_runtime_compat::prelude::*;
use async_runtime_compat_examples::backend::BACKENDS;
use async_runtime_compat_examples::cli;
use futures::channel::mpsc;
use futures::executor::{ThreadPool, block_on};
use futures::task::{Spawn, SpawnError, SpawnExt};
use futures::{SinkExt as _, StreamExt as _};

/// Written for `futures`: three producers and a consumer that adds up their output.
async fn download(spawn: &impl Spawn) -> Result<u64, SpawnError> {
    let (sender, receiver) = mpsc::channel(1);
    for part in 1..=3_u64 {
        let mut sender = sender.clone();
        spawn.spawn(async move {
            for chunk in 0..10 {
                // Fails if the consumer is gone.
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

/// Written for async-runtime-compat: a task that returns an error, and one that does not.
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
    cli::say(format_args!("{name:<22}{total:>9}{words:>7}"));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    cli::say(format_args!("{:<22}{:>9}{:>7}", "spawner", "download", "count"));
    for backend in BACKENDS {
        let running = backend.start()?;
        show(backend.name, &*running.spawner())?;
    }
    // Here, `download` goes through both bridges.
    show("ThreadPool of futures", &FuturesSpawner::new(ThreadPool::new()?))
}
