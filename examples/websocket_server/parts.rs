//! What clients of this program can call.

#[path = "parts/chat.rs"]
mod chat;
#[path = "parts/primes.rs"]
mod primes;
#[path = "parts/ticker.rs"]
mod ticker;

pub(crate) use chat::Chat;
pub(crate) use primes::Primes;
pub(crate) use ticker::Ticker;
