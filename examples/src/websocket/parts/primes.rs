//! A task that computes, on blocking threads.

use async_runtime_compat::JoinError;
use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Repeat, Task, TaskContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The number of candidates between two events.
const STEP: u32 = 10_000;

/// Counts the primes below a limit, once for each limit.
pub struct Primes;

#[derive(Deserialize, JsonSchema)]
pub struct Below {
    below: u32,
}

/// The number of primes found so far, and the limit up to which they were counted.
#[derive(Serialize, JsonSchema)]
pub struct Found {
    below: u32,
    primes: u32,
}

impl Task for Primes {
    type Action = Below;
    type Event = Found;
    type Output = u32;
    type Error = JoinError;

    fn repeat(&self, action: &Below) -> Repeat {
        Repeat::once_per(action.below)
    }

    async fn run(&self, action: Below, cx: TaskContext<Found>) -> Result<u32, JoinError> {
        let Below { below: limit } = action;
        let (mut below, mut primes) = (0, 0);
        while below < limit && !cx.cancel_token().is_cancelled() {
            let numbers = below..below.saturating_add(STEP).min(limit);
            below = numbers.end;
            let count = move || numbers.map(|number| u32::from(is_prime(number))).sum::<u32>();
            primes += cx.runtime().spawn_blocking(count).await?;
            cx.emit(Found { below, primes }).await;
        }
        Ok(primes)
    }

    fn description(&self) -> &'static str {
        "Counts the primes below a limit."
    }
}

fn is_prime(number: u32) -> bool {
    let small = |divisor: &u32| u64::from(*divisor).pow(2) <= number.into();
    number > 1 && (2..number).take_while(small).all(|divisor| number % divisor != 0)
}
