//! How many instructions spawning and joining takes.
//!
//! Optimised builds only: `cargo test --release -p async-runtime-compat-bench`.

use std::path::Path;

use async_runtime_compat_bench::case::{BACKENDS, TYPED};
use async_runtime_compat_bench::instructions;

/// How much more a typed spawn may take than a native one, so that it gets no worse.
///
/// Today it is 1.03 to 1.10 on tokio, and 1.13 to 1.18 on async-executor.
const BOUND: f64 = 1.20;

/// The work that nearly every task is spawned for.
const WORKS: [&str; 3] = ["spawn and join", "spawn detached", "spawn and join, 16 B each"];

#[test]
fn typed_spawns_take_few_instructions_more_than_native_ones() {
    if cfg!(debug_assertions) {
        eprintln!("skipped: counts the instructions of an optimised build, with --release");
        return;
    }
    if !instructions::available() {
        eprintln!("skipped: there is no valgrind to count instructions with");
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_compare"));
    let mut over = Vec::new();
    for (backend, cases) in BACKENDS {
        if !instructions::SINGLE_THREADED.contains(&backend) {
            continue;
        }
        for case in cases(backend).iter().filter(|case| WORKS.contains(&case.work)) {
            let count = |way| {
                instructions::per_task(program, case, way)
                    .unwrap_or_else(|error| panic!("{backend}, {}, {way}: {error}", case.work))
            };
            let (native, typed) = (count("native"), count(TYPED));
            let ratio = typed / native;
            let line = format!("{backend}, {}: {typed:.1} / {native:.1} = {ratio:.4}", case.work);
            println!("{line}");
            if ratio > BOUND {
                over.push(line);
            }
        }
    }
    assert!(over.is_empty(), "more than {BOUND} of native, per task:\n{}", over.join("\n"));
}
