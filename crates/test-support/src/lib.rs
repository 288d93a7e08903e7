//! What the tests of several packages share: each backend started for a test, as an
//! `Arc<dyn Runtime>` and as a subject of the conformance suite, and a user's own spawner and timer.

#![forbid(unsafe_code)]

pub mod explore;
pub mod gates;
pub mod pools;
pub mod runtimes;
pub mod subjects;
pub mod thread_timer;
pub mod threads;
