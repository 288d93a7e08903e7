//! The contract as a test suite, for whoever writes a [`Spawner`].
//!
//! The suite runs each clause of the contract against a spawner, through the raw trait method and
//! through the typed methods, and says which clauses fail and why. It is what this crate's own
//! backends are held to.
//!
//! From a test of your own, either at once:
//!
//! ```
//! use async_runtime_compat::FnSpawner;
//! use async_runtime_compat::conformance::{Load, Subject, Suite};
//!
//! # if std::env::var_os("RUN_THE_SUITE_IN_DOCTESTS").is_some() {
//! let report = Suite::new().run(|| {
//!     let threads = FnSpawner::new(|task| {
//!         std::thread::spawn(|| futures_lite::future::block_on(task));
//!     });
//!     // A thread for each task bears less than a million of them.
//!     Subject::new(threads).load(Load { live: 100, chain: 50, threads: 8, each: 10 })
//! });
//! report.assert_passed();
//! # }
//! ```
//!
//! or as one `#[test]` for each case, shown by name, with [`conformance_tests!`].
//!
//! # The clauses
//!
//! See [`Clause`]. A clause that the subject has no means for ([C5](Clause::C5) without a
//! [shutdown](Subject::on_shutdown), [C12](Clause::C12) without a [timer](Subject::timer)) is
//! reported as skipped, not as passed.
//!
//! [`conformance_tests!`]: crate::conformance_tests

mod abort;
mod blocking;
mod detach;
mod join;
mod kit;
mod load;
mod once;
mod panics;
mod report;
mod shutdown;
mod spawn;
mod time;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use self::kit::{Cx, Verdict};
use crate::blocking::Blocking;
use crate::spawner::Spawner;
use crate::time::Timer;

/// A clause of the contract that every backend keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Clause {
    /// Spawning returns without running the future and without blocking, from any thread, from a
    /// task, and from a destructor.
    C1,
    /// Dropping a handle detaches: the task runs to its end, and its output is dropped.
    C2,
    /// Abort drops the future at its next await; when the join says cancelled, it has been
    /// dropped. A task that completed first keeps its output.
    C3,
    /// A panic, also in a destructor, is caught: the join has the payload, other tasks go on.
    C4,
    /// At shutdown pending futures are dropped and every join resolves; spawning afterwards does
    /// not panic, and its join says shutdown.
    C5,
    /// A handle may be awaited anywhere, and a task may be woken from anywhere.
    C6,
    /// `is_finished` turns true once, and a join is then immediate.
    C7,
    /// An abort handle works after the join handle is gone.
    C8,
    /// Future and output are each dropped exactly once, in every race.
    C9,
    /// Polling a handle after it resolved panics with a clear message.
    C10,
    /// The last waker registered is the one that is woken.
    C11,
    /// Sleeps never end early, [`Duration::MAX`] is never, a dropped sleep leaves nothing behind,
    /// time limits poll their future first, and intervals treat missed ticks as they say.
    C12,
    /// Very many tasks, very long chains of tasks, and spawning from many threads finish.
    C13,
    /// Names and places of the `spawn` call reach the reports.
    C14,
    /// Work that blocks runs on a thread that no task needs, behind a handle with the contract of a
    /// task's. Abort keeps it from starting, or else the join waits for its end.
    C15,
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Clause::C1 => "C1 spawning never runs the task inline",
            Clause::C2 => "C2 dropping a handle detaches",
            Clause::C3 => "C3 abort drops the future",
            Clause::C4 => "C4 panics are caught",
            Clause::C5 => "C5 shutdown resolves every join",
            Clause::C6 => "C6 handles and wakers cross runtimes",
            Clause::C7 => "C7 is_finished means that the join is immediate",
            Clause::C8 => "C8 an abort handle outlives the join handle",
            Clause::C9 => "C9 everything is dropped exactly once",
            Clause::C10 => "C10 polling a resolved handle panics",
            Clause::C11 => "C11 the last waker is the one woken",
            Clause::C12 => "C12 time is kept",
            Clause::C13 => "C13 load is borne",
            Clause::C14 => "C14 names and places reach the reports",
            Clause::C15 => "C15 blocking work keeps the contract of tasks",
        })
    }
}

/// What the suite is run on: a spawner, its timer if it has one, and how to shut it down.
///
/// Each case gets a subject of its own, so that one which does damage does none to the next.
pub struct Subject {
    spawner: Arc<dyn Spawner>,
    blocking: Option<Arc<dyn Blocking>>,
    timer: Option<Arc<dyn Timer>>,
    shutdown: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    one_thread: bool,
    naming: Option<Box<Naming>>,
    load: Load,
}

