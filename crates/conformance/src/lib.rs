#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod case;
mod cases;
mod clause;
mod kit;
mod load;
mod recorder;
mod report;
mod subject;
mod suite;

pub use case::{Case, CaseResult};
pub use cases::cases;
pub use clause::Clause;
pub use load::Load;
pub use report::Report;
pub use subject::Subject;
pub use suite::Suite;

#[doc(hidden)]
pub use case::run_as_test;
