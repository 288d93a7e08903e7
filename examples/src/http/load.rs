//! Clients that put load on a server: hyper's, and well-known programs where these are installed.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use hyper::StatusCode;

use super::client::{Client, Protocol};
use super::net::Host;

/// The number of concurrent connections, for the clients that support it.
const CONNECTIONS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// hyper's client, on the same backend.
    Hyper,
    Curl,
    H2load,
    Wrk,
}

impl fmt::Display for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a load ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub requests: usize,
    /// Requests without a response, or with another than the expected one.
    pub errors: usize,
}

impl Loader {
    pub const ALL: [Loader; 4] = [Loader::Hyper, Loader::Curl, Loader::H2load, Loader::Wrk];

    fn name(self) -> &'static str {
        match self {
            Loader::Hyper => "hyper",
            Loader::Curl => "curl",
            Loader::H2load => "h2load",
            Loader::Wrk => "wrk",
        }
    }

    /// Whether the client supports the protocol.
    pub fn speaks(self, protocol: Protocol) -> bool {
        self != Loader::Wrk || protocol == Protocol::Http1
    }

    pub fn is_installed(self) -> bool {
        if self == Loader::Hyper {
            return true;
        }
        let quiet = |command: &mut Command| {
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        };
        quiet(Command::new(self.name()).arg("--version"))
    }

    /// Sends this number of requests; `wrk` sends as many as it can in two seconds.
    pub fn run(
        self,
        host: &Host,
        address: SocketAddr,
        protocol: Protocol,
        requests: usize,
    ) -> Result<Outcome, Box<dyn Error>> {
        match self {
            Loader::Hyper => async_io::block_on(ours(host, address, protocol, requests)),
            Loader::Curl => curl(address, protocol, requests),
            Loader::H2load => h2load(address, protocol, requests),
            Loader::Wrk => wrk(address),
        }
    }
}

async fn ours(
    host: &Host,
    address: SocketAddr,
    protocol: Protocol,
    requests: usize,
) -> Result<Outcome, Box<dyn Error>> {
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|index| {
            let share = requests / CONNECTIONS + usize::from(index < requests % CONNECTIONS);
            let (runtime, net) = (host.runtime.clone(), host.net.clone());
            host.runtime.spawn_with_handle(async move {
                let io = net.connect(address).await?;
                let client = Client::new(&runtime, io, protocol).await.map_err(io::Error::other)?;
                Ok::<_, io::Error>(repeat(client, &runtime, share).await)
            })
        })
        .collect();
    let mut outcome = Outcome { requests, errors: 0 };
    for connection in connections {
        outcome.errors += connection.await??;
    }
    Ok(outcome)
}

/// Returns the number of requests that failed.
async fn repeat(mut client: Client, runtime: &Arc<dyn Runtime>, requests: usize) -> usize {
    let mut errors = 0;
    for _ in 0..requests {
        let reply = runtime.timeout(std::time::Duration::from_secs(10), client.get("/")).await;
        let is_well = matches!(reply, Ok(Ok((StatusCode::OK, body))) if body.starts_with(b"Hello"));
        errors += usize::from(!is_well);
    }
    errors
}

fn output(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.stderr(Stdio::null()).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

/// With HTTP/1, one process sends all requests over one connection.
///
/// With HTTP/2, each request has its own process: curl 7.88 fails with "Error in the HTTP2 framing
/// layer" when it reuses a connection that was opened with prior knowledge, whatever the server.
pub fn curl(
    address: SocketAddr,
    protocol: Protocol,
    requests: usize,
) -> Result<Outcome, Box<dyn Error>> {
    let good = match protocol {
        Protocol::Http1 => {
            let url = format!("http://{address}/?[1-{requests}]");
            count_good(&output(Command::new("curl").args(CURL).args(["--http1.1", &url]))?, "1.1")
        }
        Protocol::Http2 => {
            let url = format!("http://{address}/");
            let mut command = Command::new("curl");
            command.args(CURL).args(["--http2-prior-knowledge", &url]).stdout(Stdio::piped());
            let mut good = 0;
            for done in (0..requests).step_by(CONNECTIONS) {
                let children: Vec<_> = (done..requests.min(done + CONNECTIONS))
                    .map(|_| command.spawn())
                    .collect::<Result<_, _>>()?;
                for child in children {
                    let output = child.wait_with_output()?;
                    good += count_good(&String::from_utf8(output.stdout)?, "2");
                }
            }
            good
        }
    };
    Ok(Outcome { requests, errors: requests - good.min(requests) })
}

const CURL: [&str; 9] = [
    "--silent",
    "--noproxy",
    "*",
    "--max-time",
    "60",
    "--output",
    "/dev/null",
    "--write-out",
    "%{http_code} %{http_version}\n",
];

/// Counts the lines of curl's output that report success over the given HTTP version.
fn count_good(text: &str, version: &str) -> usize {
    text.lines().filter(|line| line.split_once(' ') == Some(("200", version))).count()
}

fn h2load(
    address: SocketAddr,
    protocol: Protocol,
    requests: usize,
) -> Result<Outcome, Box<dyn Error>> {
    let connections = CONNECTIONS.min(requests).to_string();
    let mut command = Command::new("h2load");
    command.args(["--connection-inactivity-timeout", "30", "--clients", &connections]);
    command.args(["--requests", &requests.to_string()]);
    match protocol {
        Protocol::Http1 => command.arg("--h1"),
        Protocol::Http2 => command.args(["--max-concurrent-streams", "10"]),
    };
    let text = output(command.arg(format!("http://{address}/")))?;
    let succeeded =
        number_before(&text, " succeeded").ok_or("h2load printed no number of requests")?;
    let good = number_before(&text, " 2xx").ok_or("h2load printed no status codes")?;
    Ok(Outcome { requests, errors: requests - succeeded.min(good).min(requests) })
}

fn wrk(address: SocketAddr) -> Result<Outcome, Box<dyn Error>> {
    let connections = CONNECTIONS.to_string();
    let text = output(
        Command::new("wrk")
            .args(["--threads", "1", "--duration", "2s", "--connections", &connections])
            .arg(format!("http://{address}/")),
    )?;
    let requests =
        number_before(&text, " requests in").ok_or("wrk printed no number of requests")?;
    // wrk leaves these lines out if their numbers are zero.
    let refused =
        text.lines().find_map(|line| line.trim().strip_prefix("Non-2xx or 3xx responses:"));
    let broken = text.lines().find_map(|line| line.trim().strip_prefix("Socket errors:"));
    let count = |text: &str| -> usize {
        text.split([' ', ',']).filter_map(|word| word.parse::<usize>().ok()).sum()
    };
    let errors = refused.map_or(0, count) + broken.map_or(0, count);
    Ok(Outcome { requests, errors })
}

/// The number in front of `words`.
fn number_before(text: &str, words: &str) -> Option<usize> {
    let (before, _) = text.split_once(words)?;
    before.rsplit(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}
