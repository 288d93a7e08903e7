//! Watches a process.

use std::io;

use smol::Task;
use smol::channel::Sender;
use smol::io::{AsyncBufReadExt as _, BufReader};
use smol::process::{Command, Stdio};
use smol::stream::StreamExt as _;

/// A process that is watched. Dropping the monitor kills it.
#[derive(Debug)]
pub struct Monitor {
    // The task owns the process, and is cancelled when it is dropped.
    _task: Task<()>,
}

impl Monitor {
    /// Starts the process. Each line that it prints is sent, and at last how it ended.
    pub fn start(mut command: Command, lines: Sender<String>) -> io::Result<Monitor> {
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = process.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let task = smol::spawn(async move {
            // Dropped from the last to the first: who sees the sender go knows that the process is
            // killed.
            let (lines, mut process) = (lines, process);
            let mut output = BufReader::new(output).lines();
            while let Some(Ok(line)) = output.next().await {
                if lines.send(line).await.is_err() {
                    return;
                }
            }
            let end = match process.status().await {
                Ok(status) => format!("ended: {status}"),
                Err(error) => format!("lost: {error}"),
            };
            let _ = lines.send(end).await;
        });
        Ok(Monitor { _task: task })
    }
}
