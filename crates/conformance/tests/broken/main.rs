//! The suite can fail: spawners, pools and timers that violate the contract, and the cases that
//! catch them.

mod pools;
mod spawners;
mod timers;
