//! Services and tasks for the clients of `websocket_server` to call.

mod chat;
mod primes;
mod ticker;

pub use chat::Chat;
pub use primes::Primes;
pub use ticker::Ticker;