/// What becomes of a name.
type Naming = dyn Fn(Option<&str>) -> Option<String> + Send + Sync;

impl Subject {
    /// A subject that cannot be shut down, and has no timer.
    pub fn new(spawner: impl Spawner + 'static) -> Subject {
        Subject {
            spawner: Arc::new(spawner),
            blocking: None,
            timer: None,
            shutdown: Mutex::new(None),
            one_thread: false,
            naming: None,
            load: Load::default(),
        }
    }

    /// The pool for work that blocks, to be checked under [`C15`](Clause::C15).
    #[must_use]
    pub fn blocking(self, blocking: impl Blocking + 'static) -> Subject {
        Subject { blocking: Some(Arc::new(blocking)), ..self }
    }

    /// The timer, for [`C12`](Clause::C12).
    ///
    /// The spawner may be given again, if it is a timer as well. The clock has to run by itself; it
    /// may be a virtual one, which runs ahead while no task is ready.
    #[must_use]
    pub fn timer(self, timer: impl Timer + 'static) -> Subject {
        Subject { timer: Some(Arc::new(timer)), ..self }
    }

    /// Says that tasks and blocking work have one thread between them, as in a simulation: tasks
    /// stand still while a job runs.
    ///
    /// The case of [`C15`](Clause::C15) that asks for the opposite is skipped. The others hold there
    /// as well.
    #[must_use]
    pub fn one_thread(self) -> Subject {
        Subject { one_thread: true, ..self }
    }

    /// How to shut the executor down.
    ///
    /// When the function returns, the executor must be gone, with the futures of its pending
    /// tasks dropped, and the [pool](Subject::blocking), if there is one, must accept no more. A
    /// subject that is not shut down by a case drops the function instead; let
    /// that end the executor's threads, too.
    #[must_use]
    pub fn on_shutdown(self, shutdown: impl FnOnce() + Send + 'static) -> Subject {
        Subject { shutdown: Mutex::new(Some(Box::new(shutdown))), ..self }
    }

    /// Puts a decorator around the spawner, which then is what is checked.
    #[must_use]
    pub fn decorated_by<S: Spawner + 'static>(
        self,
        decorate: impl FnOnce(Arc<dyn Spawner>) -> S,
    ) -> Subject {
        Subject { spawner: Arc::new(decorate(self.spawner)), ..self }
    }

    /// Says what the subject makes of a task's name, for [`C14`](Clause::C14), if it changes names.
    #[must_use]
    pub fn naming(
        self,
        naming: impl Fn(Option<&str>) -> Option<String> + Send + Sync + 'static,
    ) -> Subject {
        Subject { naming: Some(Box::new(naming)), ..self }
    }

    /// How much to ask for under [`C13`](Clause::C13).
    #[must_use]
    pub fn load(self, load: Load) -> Subject {
        Subject { load, ..self }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("load", &self.load).finish_non_exhaustive()
    }
}

/// How much the suite asks for under [`C13`](Clause::C13).
///
/// The default takes some tenths of a second on a common executor; [`Load::FULL`] is what the
/// contract names.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Tasks that are alive at the same time.
    pub live: usize,
    /// Length of a chain in which each task spawns the next and waits for it.
    pub chain: usize,
    /// Threads that spawn at the same time.
    pub threads: usize,
    /// Tasks that each of those spawns.
    pub each: usize,
}

impl Load {
    /// A million live tasks, a chain of 100,000, and 64 threads with 10,000 tasks each.
    pub const FULL: Load = Load { live: 1_000_000, chain: 100_000, threads: 64, each: 10_000 };
}

impl Default for Load {
    fn default() -> Load {
        Load { live: 50_000, chain: 10_000, threads: 64, each: 500 }
    }
}

/// One test of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    clause: Clause,
    name: &'static str,
    run: fn(&Cx) -> Verdict,
}

impl Case {
    /// The clause that the case belongs to.
    #[must_use]
    pub fn clause(&self) -> Clause {
        self.clause
    }

