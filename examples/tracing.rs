//! A server's log, in which each line says which request it belongs to, whatever task wrote it.
//!
//! The server takes an `Arc<dyn Runtime>` and knows nothing of spans being carried along: it opens
//! one for each request, and spawns. `main` decorates the runtime, once. The same requests are
//! served on tokio, on smol, and on smol without the decorator, to see what is lost.
//!
//! ```sh
//! cargo run --example tracing --features tracing,tokio,smol
//! ```

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::decorate::Named;
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::tracing::Traced;
use tracing::{Instrument, info, info_span, warn};

struct Server {
    runtime: Arc<dyn Runtime>,
}

impl Server {
    /// Asks two others at once, and compresses what they say.
    async fn answer(&self, path: &'static str) {
        info!("accepted");
        let user = self.runtime.spawn_named("user", ask(self.runtime.clone(), 1, "user 7"));
        let page = self.runtime.spawn_named("page", ask(self.runtime.clone(), 3, path));
        let mut answer = Vec::new();
        for part in [user, page] {
            match part.await {
                Ok(part) => answer.push(part),
                Err(error) => warn!("gave up: {error}"),
            }
        }
        let bytes = self.runtime.spawn_blocking_named("compress", move || {
            let bytes = answer.concat().len() / 2;
            info!(bytes, "compressed");
            bytes
        });
        info!(bytes = bytes.await.unwrap_or_default(), "sent");
    }
}

/// Takes so many tenths of a second.
async fn ask(timer: Arc<dyn Runtime>, tenths: u64, what: &'static str) -> &'static str {
    info!("asking for {what}");
    timer.sleep(Duration::from_millis(tenths * 100)).await;
    assert!(what != "/teapot", "418 I'm a teapot");
    info!("got {what}");
    what
}

async fn serve(runtime: Arc<dyn Runtime>) {
    let server = Server { runtime };
    for (id, path) in [(1, "/index"), (2, "/teapot")] {
        server.answer(path).instrument(info_span!("request", id)).await;
    }
}

/// What is around a `Traced` names what it records.
fn traced(runtime: impl Runtime + 'static) -> Arc<dyn Runtime> {
    Arc::new(Named::with_prefix(Traced::new(runtime), "api."))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().without_time().with_target(false).init();
    // The panic of the teapot is reported by its join.
    std::panic::set_hook(Box::new(|_| {}));

    println!("tokio:");
    let tokio = TokioSpawner::current()?;
    serve(traced(tokio)).await;

    println!("\nsmol:");
    serve(traced(SmolSpawner)).await;

    println!("\nsmol, without the decorator:");
    serve(Arc::new(SmolSpawner)).await;
    Ok(())
}
