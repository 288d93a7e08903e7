//! Processes that are watched.

use std::sync::Arc;

use async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use monitor::Monitor;
use smol::channel;
use smol::process::Command;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn lines_are_sent_and_then_the_end() {
    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    smol::block_on(executor.run(async {
        let (sender, lines) = channel::unbounded();
        let _monitor =
            Monitor::start(&spawner, shell("echo one; echo two; exit 3"), sender).unwrap();
        assert_eq!(lines.recv().await.unwrap(), "one");
        assert_eq!(lines.recv().await.unwrap(), "two");
        assert_eq!(lines.recv().await.unwrap(), "ended: exit status: 3");
        assert!(lines.recv().await.is_err());
    }));
}

#[test]
fn a_monitor_that_is_dropped_watches_no_longer() {
    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    smol::block_on(executor.run(async {
        let (sender, lines) = channel::unbounded();
        let monitor = Monitor::start(&spawner, shell("echo up; exec sleep 1000"), sender).unwrap();
        assert_eq!(lines.recv().await.unwrap(), "up");
        drop(monitor);
        // The task held the sender.
        assert!(lines.recv().await.is_err());
    }));
}