    /// The name of the case, such as `c3::abort_while_pending`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case on a thread of its own.
    ///
    /// A case that is not done after `limit` has failed; what it hangs on is left behind.
    pub fn run(&self, limit: Duration, make: impl FnOnce() -> Subject) -> Outcome {
        let (done, outcome) = mpsc::channel();
        let subject = make();
        let case = *self;
        let runner = thread::Builder::new().name(case.name.to_owned()).spawn(move || {
            let cx = Cx::new(subject, limit);
            let verdict = catch_unwind(AssertUnwindSafe(|| (case.run)(&cx)));
            let _ = done.send(match verdict {
                Ok(Ok(())) => Outcome::Passed,
                Ok(Err(kit::Stop::Skipped(why))) => Outcome::Skipped(why),
                Ok(Err(kit::Stop::Failed(why))) => Outcome::Failed(why),
                Err(payload) => Outcome::Failed(format!(
                    "a panic came out of a call on the case's thread: {}",
                    message(&*payload)
                )),
            });
            // Tearing down the subject may hang, too; it must not keep the outcome back.
            drop(cx);
        });
        if let Err(error) = runner {
            return Outcome::Failed(format!("no thread to run the case on: {error}"));
        }
        // The case's own waits give up after `limit` and say for what; this is for the calls that
        // do not return.
        match outcome.recv_timeout(limit + limit / 2) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Outcome::Failed(format!(
                "a call did not return within {limit:?}: `spawn` blocks or runs the task inline, or the \
                 subject's shutdown hangs"
            )),
            Err(RecvTimeoutError::Disconnected) => {
                Outcome::Failed("the case's thread ended without a verdict".to_owned())
            }
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The spawner does what the case asks for.
    Passed,
    /// The subject has no means for the case, and why.
    Skipped(String),
    /// The spawner violates the clause, and how.
    Failed(String),
}

/// The suite, with what can be set about it.
#[derive(Clone, Debug)]
pub struct Suite {
    limit: Duration,
}

impl Suite {
    /// The suite with a limit of 60 seconds for each case.
    #[must_use]
    pub fn new() -> Suite {
        Suite { limit: Duration::from_secs(60) }
    }

    /// How long a case may wait before it has failed.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Suite {
        Suite { limit }
    }

    /// Runs all cases, each on a subject of its own.
    pub fn run(&self, make: impl Fn() -> Subject) -> Report {
        self.run_where(make, |_| true)
    }

    /// Runs the cases of one clause.
    pub fn run_clause(&self, clause: Clause, make: impl Fn() -> Subject) -> Report {
        self.run_where(make, |case| case.clause == clause)
    }

    fn run_where(&self, make: impl Fn() -> Subject, which: impl Fn(&Case) -> bool) -> Report {
        let run = |case: &Case| (*case, case.run(self.limit, &make));
        Report { outcomes: cases().iter().filter(|case| which(case)).map(run).collect() }
    }
}

impl Default for Suite {
    fn default() -> Suite {
        Suite::new()
    }
}

/// What a run of the suite found.
///
/// The [`Display`](fmt::Display) form is a line for each case that failed or was skipped, and a
/// count.
#[derive(Clone, Debug)]
pub struct Report {
    outcomes: Vec<(Case, Outcome)>,
}

impl Report {
    /// Each case that was run, with its outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = (&Case, &Outcome)> {
        self.outcomes.iter().map(|(case, outcome)| (case, outcome))
    }

    /// The clauses that are violated, each once.
    #[must_use]
    pub fn failed(&self) -> Vec<Clause> {
        let failed = |(case, outcome): &(Case, Outcome)| {
            matches!(outcome, Outcome::Failed(_)).then_some(case.clause)
        };
        let mut clauses: Vec<Clause> = self.outcomes.iter().filter_map(failed).collect();
        clauses.sort();
        clauses.dedup();
        clauses
    }

    /// Lets a test fail if a clause is violated.
    ///
    /// # Panics
    ///
    /// If a case failed, with the report as the message.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().is_empty(), "the spawner violates the contract\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut passed, mut skipped, mut failed) = (0, 0, 0);
        for (case, outcome) in &self.outcomes {
            let (word, why) = match outcome {
                Outcome::Passed => {
                    passed += 1;
                    continue;
                }
                Outcome::Skipped(why) => {
                    skipped += 1;
                    ("skipped", why)
                }
                Outcome::Failed(why) => {
                    failed += 1;
                    ("FAILED ", why)
                }
            };
            writeln!(f, "{word} {:<48} {}: {why}", case.clause.to_string(), case.name)?;
        }
        write!(f, "{passed} cases passed, {failed} failed, {skipped} skipped")
    }
}

