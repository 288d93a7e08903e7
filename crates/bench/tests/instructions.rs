//! How many instructions spawning and joining takes.
//!
//! There is no such test in a build without optimisations, and it needs valgrind:
//! `cargo test --release -p async-runtime-compat-bench --no-default-features --test instructions`.
#![cfg(not(debug_assertions))]

use std::path::Path;

use async_runtime_compat_bench::case::{BACKENDS, TYPED};
use async_runtime_compat_bench::instructions;

/// How much more a typed spawn may take than a native one, by backend, so that it gets no worse.
///
/// Today it is at most 1.07 on tokio, and 1.18 on async-executor.
const BOUNDS: [(&str, f64); 2] =
    [("tokio, current thread", 1.08), ("async-executor, current thread", 1.20)];

/// The work that nearly every task is spawned for.
const WORKS: [&str; 3] = ["spawn and join", "spawn detached", "spawn and join, 16 B each"];

#[test]
fn typed_spawns_take_few_instructions_more_than_native_ones() {
    assert!(instructions::available(), "there is no valgrind to count instructions with");
    let program = Path::new(env!("CARGO_BIN_EXE_instructions"));
    let mut over = Vec::new();
    for (backend, bound) in BOUNDS {
        let cases = BACKENDS.into_iter().find(|(name, _)| *name == backend);
        let (_, cases) = cases.expect("these backends are measured");
        for case in cases(backend).iter().filter(|case| WORKS.contains(&case.work)) {
            let count = |way| {
                instructions::per_task(program, case, way)
                    .unwrap_or_else(|error| panic!("{backend}, {}, {way}: {error}", case.work))
            };
            let (native, typed) = (count("native").total(), count(TYPED).total());
            let ratio = typed / native;
            let line = format!(
                "{backend}, {}: {typed:.1} / {native:.1} = {ratio:.4}, at most {bound}",
                case.work
            );
            println!("{line}");
            if ratio > bound {
                over.push(line);
            }
        }
    }
    assert!(over.is_empty(), "per task:\n{}", over.join("\n"));
}
