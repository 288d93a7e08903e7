//! What several examples share: the backends by name, a WebSocket server with its client, an HTTP
//! server with its clients, and the command line.

pub mod backend;
pub mod cli;
#[cfg(feature = "hyper")]
pub mod http;
#[cfg(feature = "soak")]
pub mod soak;
#[cfg(feature = "websocket")]
pub mod websocket;