/// Runs one case as a test, for [`conformance_tests!`](crate::conformance_tests).
///
/// # Panics
///
/// If the case fails, or if there is none of the name.
#[doc(hidden)]
#[track_caller]
pub fn run_as_test(name: &str, make: impl FnOnce() -> Subject) {
    let Some(case) = cases().iter().find(|case| case.name == name) else {
        panic!("the suite has no case `{name}`");
    };
    match case.run(Suite::new().limit, make) {
        Outcome::Passed => {}
        Outcome::Skipped(why) => println!("skipped: {why}"),
        Outcome::Failed(why) => panic!("{}: {why}", case.clause),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "its payload is not a string".to_owned())
}

/// The one list of all cases: it makes [`cases`] and [`conformance_tests!`].
macro_rules! suite {
    ($dollar:tt $($clause:ident $module:ident from $file:ident { $($name:ident,)* })*) => {
        /// All cases of the suite.
        #[must_use]
        pub fn cases() -> &'static [Case] {
            &[$($(Case {
                clause: Clause::$clause,
                name: concat!(stringify!($module), "::", stringify!($name)),
                run: $file::$name,
            },)*)*]
        }

        /// Makes one `#[test]` of each case of the conformance suite.
        ///
        /// Put it in a module of its own, with an expression that makes a
        /// [`Subject`](crate::conformance::Subject). The test runner then shows each case by its clause
        /// and name, such as `threads::c3::abort_while_pending`.
        ///
        /// ```
        /// mod threads {
        ///     use async_runtime_compat::FnSpawner;
        ///     use async_runtime_compat::conformance::{Load, Subject};
        ///
        ///     async_runtime_compat::conformance_tests!(
        ///         Subject::new(FnSpawner::new(|task| {
        ///             std::thread::spawn(|| futures_lite::future::block_on(task));
        ///         }))
        ///         .load(Load { live: 100, chain: 50, threads: 8, each: 10 })
        ///     );
        /// }
        /// ```
        #[macro_export]
        macro_rules! conformance_tests {
            ($dollar make:expr) => {
                fn conformance_subject() -> $crate::conformance::Subject {
                    $dollar make
                }
                $(mod $module {$(
                    #[test]
                    fn $name() {
                        $crate::conformance::run_as_test(
                            concat!(stringify!($module), "::", stringify!($name)),
                            super::conformance_subject,
                        );
                    }
                )*})*
            };
        }
    };
}

