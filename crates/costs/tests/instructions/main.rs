//! How many instructions more a task takes through this crate than natively.
//!
//! The answer depends on the backends that are compiled in, so the test is run for each alone and
//! for all of them:
//!
//! ```text
//! cargo test --release -p async-runtime-compat-costs --features tokio --test instructions -- --nocapture
//! ```
//!
//! There is no such test in a build without optimisations, and it needs valgrind.
#![cfg(not(debug_assertions))]

mod bounds;

use std::io;
use std::path::Path;

use async_runtime_compat_costs::case::NATIVE;
use async_runtime_compat_costs::instructions::{self, Counted};

#[test]
fn tasks_take_few_instructions_more_than_native_ones() {
    assert!(instructions::available(), "there is no valgrind to count instructions with");
    let cases = instructions::all();
    assert!(!cases.is_empty(), "no backend is compiled in");
    let over = instructions::for_each(cases, |case| {
        check(&case)
            .unwrap_or_else(|error| vec![format!("{}, {}: {error}", case.backend, case.work)])
    });
    let over = over.concat();
    assert!(over.is_empty(), "per task:\n{}", over.join("\n"));
}

/// Counts the native way and ours, and gives a line for each of ours that is over its bound.
fn check(case: &Counted) -> io::Result<Vec<String>> {
    let program = Path::new(env!("CARGO_BIN_EXE_async-runtime-compat-costs"));
    let Counted { backend, work, .. } = case;
    let native = instructions::per_task(program, case, NATIVE)?.total();
    let mut over = Vec::new();
    for way in &case.ways {
        let count = instructions::per_task(program, case, way)?.total();
        let ratio = count / native;
        let bound = bounds::of(backend, work, way);
        let at_most = bound.map_or("no bound".to_owned(), |bound| format!("at most {bound:.3}"));
        let line =
            format!("{backend}, {work}, {way}: {count:.1} / {native:.1} = {ratio:.4}, {at_most}");
        println!("{line}");
        if bound.is_none_or(|bound| ratio > bound) {
            over.push(line);
        }
    }
    Ok(over)
}
