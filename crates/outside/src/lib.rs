//! What others build on `async-runtime-compat`, with nothing but its public API: an adapter for a
//! further executor, [`global_executor`], and, in the tests, each piece of the open seam.

#![forbid(unsafe_code)]

mod contain;
pub mod global_executor;
