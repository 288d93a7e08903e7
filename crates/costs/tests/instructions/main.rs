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

use std::path::Path;
use std::sync::Mutex;
use std::{io, thread};

use async_runtime_compat_costs::case::{OPAQUE, TYPED};
use async_runtime_compat_costs::instructions::{self, Counted};

/// The work that is counted on an opaque spawner, too.
const OPAQUE_WORKS: [&str; 2] = ["spawn and join", "spawn detached"];

/// How many cases are counted at a time.
const THREADS: usize = 2;

#[test]
fn tasks_take_few_instructions_more_than_native_ones() {
    assert!(instructions::available(), "there is no valgrind to count instructions with");
    let cases = instructions::all();
    assert!(!cases.is_empty(), "no backend is compiled in");
    let (queue, over) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    let next = || queue.lock().expect("nobody panics with the lock").next();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = next() {
                    let found = check(&case).unwrap_or_else(|error| {
                        vec![format!("{}, {}: {error}", case.backend, case.work)]
                    });
                    over.lock().expect("nobody panics with the lock").extend(found);
                }
            });
        }
    });
    let over = over.into_inner().expect("nobody panicked with the lock");
    assert!(over.is_empty(), "per task:\n{}", over.join("\n"));
}

/// Counts the native way and ours, and gives a line for each of ours that is over its bound.
fn check(case: &Counted) -> io::Result<Vec<String>> {
    let program = Path::new(env!("CARGO_BIN_EXE_async-runtime-compat-costs"));
    let Counted { backend, work, .. } = case;
    let native = instructions::per_task(program, case, "native")?.total();
    let mut over = Vec::new();
    for way in case.ways.iter().filter(|way| is_checked(work, way)) {
        let count = instructions::per_task(program, case, way)?.total();
        let ratio = count / native;
        let bound = bounds::of(backend, work, way);
        let line = format!(
            "{backend}, {work}, {way}: {count:.1} / {native:.1} = {ratio:.4}, at most {bound:.3}"
        );
        println!("{line}");
        if ratio > bound {
            over.push(line);
        }
    }
    Ok(over)
}

fn is_checked(work: &str, way: &str) -> bool {
    way == TYPED || way == OPAQUE && OPAQUE_WORKS.contains(&work)
}
