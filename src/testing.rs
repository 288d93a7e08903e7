//! Tests that run on every backend.

pub mod support;

/// Makes an async function a test, one for each backend.
///
/// The function takes the runtime, as an `Arc<dyn Runtime>`, or what it needs of it: an
/// `Arc<dyn Spawner>`, an `Arc<dyn Timer>`, an `Arc<dyn Blocking>`, or nothing. It returns nothing,
/// or a `Result` whose error is `Debug` and is shown if there is one; the same as a function under
/// `#[test]`. Neither its future nor what it returns has to be `Send`.
///
/// The tests are in a module of the function's name, so that the runner shows them as
/// `retries::tokio`, `retries::smol` and so on, and `cargo test retries` runs them all.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::prelude::*;
///
/// /// On all backends that are enabled.
/// #[async_runtime_compat::test]
/// async fn adds_up(rt: Arc<dyn Runtime>) {
///     let task = rt.spawn_with_handle(async { 1 + 2 });
///     assert_eq!(task.await.unwrap(), 3);
/// }
///
/// /// On these three. One that is not enabled is a compile error.
/// #[async_runtime_compat::test(tokio, smol, async_std, timeout = "5m")]
/// async fn joins(spawner: Arc<dyn Spawner>) -> Result<(), JoinError> {
///     spawner.spawn_with_handle(async {}).await
/// }
///
/// /// With options for some.
/// #[async_runtime_compat::test(tokio(worker_threads = 4), smol)]
/// #[should_panic(expected = "own words")]
/// async fn panics() {
///     panic!("the test's own words");
/// }
///
/// /// A day passes at once.
/// #[async_runtime_compat::test(tokio, start_paused = true)]
/// async fn expires(timer: Arc<dyn Timer>) {
///     timer.sleep(Duration::from_secs(86_400)).await;
/// }
/// ```
///
/// # Backends
///
/// Without a list they are those whose features of this crate are enabled, but for `sim`. They are
/// the features of the whole build: what another crate enables is tested as well. A list names
/// them:
///
/// | name             | where the test runs                                                             |
/// |------------------|---------------------------------------------------------------------------------|
/// | `tokio`          | on a runtime of its own, with all drivers that tokio's features give; on one thread unless told otherwise |
/// | `smol`           | in `smol::block_on`, its tasks on smol's global executor                        |
/// | `async_std`      | in `async_std::task::block_on`, its tasks on async-std's global executor        |
/// | `async_executor` | on an executor of its own; on one thread unless told otherwise                  |
/// | `sim`            | in a [simulation](crate::sim), many times, under many schedules; see below      |
///
/// The runtime is that which [`current`](crate::current) finds, in the function and in its tasks,
/// because it is an [`Ambient`](crate::Ambient) one.
///
/// At the end of the function, also by a panic, a runtime of the test's own is shut down: the tasks
/// that are left are dropped. On the global executors they run on, during other tests; abort what
/// should not. A runtime's shutdown waits for blocking work that has started, and is part of the
/// test.
///
/// # Simulation
///
/// On `sim` the function is run by a [`Check`](crate::sim::Check), which looks for a schedule that
/// fails, with the defaults that it has, and is steered by the same environment variables, such as
/// `DST_SEED` and `DST_RUNS`. What it finds is shown with the line that replays it.
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
///
/// # #[cfg(feature = "sim")]
/// #[async_runtime_compat::test(tokio, smol, sim(runs = 500, strategy = "pct(depth=2)"))]
/// async fn both_end(rt: Arc<dyn Runtime>) -> Result<(), JoinError> {
///     let (one, two) = (rt.spawn_with_handle(async {}), rt.spawn_with_handle(async {}));
///     two.await?;
///     one.await
/// }
/// ```
///
/// It runs there only if it is listed. A function that is simulated runs many times, has to be the
/// same each time, and may use nothing real: no sockets, no threads, no clock but the runtime's.
/// One that is not written for it would fail, and that by a feature which another crate enables.
///
/// Time is virtual, so that a sleep of a day passes at once. A function that hangs is found as a
/// stall. Tasks that are left at the end, and a panic of a task that no join delivers to anybody, are
/// failures.
///
/// A function that is listed for `sim` alone may also take a
/// [`SimRuntime`](crate::sim::SimRuntime), which has nodes, faults and invariants. It returns
/// nothing, an [`ExitCode`](std::process::ExitCode), or a `Result` of these. With `#[should_panic]`
/// it is enough that one schedule fails, with the expected text somewhere in what is said of it.
///
/// # Options
///
/// They are given for all backends, or for one in parentheses after its name, which then counts.
///
/// | option                     | meaning                                                                    |
/// |----------------------------|----------------------------------------------------------------------------|
/// | `timeout = "30s"`          | fails the test if it takes longer; in `ms`, `s`, `m` or `h`, or `"never"`; 60 s if not given |
/// | `flavor = "multi_thread"`  | runs the tasks on other threads than the function, as many as there are cores; `"current_thread"`, which is the default, runs them on the function's |
/// | `worker_threads = 4`       | the same with that many threads                                            |
/// | `start_paused = true`      | starts with tokio's clock paused, see `tokio::time::pause`                 |
/// | `runs = 500`               | how many schedules to run; as in [`Check::runs`](crate::sim::Check::runs)  |
/// | `strategy = "pct(depth=2)"` | the only [`Strategy`](crate::sim::Strategy), and not the usual ones in turn: `"random"`, `"pct"`, `"urw"`, `"round-robin"` or `"dfs"` |
/// | `seed = 7`                 | the seed of the first run; as in [`Check::seed`](crate::sim::Check::seed)  |
/// | `crate = a::path`          | where this crate is, if it is not `::async_runtime_compat`; for all only  |
///
/// `flavor` and `worker_threads` are for `tokio` and `async_executor`. Given for all, they leave the
/// others alone, whose executors are the process's and are set up by the environment
/// (`SMOL_THREADS`, `ASYNC_STD_THREAD_COUNT`). Given for one of the others, or where none is listed
/// that has them, they are a compile error.
///
/// `start_paused` is for `tokio`, with one thread, and a compile error anywhere else, since a test
/// that sleeps for a day would do so. Given for all, it leaves `sim` alone, whose time is virtual
/// anyway.
///
/// `runs`, `strategy` and `seed` are for `sim`. Given for all, they leave the others alone. Given for
/// one of the others, or where `sim` is not listed, they are a compile error.
///
/// Several threads on tokio need its feature `rt-multi-thread`, and a paused clock its feature
/// `test-util`. This crate enables neither. Add tokio with the feature to the `dev-dependencies`.
///
/// # Attributes
///
/// `#[should_panic]`, `#[ignore]` and what `#[cfg_attr(…)]` makes of them go on each test, `#[cfg]`
/// on everything. All others stay on the function, lint levels and documentation among them.
///
/// # Timeouts
///
/// A test runs on a thread of its own. If it has not ended in time, the test fails, and the thread
/// is left behind as it is, until the process ends. The time is real time, whatever the test's clock
/// says. In a simulation it is that of all schedules together, and of shrinking the one that fails:
/// where there are very many of them, also by `DST_RUNS`, allow more.
///
/// The environment variable `ASYNC_RUNTIME_TEST_TIMEOUT_SECS` overrides all timeouts of a run, in
/// whole seconds: for a slow machine, or for a debugger, where `0` is no timeout.
///
/// # Panics
///
/// A panic of the function fails the test with its own message and place. A panic of a task does
/// not by itself: it is the task's, as [`JoinError::is_panic`](crate::JoinError::is_panic). In a
/// simulation the test panics with the [`Counterexample`](crate::sim::Counterexample), which has the
/// panic's message and place.
///
/// # Errors
///
/// A function that cannot be a test, and arguments that make no sense, are compile errors, which
/// say what is accepted.
pub use async_runtime_compat_macros::test;
