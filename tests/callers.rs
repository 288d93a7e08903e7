//! A panic that reports a misuse has the location of the call that is wrong, and not one in these crates.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, Location, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use async_runtime_compat::decorate::{Counted, Exposition};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, FnSpawner};
use async_runtime_compat_conformance::{Clause, Subject, Suite, run_as_test};
use async_runtime_compat_sim::{Check, Offset, Sim, SimRuntime, Strategy, check};
use test_support::thread_timer::ThreadTimer;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// The file and line of this thread's last panic.
    static LAST: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// Records the location of panics on watched threads, and does not print them.
fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // A search installs a hook of its own, once. It comes first, so that the two do not meet.
        check(|_| async {});
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if WATCHED.get() {
                let at = info.location().map(|it| (it.file().to_owned(), it.line()));
                LAST.set(at);
            } else {
                before(info);
            }
        }));
    });
}

/// Asserts that a call panics, with the location of this call. The two must stand on one line.
#[track_caller]
fn panics_here<T>(call: impl FnOnce() -> T) {
    let here = Location::caller();
    install();
    WATCHED.set(true);
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(call()))).is_err();
    WATCHED.set(false);
    assert!(panicked, "the call did not panic");
    let last = LAST.take();
    assert_eq!(last, Some((here.file().to_owned(), here.line())));
}

/// Runs a program in a simulation.
fn simulated(program: impl FnOnce(&SimRuntime)) {
    Sim::new(1).run(|rt| async move { program(&rt) }).unwrap();
}

#[cfg(feature = "tokio")]
mod without_a_time_driver {
    use std::sync::Arc;

    use async_runtime_compat::tokio::TokioSpawner;
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Of both flavors: they read their clocks in different ways.
    fn each(test: impl Fn(TokioSpawner)) {
        let flavors = [Builder::new_current_thread(), Builder::new_multi_thread()];
        for mut builder in flavors {
            let runtime: Runtime = builder.build().unwrap();
            test(TokioSpawner::new(runtime.handle().clone()));
        }
    }

    #[test]
    fn sleep() {
        each(|timer| panics_here(|| timer.sleep(SECOND)));
        // Through pointers, too, as long as they point to a type that is known.
        each(|timer| panics_here(|| Arc::new(&timer).sleep(SECOND)));
    }

    #[test]
    fn sleep_until() {
        each(|timer| panics_here(|| timer.sleep_until(std::time::Instant::now())));
        each(|timer| panics_here(|| (&timer as &dyn Timer).sleep_until(std::time::Instant::now())));
    }

    #[test]
    fn interval() {
        each(|timer| panics_here(|| timer.interval(SECOND)));
        each(|timer| panics_here(|| (&timer as &dyn Timer).interval(SECOND)));
    }

    #[test]
    fn interval_at() {
        each(|timer| panics_here(|| timer.interval_at(std::time::Instant::now(), SECOND)));
    }
}

#[test]
fn interval_without_a_period() {
    let timer = ThreadTimer::new();
    panics_here(|| timer.interval(Duration::ZERO));
    panics_here(|| timer.interval_at(timer.now(), Duration::ZERO));
}

#[test]
fn into_panic_of_a_task_that_did_not_panic() {
    // The task is dropped, and the error says that its runtime was shut down.
    let task = FnSpawner::new(drop).spawn_with_handle(async {});
    let error = futures_lite::future::block_on(task).unwrap_err();
    panics_here(|| error.into_panic());
}

#[test]
fn id_outside_of_tasks() {
    panics_here(|| async_runtime_compat::task::id());
}

#[test]
fn pool_without_threads() {
    panics_here(|| BlockingPool::builder().max_threads(0));
}

#[test]
fn pool_whose_threads_cannot_be_named() {
    panics_here(|| BlockingPool::builder().thread_name("nul\0"));
}

#[test]
fn exposition_with_a_prefix_that_is_no_name() {
    panics_here(|| Exposition::new("1"));
}

#[test]
fn exposition_with_a_label_that_is_no_name() {
    let counts = Counted::new(FnSpawner::new(drop)).counts();
    panics_here(|| Exposition::new("").with(&[("1", "")], counts));
}

#[test]
fn strategy_of_a_simulation() {
    panics_here(|| Sim::new(1).strategy(Strategy::Pct { depth: 0 }));
}

#[test]
fn faults_of_a_simulation() {
    panics_here(|| Sim::new(1).buggify(2.0, 0.0));
}

#[test]
fn strategies_of_a_check() {
    panics_here(|| Check::new().strategies([]));
    panics_here(|| Check::new().strategies([Strategy::Pct { depth: 0 }]));
    let two = [Strategy::Random, Strategy::Dfs { max_preemptions: 1 }];
    panics_here(|| Check::new().strategies(two));
}

#[test]
fn check_that_fails() {
    panics_here(|| Check::new().runs(1).run(|_| async { Err::<(), _>("no") }));
    panics_here(|| check(|_| async { Err::<(), _>("no") }));
}

#[test]
fn random_number_below_nothing() {
    simulated(|rt| panics_here(|| rt.rng("test").below(0)));
}

#[test]
fn chance_of_more_than_one() {
    simulated(|rt| panics_here(|| rt.rng("test").chance(2.0)));
}

#[test]
fn fault_with_a_chance_of_more_than_one() {
    simulated(|rt| panics_here(|| rt.buggify_with("test", 2.0)));
}

#[test]
fn clock_that_is_off_by_too_much() {
    simulated(|rt| panics_here(|| rt.node("a").set_skew(Offset::Ahead(Duration::MAX))));
}

#[test]
fn clock_that_runs_backwards() {
    simulated(|rt| panics_here(|| rt.node("a").set_drift(-1_000_000)));
}

#[test]
fn too_many_nodes() {
    simulated(|rt| {
        for number in 1..1 << 16 {
            let _ = rt.node(number.to_string());
        }
        panics_here(|| rt.node("one more"));
    });
}

#[test]
fn strategy_of_a_test_attribute() {
    panics_here(|| async_runtime_compat_sim::__testing::strategy("none"));
}

#[test]
fn report_with_a_failed_case() {
    // It never runs a task.
    let suite = Suite::new().limit(Duration::from_millis(20));
    let report = suite.run_clause(Clause::C2, || Subject::new(FnSpawner::new(drop)));
    panics_here(|| report.assert_passed());
}

#[test]
fn case_that_is_none() {
    panics_here(|| run_as_test("c0::none", || Subject::new(FnSpawner::new(drop))));
}