suite! { $
    C1 c1 from spawn {
        spawn_does_not_run_inline,
        spawn_from_a_task_does_not_run_inline,
        spawn_does_not_block,
        spawn_from_any_thread,
        spawn_from_a_destructor,
        futures_of_any_size,
    }
    C2 c2 from detach {
        dropped_handle_detaches,
        dropped_before_the_first_poll,
        detach_detaches,
        output_of_a_detached_task_is_dropped,
        spawned_without_a_handle_runs_to_its_end,
    }
    C3 c3 from abort {
        abort_while_pending,
        abort_before_the_first_poll,
        abort_after_completion_keeps_the_output,
        abort_twice,
        abort_from_inside,
        abort_from_inside_outweighs_completion,
        abort_of_a_busy_task,
        abort_wakes_the_joiner,
        cancelled_means_dropped,
        cancel_waits_for_the_drop,
        cancel_of_a_finished_task_gives_the_output,
        abort_on_drop_aborts,
        abort_on_drop_can_be_detached,
    }
    C4 c4 from panics {
        payload_reaches_the_join,
        messages_reach_the_join,
        payload_that_is_not_a_string,
        other_tasks_go_on,
        detached_panic_harms_nobody,
        panic_in_a_raw_task_harms_nobody,
        panic_in_a_destructor_after_completion,
        panic_in_a_destructor_after_abort,
        panic_in_a_destructor_of_a_raw_task,
        panic_in_a_detached_outputs_destructor,
        panic_in_a_payloads_destructor,
    }
    C5 c5 from shutdown {
        pending_futures_are_dropped,
        raw_futures_are_dropped,
        waiting_joins_resolve,
        later_joins_resolve,
        shared_joins_resolve,
        aborted_before_shutdown_is_cancelled,
        spawn_after_shutdown,
        spawn_from_a_destructor_during_shutdown,
        abort_after_shutdown,
        panic_in_a_destructor_during_shutdown,
    }
    C6 c6 from join {
        awaited_outside_of_any_runtime,
        awaited_from_another_executor,
        woken_from_another_thread,
    }
    C7 c7 from join {
        finished_after_completion,
        finished_after_abort,
        finished_after_a_panic,
        not_finished_before_the_future_is_dropped,
        asking_does_not_lose_the_joiner,
        asked_from_the_joiners_waker,
        finished_stays_true_while_others_abort,
    }
    C8 c8 from abort {
        abort_handle_outlives_the_join_handle,
        abort_handle_on_a_joined_task,
        abort_handle_says_finished,
        abort_handle_does_not_keep_the_output,
        abort_handle_dropped_first_changes_nothing,
        abort_handles_agree,
    }
    C9 c9 from once {
        completion_against_abort,
        completion_against_abort_handle,
        completion_against_detach,
        completion_against_dropped_join,
        abort_against_detach,
        abort_against_abort,
        abort_against_polling,
        many_tasks,
    }
    C10 c10 from join {
        polled_again_after_the_output,
        polled_again_after_an_error,
    }
    C11 c11 from join {
        last_joiner_is_woken,
        handle_moves_between_threads,
        last_waker_of_a_task_is_honoured,
    }
    C12 c12 from time {
        sleeps_never_end_early,
        sleep_of_no_time_ends,
        sleep_until_the_past_ends,
        sleep_is_ready_once_a_later_one_is,
        sleep_in_tasks,
        sleep_that_ended_stays_ended,
        sleep_reset_to_later,
        sleep_reset_to_earlier,
        sleep_reset_after_its_end,
        sleep_reset_before_its_first_poll,
        sleep_reset_to_the_past,
        sleep_that_is_dropped_leaves_nothing,
        sleep_that_is_dropped_while_it_ends,
        sleep_for_ever,
        sleep_until_the_last_instant,
        sleep_wakes_the_last_waker,
        sleep_moves_between_tasks,
        sleep_on_another_executor,
        many_sleeps,
        timeout_polls_the_future_first,
        timeout_elapses,
        timeout_drops_the_future,
        timeout_that_is_dropped_leaves_nothing,
        timeout_in_a_timeout,
        timeout_for_ever,
        timeouts_in_tasks,
        interval_ticks_at_once_and_then_on_schedule,
        interval_with_a_start,
        interval_bursts,
        interval_delays,
        interval_skips,
        interval_resets,
        interval_tick_is_cancel_safe,
        interval_for_ever,
        interval_without_a_period,
    }
    C13 c13 from load {
        live_tasks,
        chain,
        storm,
    }
    C14 c14 from report {
        name_and_place_of_a_panic,
        name_and_place_of_an_abort,
        place_without_a_name,
        handles_know_their_task,
    }
    C15 c15 from blocking {
        output_reaches_the_join,
        does_not_run_inline,
        handing_over_does_not_block,
        tasks_run_beside_a_job,
        handed_over_from_a_task,
        handed_over_from_a_job_and_a_destructor,
        dropped_handle_detaches,
        abort_while_running_waits_for_the_end,
        abort_after_the_end_keeps_the_output,
        abort_against_start,
        abort_on_drop_never_leaks,
        panic_reaches_the_join,
        panics_of_detached_jobs_harm_nobody,
        panic_in_the_destructor_of_an_aborted_function,
        storm,
        name_and_place_reach_the_error,
        handed_over_after_shutdown,
    }
}

#[cfg(test)]
mod tests {
    //! The checks that no spawner can fail, fed with broken handles.

    use std::future::Future;
    use std::panic::Location;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::kit::Stop;
    use super::{join, report};

    /// A join that was polled to its end, and what it does when polled again.
    struct Again(fn() -> Poll<()>);

    impl Future for Again {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            (self.0)()
        }
    }

    #[test]
    fn c10_catches_handles_that_do_not_panic() {
        let caught = |again| match join::panics_when_polled_again(&mut Again(again)) {
            Err(Stop::Failed(why)) => why,
            other => panic!("not caught: {other:?}"),
        };
        assert!(caught(|| Poll::Ready(())).contains("a second time"));
        assert!(caught(|| Poll::Pending).contains("for ever"));
        assert!(caught(|| panic!("oops")).contains("without saying why: oops"));
    }

    #[test]
    fn c14_catches_reports_that_name_nothing() {
        let place = Location::caller();
        let unnamed = format!("task spawned at {place} panicked: a message");
        let unplaced = "task 'conn-7' panicked: a message";
        assert!(report::names(&unnamed, Some("conn-7"), place).is_err());
        assert!(report::names(&unplaced, Some("conn-7"), place).is_err());
        assert!(report::names(&unnamed, None, place).is_ok());
    }
}
