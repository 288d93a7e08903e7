//! One connection, from the handshake to the last byte.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use async_net::TcpStream;
use async_tungstenite::tungstenite::error::ProtocolError;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use async_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, WebSocketStream};
use futures_lite::{AsyncWriteExt as _, StreamExt as _, future};
use futures_rustls::TlsAcceptor;
use futures_rustls::server::TlsStream;
use futures_util::lock::Mutex;

use super::Config;
use super::calls::{OpenCalls, forward_all};
use super::protocol::{self, Answer};

/// How many messages are read ahead of the one being answered.
const PIPELINE: usize = 16;

/// The initial size of a connection's buffers.
const BUFFER: usize = 4 * 1024;

type Stream = TlsStream<TcpStream>;

/// Closed when the server is stopping. Nothing is ever sent.
pub(super) type Stopping = Receiver<Infallible>;

/// How a connection ended, unless its task panicked or was aborted.
#[derive(Debug)]
pub enum End {
    /// The TLS or WebSocket handshake failed.
    Handshake(WsError),
    /// The server stopped during the handshake.
    Stopped,
    /// The client closed the connection.
    ByClient,
    /// The server closed the connection, with this close frame.
    ByServer(CloseFrame),
    /// The client sent nothing for too long, or did not read its replies.
    Unresponsive,
    /// The connection broke.
    Lost(WsError),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Handshake(error) => write!(f, "the handshake failed: {error}"),
            End::Stopped => f.write_str("the server stopped during the handshake"),
            End::ByClient => f.write_str("closed by the client"),
            End::ByServer(frame) => write!(f, "closed by the server: {frame}"),
            End::Unresponsive => f.write_str("the client does not respond"),
            End::Lost(error) => write!(f, "lost: {error}"),
        }
    }
}

/// Serves a connection until it ends.
///
/// Messages are read while a request is being answered, so that pings are answered and a client
/// that disconnects is noticed. Replies are sent in the order of the requests; the events of open
/// calls come in between.
pub(super) async fn serve(
    tcp: TcpStream,
    tls: TlsAcceptor,
    config: Arc<Config>,
    stopping: Stopping,
) -> End {
    let socket = match future::or(stopped(&stopping), open(tcp, &tls, &config)).await {
        Ok(socket) => socket,
        Err(end) => return end,
    };
    let (sender, mut receiver) = socket.split();
    let (queue, messages) = async_channel::bounded(PIPELINE);
    let (calls, started) = OpenCalls::new();
    let replies = Replies { sender: Mutex::new(sender), config: &config };
    let reading = read(&mut receiver, queue, &stopping);
    let answering = answer(&replies, &messages, &calls, &config);
    let forwarding = forward_all(&calls, started, &replies);

    // If the server closes the connection, it first answers the requests it has read. If the client
    // does, nothing more is sent.
    let end = match future::try_zip(reading, future::try_zip(answering, forwarding)).await {
        Ok((frame, ((), ()))) => End::ByServer(frame),
        Err(end) => end,
    };
    let sender = replies.sender.into_inner();
    config.clock.timeout(config.close_timeout, close(sender, receiver, &end)).await;
    end
}

/// Sends replies, and the events and results of calls.
pub(super) struct Replies<'a> {
    sender: Mutex<WebSocketSender<Stream>>,
    config: &'a Config,
}

impl Replies<'_> {
    /// Sends a message, and waits until the connection has accepted it.
    pub(super) async fn send(&self, message: Message) -> Result<(), End> {
        let mut sender = self.sender.lock().await;
        let Config { clock, idle_timeout, .. } = self.config;
        clock
            .timeout(*idle_timeout, sender.send(message))
            .await
            .ok_or(End::Unresponsive)?
            .map_err(End::Lost)
    }
}

async fn stopped<T>(stopping: &Stopping) -> Result<T, End> {
    match stopping.recv().await {
        Ok(never) => match never {},
        Err(_closed) => Err(End::Stopped),
    }
}

