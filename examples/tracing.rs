//! Spans that follow a request into the tasks it spawns: each line of the log names its request.
//!
//! The server opens a span for each request and spawns on its `Arc<dyn Runtime>`, without passing
//! spans along. `main` decorates the runtime with `Traced`, once. The same requests are served on
//! each backend, and once without the decorator: there, the lines of the tasks lack their request.
//!
//! ```sh
//! cargo run -p async-runtime-compat-examples --features tracing --example tracing
//! ```

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::decorate::Named;
use async_runtime_compat::prelude::*;
use async_runtime_compat::tracing::Traced;
use async_runtime_compat_examples::backend::{BACKENDS, Backend};
use async_runtime_compat_examples::cli;
use futures_lite::future;
use tracing::{Instrument, info, info_span, warn};

struct Server {
    runtime: Arc<dyn Runtime>,
}

impl Server {
    /// Queries two upstreams concurrently, and compresses their answers.
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

/// Answers after a delay.
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

/// Decorates a runtime. `Named` is outside of `Traced`, so that the spans get the prefixed names.
fn traced(runtime: impl Runtime + 'static) -> Arc<dyn Runtime> {
    Arc::new(Named::with_prefix(Traced::new(runtime), "api."))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().without_time().with_target(false).init();
    // The server logs the panic of `/teapot` when it joins the task.
    cli::silence_panics("418");

    for backend in BACKENDS {
        let running = backend.start()?;
        cli::say(format_args!("{}:", backend.name));
        future::block_on(serve(traced(running.runtime())));
        cli::say("");
    }
    let backend = Backend::find("smol")?;
    cli::say(format_args!("{}, without the decorator:", backend.name));
    let running = backend.start()?;
    future::block_on(serve(running.runtime()));
    Ok(())
}
