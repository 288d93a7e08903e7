//! Processes that are watched.

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
    smol::block_on(async {
        let (sender, lines) = channel::unbounded();
        let _monitor = Monitor::start(shell("echo one; echo two; exit 3"), sender).unwrap();
        assert_eq!(lines.recv().await.unwrap(), "one");
        assert_eq!(lines.recv().await.unwrap(), "two");
        assert_eq!(lines.recv().await.unwrap(), "ended: exit status: 3");
        assert!(lines.recv().await.is_err());
    });
}

#[test]
fn a_monitor_that_is_dropped_watches_no_longer() {
    smol::block_on(async {
        let (sender, lines) = channel::unbounded();
        let monitor = Monitor::start(shell("echo up; exec sleep 1000"), sender).unwrap();
        assert_eq!(lines.recv().await.unwrap(), "up");
        drop(monitor);
        // The task held the sender.
        assert!(lines.recv().await.is_err());
    });
}
