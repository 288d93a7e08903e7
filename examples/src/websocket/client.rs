//! A WebSocket client that trusts the throw-away certificate of one server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_net::TcpStream;
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Error as WsError, Message};
use futures_lite::StreamExt as _;
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::pki_types::pem::PemObject as _;
use futures_rustls::pki_types::{CertificateDer, ServerName};
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// An open connection, after both handshakes.
pub type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Connects to one server.
pub struct Client {
    address: SocketAddr,
    tls: TlsConnector,
}

impl Client {
    /// A client of the server at `address`, which trusts the given authority.
    pub fn new(address: SocketAddr, authority: &str) -> io::Result<Client> {
        let authority =
            CertificateDer::from_pem_slice(authority.as_bytes()).map_err(io::Error::other)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Client { address, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Opens a TCP connection, without any handshake.
    pub async fn connect_tcp(&self) -> io::Result<TcpStream> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }

    /// Connects, and performs the TLS and WebSocket handshakes.
    pub async fn connect(&self) -> Result<Socket, WsError> {
        let name = ServerName::from(self.address.ip());
        let stream = self.tls.connect(name, self.connect_tcp().await?).await?;
        let url = format!("wss://{}/", self.address);
        let (socket, _response) = async_tungstenite::client_async(url, stream).await?;
        Ok(socket)
    }
}

/// Sends a request and waits for the reply.
pub async fn ask(socket: &mut Socket, request: &str) -> Result<Value, WsError> {
    socket.send(Message::text(request)).await?;
    reply(socket).await
}

/// Waits for the next reply.
pub async fn reply(socket: &mut Socket) -> Result<Value, WsError> {
    loop {
        match socket.next().await.ok_or(WsError::ConnectionClosed)?? {
            Message::Text(text) => {
                return serde_json::from_str(&text).map_err(|error| io::Error::from(error).into());
            }
            Message::Close(_) => return Err(WsError::ConnectionClosed),
            _ => {}
        }
    }
}

/// Waits until the server closes the connection, and returns the code of its close frame.
///
/// Returns `None` if the connection ends without a close frame.
pub async fn closed(socket: &mut Socket) -> Option<u16> {
    let mut code = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            code = Some(frame.code.into());
        }
    }
    code
}

/// The header of a WebSocket text message of 100 bytes, and the first 7 of these.
pub const HALF_A_MESSAGE: &[u8] = b"\x81\xe4\x00\x00\x00\x00{\"op\": ";
