//! The longer pages of the documentation. There is nothing else in this module.

// As in `lib.rs`: the first definition of a label wins.
/// [contract]: contract
/// [design]: design
///
#[doc = include_str!("../ARCHITECTURE.md")]
pub mod architecture {}

#[doc = include_str!("../docs/contract.md")]
pub mod contract {}

#[doc = include_str!("../docs/design.md")]
pub mod design {}

// The code of both pages is tested in `src/migration.rs`, where its features are.
/// [manifests and tests]: porting_crates
///
#[cfg(not(doctest))]
#[doc = include_str!("../MIGRATION.md")]
pub mod migration {}

/// [guide]: migration
/// [executor]: migration#an-executor-of-your-own
/// [bridge]: migration#from-a-spawner-trait-of-your-own
///
#[cfg(not(doctest))]
#[doc = include_str!("../docs/porting-crates.md")]
pub mod porting_crates {}
