//! The traits of other crates, each behind a feature that is named after its crate.

#[cfg(doc)]
pub mod consumers;
#[cfg(feature = "futures")]
pub mod futures;
#[cfg(feature = "hyper")]
pub mod hyper;
