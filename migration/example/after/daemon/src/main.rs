//! `daemon PROGRAM ARGUMENTS…` runs a program, and tells WebSocket clients what it prints.

use std::env;
use std::error::Error;
use std::sync::Arc;

use async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::prelude::*;
use daemon::Daemon;
use events::Hub;
use monitor::Monitor;
use smol::channel;
use smol::process::Command;

#[expect(clippy::disallowed_methods, reason = "where the runtime is chosen")]
fn main() -> Result<(), Box<dyn Error>> {
    // The one place that chooses. What is left on the executor at the end is dropped with it.
    let executor = Arc::new(Executor::new());
    let spawner: Arc<dyn Spawner> = Arc::new(ExecutorSpawner::new(executor.clone()));
    smol::block_on(executor.run(async {
        let mut arguments = env::args_os().skip(1);
        let mut command = Command::new(arguments.next().ok_or("which program?")?);
        command.args(arguments);

        let hub = Hub::default();
        let daemon = Daemon::start(spawner.clone(), "127.0.0.1:0", hub.clone()).await?;
        println!("ws://{}", daemon.address());

        let events = hub.listen();
        let (lines, source) = channel::unbounded();
        hub.forward(&spawner, source);
        let _monitor = Monitor::start(&spawner, command, lines)?;
        while let Ok(event) = events.recv().await {
            println!("{event}");
            if event.starts_with("ended: ") || event.starts_with("lost: ") {
                break;
            }
        }
        daemon.close().await;
        Ok(())
    }))
}
