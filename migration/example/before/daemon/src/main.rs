//! `daemon PROGRAM ARGUMENTS…` runs a program, and tells WebSocket clients what it prints.

use std::env;
use std::error::Error;

use daemon::Daemon;
use events::Hub;
use monitor::Monitor;
use smol::channel;
use smol::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let mut arguments = env::args_os().skip(1);
        let mut command = Command::new(arguments.next().ok_or("which program?")?);
        command.args(arguments);

        let hub = Hub::default();
        let daemon = Daemon::start("127.0.0.1:0", hub.clone()).await?;
        println!("ws://{}", daemon.address());

        let events = hub.listen();
        let (lines, source) = channel::unbounded();
        hub.forward(source);
        let _monitor = Monitor::start(command, lines)?;
        while let Ok(event) = events.recv().await {
            println!("{event}");
            if event.starts_with("ended: ") || event.starts_with("lost: ") {
                break;
            }
        }
        daemon.close().await;
        Ok(())
    })
}
