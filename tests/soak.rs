//! A short run of the example `soak` on each backend that is compiled in.
//!
//! It is a program of its own because it looks at the memory of the whole.

#![cfg(any(
    feature = "tokio",
    feature = "smol",
    feature = "async-std",
    feature = "async-executor"
))]

#[path = "../examples/websocket_server/app.rs"]
mod app;
#[path = "../examples/websocket_server/backend.rs"]
mod backend;
#[allow(dead_code, reason = "some of it is for other clients")]
#[path = "../examples/tour/client.rs"]
mod client;
#[path = "../examples/soak/run.rs"]
mod run;
#[path = "../examples/websocket_server/server.rs"]
mod server;
#[path = "../examples/websocket_server/service.rs"]
mod service;

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use backend::Backend;
use run::Plan;

/// One after the other: each looks at the memory that is in use.
static TURN: Mutex<()> = Mutex::new(());

fn soak(name: &str) {
    static HOOK: Once = Once::new();
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    HOOK.call_once(run::silence_panics_on_request);
    let plan = Plan { time: Duration::from_secs(3), connections: 24, seed: 7 };
    let outcome = run::soak(Backend::find(name).unwrap(), plan).unwrap();
    assert!(outcome.is_clean(), "\n{outcome}");
    println!("{outcome}");
}

macro_rules! soaks {
    ($($feature:literal $test:ident: $backend:literal;)*) => {$(
        #[cfg(feature = $feature)]
        #[test]
        fn $test() {
            soak($backend);
        }
    )*};
}

soaks! {
    "tokio" tokio: "tokio";
    "tokio" tokio_current_thread: "tokio-current-thread";
    "smol" smol: "smol";
    "async-std" async_std: "async-std";
    "async-executor" async_executor: "async-executor";
}
