//! Sharding state that many threads write.

#[cfg(model)]
pub(crate) use crate::sync::models::{shards, this_thread};

#[cfg(not(model))]
pub(crate) use self::threads::{shards, this_thread};

#[cfg(not(model))]
mod threads;
