//! The porting guide, so that its code is tested.
//!
//! It is written for several runtimes and read outside of rustdoc, where a hidden line would show.
//! So it is gated as a whole, and not in each of its examples.
#![cfg(all(
    feature = "async-executor",
    feature = "json",
    feature = "macros",
    feature = "smol",
    feature = "tokio"
))]

#[doc = include_str!("../MIGRATION.md")]
struct Guide;

#[doc = include_str!("../docs/porting-crates.md")]
struct CratesAndTests;
