//! Bridges to crates that bring an idea of a runtime, a timer or a task of their own.

#[cfg(feature = "backon")]
pub mod backon;
#[cfg(feature = "tracing")]
pub mod tracing;
