//! An HTTP server with hyper, its clients, and the sockets for each backend.

pub mod client;
pub mod load;
pub mod net;
mod server;

pub use client::{Client, Protocol};
pub use net::Host;
pub use server::Server;
