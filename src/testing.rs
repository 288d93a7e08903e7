//! Tests that run on every backend.

pub mod support;

/// Turns an async function into tests, one for each backend.
///
/// The function takes the runtime as an `Arc<dyn Runtime>`, or a part of it as an `Arc<dyn Spawner>`, an
/// `Arc<dyn Timer>` or an `Arc<dyn Blocking>`, or nothing. Like a function under `#[test]`, it returns
/// nothing, or a `Result` whose error is `Debug`. Neither its future nor its output has to be `Send`.
///
/// The tests are in a module with the function's name: the runner shows them as `retries::tokio`,
/// `retries::smol` and so on, and `cargo test retries` runs them all.
///
/// ```toml
/// [dev-dependencies]
/// async-runtime-compat = { version = "0.1", features = ["macros", "smol", "tokio"] }
/// tokio = { version = "1", features = ["rt-multi-thread"] }
/// ```
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::prelude::*;
///
/// /// On every enabled backend.
/// #[async_runtime_compat::test]
/// async fn adds_up(rt: Arc<dyn Runtime>) {
///     let task = rt.spawn_with_handle(async { 1 + 2 });
///     assert_eq!(task.await.unwrap(), 3);
/// }
///
/// /// On these three. A backend that is not enabled is a compile error.
/// #[async_runtime_compat::test(tokio, smol, async_std, timeout = "5m")]
/// async fn joins(spawner: Arc<dyn Spawner>) -> Result<(), JoinError> {
///     spawner.spawn_with_handle(async {}).await
/// }
///
/// /// With options for one of them.
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
/// Without a list, the test runs on every backend whose feature of this crate is enabled. Features are
/// unified across the build, so a backend that another crate enables is tested as well. A list names
/// the backends:
///
/// | name             | where the test runs                                                             |
/// |------------------|---------------------------------------------------------------------------------|
/// | `tokio`          | on a runtime of its own, with all drivers that tokio's features provide; on one thread by default |
/// | `smol`           | in `smol::block_on`, its tasks on smol's global executor                        |
/// | `async_std`      | in `async_std::task::block_on`, its tasks on async-std's global executor        |
/// | `async_executor` | on an executor of its own; on one thread by default                             |
/// | `sim`            | in a simulation, many times, under many schedules; see [below](#simulation)     |
///
/// The runtime is an [`Ambient`](crate::Ambient), so that [`current`](crate::current) finds it in the
/// function and in its tasks.
///
/// When the function returns or panics, a runtime of the test's own is shut down, and the remaining tasks
/// are dropped. On the global executors they run on during other tests; abort those that should not. The
/// shutdown is part of the test, and waits for blocking work that has started.
///
/// # Simulation
///
/// `sim` needs the crate `async-runtime-compat-sim`. Add it to the `dev-dependencies`:
///
/// ```toml
/// [dev-dependencies]
/// async-runtime-compat-sim = "0.1"
/// ```
///
/// Its `Check` runs the function with the usual defaults, looks for a schedule that fails, and obeys
/// the usual environment variables, such as `DST_SEED` and `DST_RUNS`. A failure is shown with a
/// command that replays it.
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
///
/// #[async_runtime_compat::test(tokio, smol, sim(runs = 500, strategy = "pct(depth=2)"))]
/// async fn both_end(rt: Arc<dyn Runtime>) -> Result<(), JoinError> {
///     let (one, two) = (rt.spawn_with_handle(async {}), rt.spawn_with_handle(async {}));
///     two.await?;
///     one.await
/// }
/// ```
///
/// A test runs in a simulation only if `sim` is listed. A simulated function runs many times, must
/// behave the same each time, and may use nothing real: no sockets, no threads, no clock but the
/// runtime's.
///
/// Time is virtual: a sleep of a day passes at once. A function that hangs is reported as a deadlock.
/// Tasks that are alive at the end, and panics of tasks that no join receives, are failures.
///
/// A function that is listed for `sim` alone may also take a `SimRuntime`, which has nodes, faults
/// and invariants. It returns nothing, an [`ExitCode`](std::process::ExitCode), or a `Result` of
/// these. With `#[should_panic]` it is enough that one schedule fails, with the expected text
/// somewhere in the report.
///
/// # Options
///
/// Options apply to all backends, or to one, in parentheses after its name, where they take precedence.
///
/// | option                     | meaning                                                                    |
/// |----------------------------|----------------------------------------------------------------------------|
/// | `timeout = "30s"`          | fails the test if it takes longer; in `ms`, `s`, `m` or `h`, or `"never"`; the default is 60 s |
/// | `flavor = "multi_thread"`  | runs the tasks on other threads than the function, one per core; `"current_thread"`, the default, runs them on the function's thread |
/// | `worker_threads = 4`       | the same with that many threads                                            |
/// | `start_paused = true`      | starts with tokio's clock paused, see `tokio::time::pause`                 |
/// | `runs = 500`               | how many schedules to run                                                  |
/// | `strategy = "pct(depth=2)"` | the only strategy, instead of the usual ones in turn: `"random"`, `"pct"`, `"urw"`, `"round-robin"` or `"dfs"` |
/// | `seed = 7`                 | the seed of the first run                                                  |
/// | `crate = a::path`          | the path of this crate, if it is not `::async_runtime_compat`; for all backends only |
/// | `sim_crate = a::path`      | the path of the simulation's crate, if it is not `::async_runtime_compat_sim`; for all backends only |
///
/// `flavor` and `worker_threads` apply to `tokio` and `async_executor`. Given for all backends, they do not
/// affect the others, whose global executors are configured by the environment (`SMOL_THREADS`,
/// `ASYNC_STD_THREAD_COUNT`). Given for one of the others, or where no listed backend supports them, they
/// are a compile error.
///
/// `start_paused` applies to `tokio`, with one thread. On any other backend it is a compile error, since a
/// test that sleeps for a day would really do so. Given for all backends, it does not affect `sim`, whose
/// time is virtual anyway.
///
/// `runs`, `strategy`, `seed` and `sim_crate` apply to `sim`. Given for all backends, they do not affect
/// the others.
/// Given for one of the others, or where `sim` is not listed, they are a compile error.
///
/// Several threads on tokio require its feature `rt-multi-thread`, and a paused clock its feature
/// `test-util`. This crate enables neither: add tokio with the feature to your `dev-dependencies`.
///
/// # Attributes
///
/// `#[should_panic]` and `#[ignore]`, also inside `#[cfg_attr(…)]`, are applied to each test, and `#[cfg]` to
/// everything. All other attributes, such as lint levels and documentation, stay on the function.
///
/// # Timeouts
///
/// A test runs on a thread of its own. If it does not end in time, the test fails, and its thread is leaked
/// until the process ends. The timeout is in real time, whatever the test's clock says. In a simulation it
/// covers all schedules together, and shrinking the one that fails: raise it for very many runs, such as
/// with `DST_RUNS`.
///
/// The environment variable `ASYNC_RUNTIME_TEST_TIMEOUT_SECS`, in whole seconds, overrides all timeouts, for
/// instance on a slow machine. `0` means no timeout, for use in a debugger.
///
/// # Panics
///
/// A panic in the function fails the test with its own message and location. A panic in a task does not by
/// itself fail the test: its join says [`JoinError::is_panic`](crate::JoinError::is_panic). In a
/// simulation the test panics with a report on the schedule, which has the panic's message and
/// location.
///
/// # Errors
///
/// A function that cannot be a test, and invalid arguments, are compile errors that list the accepted forms.
pub use async_runtime_compat_macros::test;
