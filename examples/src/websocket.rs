//! A WebSocket server and its client, neither of which names a runtime.
//!
//! [`Server`] takes an `Arc<dyn Spawner>`. With the feature `services`, [`WebSocket`] makes a
//! service of it, and [`App`] holds the services and tasks that its clients can call.

#[cfg(feature = "services")]
mod app;
pub mod client;
#[cfg(feature = "services")]
pub mod parts;
mod server;
#[cfg(feature = "services")]
mod service;

#[cfg(feature = "services")]
pub use app::App;
pub use client::{Client, Socket};
pub use server::{Call, Clock, Config, End, Event, Registry, Report, RequestError, Server};
#[cfg(feature = "services")]
pub use service::{Endpoint, WebSocket};

/// The code of a close frame whose sender is going away.
pub const GOING_AWAY: u16 = 1001;

/// The code of a close frame whose sender was sent too large a message.
pub const TOO_LARGE: u16 = 1009;
