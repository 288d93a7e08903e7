//! Clients that misbehave. Each of them may only harm its own connection.

use std::error::Error;
use std::time::Duration;

use async_io::Timer;
use async_net::TcpStream;
use async_runtime_compat_examples::websocket::{Client, TOO_LARGE, client};
use async_tungstenite::tungstenite::Message;
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _};
use futures_util::future::join_all;

/// The number of hostile clients.
pub(crate) const CLIENTS: u64 = 5;

/// The number of hostile clients that make a handler panic.
pub(crate) const PANICS: u64 = 1;

/// The time for the server to get rid of them.
const PATIENCE: Duration = Duration::from_secs(30);

type Verdict = Result<(), Box<dyn Error>>;

/// Runs all hostile clients, and waits until the server has ended their connections, except for
/// one: the returned connection hangs in the handshake until the server stops.
///
/// # Errors
///
/// If the server did not react to one of them as it should.
pub(crate) async fn run(client: &Client) -> Result<TcpStream, Box<dyn Error>> {
    let hanging = client.connect_tcp().await?;
    let others = [
        garbage(client).boxed_local(),
        vanishing(client).boxed_local(),
        oversized(client).boxed_local(),
        panicking(client).boxed_local(),
    ];
    let verdicts = async { join_all(others).await.into_iter().collect::<Verdict>() };
    let stuck = async {
        Timer::after(PATIENCE).await;
        Err("the server did not end the connections of its hostile clients".into())
    };
    verdicts.or(stuck).await?;
    Ok(hanging)
}

/// Speaks another protocol.
async fn garbage(client: &Client) -> Verdict {
    let mut tcp = client.connect_tcp().await?;
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    ended(tcp).await;
    Ok(())
}

/// Announces a message, sends a part of it, and disconnects.
async fn vanishing(client: &Client) -> Verdict {
    let mut socket = client.connect().await?;
    let stream = socket.get_mut();
    stream.write_all(client::HALF_A_MESSAGE).await?;
    stream.flush().await?;
    Ok(())
}

/// Sends too large a message.
async fn oversized(client: &Client) -> Verdict {
    let mut socket = client.connect().await?;
    socket.send(Message::text("x".repeat(1024 * 1024))).await?;
    match client::closed(&mut socket).await {
        Some(TOO_LARGE) => Ok(()),
        code => {
            Err(format!("an oversized message: expected close code {TOO_LARGE}, got {code:?}")
                .into())
        }
    }
}

/// Makes the handler of its request panic.
async fn panicking(client: &Client) -> Verdict {
    let mut socket = client.connect().await?;
    match client::ask(&mut socket, r#"{"op": "panic"}"#).await {
        Err(_) => Ok(()),
        Ok(reply) => Err(format!("a handler that panics: expected no reply, got {reply}").into()),
    }
}

/// Waits until a connection ends, gracefully or not.
pub(crate) async fn ended(mut tcp: TcpStream) {
    let _ = tcp.read_to_end(&mut Vec::new()).await;
}
