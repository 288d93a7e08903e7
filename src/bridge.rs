//! Adapters to the traits of other crates, each behind a feature named after its crate.

#[cfg(feature = "backon")]
pub mod backon;
#[cfg(doc)]
pub mod consumers;
#[cfg(feature = "futures")]
pub mod futures;
#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "tracing")]
pub mod tracing;
