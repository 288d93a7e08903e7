//! Spawning natively, through the typed methods, through the object-safe method, and through a
//! caller's own spawner, on every backend; and sleeping, time limits and what blocks.
//!
//! ```text
//! cargo bench --all-features --bench costs
//! cargo bench --all-features --bench costs -- smol
//! ```
//!
//! Times of different runs are not to be compared on a machine that does anything else:
//! `BENCHMARKS.md` quotes ratios of rounds that followed each other, from the same work.

#![expect(missing_debug_implementations, reason = "nothing of this is printed")]

pub mod backend;
pub mod case;
pub mod padded;
pub mod settle;
pub mod wait;
pub mod way;
pub mod work;

use std::process::ExitCode;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};

fn main() -> ExitCode {
    if let Some(code) = settle::restart() {
        return code;
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .configure_from_args();
    for (backend, cases) in case::BACKENDS {
        for case in cases(backend) {
            let mut group = criterion.benchmark_group(case.work);
            group.throughput(Throughput::Elements(case.tasks));
            group.bench_function(BenchmarkId::new(case.backend, "native"), |bencher| {
                bencher.iter_custom(&case.native);
            });
            for (way, run) in &case.shims {
                group.bench_function(BenchmarkId::new(case.backend, way), |bencher| {
                    bencher.iter_custom(run);
                });
            }
        }
    }
    criterion.final_summary();
    ExitCode::SUCCESS
}