/// Performs the TLS and the WebSocket handshake, under one time limit.
async fn open(
    tcp: TcpStream,
    tls: &TlsAcceptor,
    config: &Config,
) -> Result<WebSocketStream<Stream>, End> {
    let websocket = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(config.max_message_size))
        .max_frame_size(Some(config.max_message_size));
    let handshakes = async {
        // Replies are small and must not be delayed to be sent together with others.
        tcp.set_nodelay(true)?;
        let stream = tls.accept(tcp).await?;
        async_tungstenite::accept_async_with_config(stream, Some(websocket)).await
    };
    // The state of a TLS handshake is large. In a box, its memory is freed after the handshake
    // instead of after the connection.
    config
        .clock
        .timeout(config.handshake_timeout, Box::pin(handshakes))
        .await
        .unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        .map_err(End::Handshake)
}

/// Reads until the connection ends or the server has a reason to close it.
async fn read(
    receiver: &mut WebSocketReceiver<Stream>,
    queue: Sender<Message>,
    stopping: &Stopping,
) -> Result<CloseFrame, End> {
    loop {
        let next = async { Ok(receiver.next().await) };
        match future::or(stopped(stopping), next).await {
            Ok(Some(Ok(message @ (Message::Text(_) | Message::Binary(_))))) => {
                // Waits while the queue is full. Fails if answering has ended; this future is then
                // about to be dropped.
                let _ = queue.send(message).await;
            }
            // The stream itself answers pings and the client's close. They only count as a sign of
            // life, and when the queue is full, so do the messages in it.
            Ok(Some(Ok(control))) => {
                let _ = queue.try_send(control);
            }
            Ok(Some(Err(error))) => return refusal(error),
            Ok(None) => return Err(End::ByClient),
            Err(_stopped) => return Ok(close_frame(CloseCode::Away, "the server is stopping")),
        }
    }
}

/// Answers messages until reading has ended.
async fn answer(
    replies: &Replies<'_>,
    messages: &Receiver<Message>,
    calls: &OpenCalls,
    config: &Config,
) -> Result<(), End> {
    let mut pinged = false;
    loop {
        let reply = match config.clock.timeout(config.idle_timeout, messages.recv()).await {
            Some(Ok(Message::Text(text))) => protocol::answer(&text, calls, config).await,
            Some(Ok(Message::Binary(_))) => Answer::Reply(protocol::answer_binary()),
            Some(Ok(_control)) => Answer::Later,
            Some(Err(_closed)) => {
                calls.close();
                return Ok(());
            }
            None if pinged => return Err(End::Unresponsive),
            None => {
                pinged = true;
                replies.send(Message::Ping(Vec::new().into())).await?;
                continue;
            }
        };
        pinged = false;
        if let Answer::Reply(reply) = reply {
            replies.send(Message::text(reply)).await?;
        }
    }
}

/// Decides what a failed read means: a reason to close the connection, or that it is lost.
fn refusal(error: WsError) -> Result<CloseFrame, End> {
    let code = match &error {
        WsError::Capacity(_) => CloseCode::Size,
        WsError::Utf8(_) => CloseCode::Invalid,
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            return Err(End::Lost(error));
        }
        WsError::Protocol(_) => CloseCode::Protocol,
        _ => return Err(End::Lost(error)),
    };
    Ok(close_frame(code, error.to_string()))
}

fn close_frame(code: CloseCode, reason: impl Into<Utf8Bytes>) -> CloseFrame {
    CloseFrame { code, reason: reason.into() }
}

/// Closes a connection, unless it is lost, such that the client receives everything sent before.
async fn close(
    mut sender: WebSocketSender<Stream>,
    mut receiver: WebSocketReceiver<Stream>,
    end: &End,
) -> Result<(), WsError> {
    let client_is_done = match end {
        End::ByClient => true,
        End::ByServer(frame) => {
            sender.close(Some(frame.clone())).await?;
            acknowledged(&mut receiver).await
        }
        _ => return Ok(()),
    };
    let Ok(socket) = WebSocketStream::reunite(sender, receiver) else { return Ok(()) };
    let mut stream = socket.into_inner();
    stream.close().await?;
    if !client_is_done {
        // Closing a socket with unread bytes resets the connection, and the reset can overtake the
        // close frame. So read on until the client has closed its side.
        futures_lite::io::copy(&mut stream, futures_lite::io::sink()).await?;
    }
    Ok(())
}

/// Waits for the client's close frame, which is the last that it sends.
///
/// It is false if the stream cannot be read any further, as after a message that is too large.
async fn acknowledged(receiver: &mut WebSocketReceiver<Stream>) -> bool {
    while let Some(Ok(message)) = receiver.next().await {
        if message.is_close() {
            return true;
        }
    }
    false
}
