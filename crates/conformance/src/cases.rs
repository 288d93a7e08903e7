//! The cases: their list, and a file for each group of clauses.

mod abort;
mod blocking;
mod detach;
mod ids;
mod join;
mod load;
mod names;
mod once;
mod panics;
mod shutdown;
mod spawn;
mod time;

#[cfg(test)]
mod tests;

use crate::case::Case;
use crate::clause::Clause;

/// The one list of all cases, which makes [`cases`] and [`conformance_tests!`].
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

        /// Makes one `#[test]` of each case of the suite.
        ///
        /// Put it in a module of its own, with an expression that makes a
        /// [`Subject`](crate::Subject). The test runner then shows each case by clause and name,
        /// such as `threads::c3::abort_while_pending`. A case that is skipped fails its test,
        /// unless the subject [declares](crate::Subject::skips) it.
        ///
        /// With `clauses: […]`, only the cases of these clauses become tests.
        ///
        /// ```
        /// mod threads {
        ///     use async_runtime_compat::FnSpawner;
        ///     use async_runtime_compat_conformance::{Load, Subject, conformance_tests};
        ///
        ///     fn threads() -> Subject {
        ///         Subject::new(FnSpawner::new(|task| {
        ///             std::thread::spawn(|| futures_lite::future::block_on(task));
        ///         }))
        ///         .load(Load { live: 100, chain: 50, threads: 8, each: 10 })
        ///     }
        ///
        ///     mod all {
        ///         use super::*;
        ///         conformance_tests!(threads().skips(["c5", "c12", "c15"]));
        ///     }
        ///
        ///     mod named {
        ///         use super::*;
        ///         use async_runtime_compat::decorate::Named;
        ///
        ///         conformance_tests!(
        ///             threads()
        ///                 .decorated_by(|inner| Named::with_prefix(inner, "part."))
        ///                 .naming(|name| Some(format!("part.{}", name?))),
        ///             clauses: [C1, C2, C14]
        ///         );
        ///     }
        /// }
        /// ```
        #[macro_export]
        macro_rules! conformance_tests {
            ($dollar make:expr $dollar(,)?) => {
                $crate::conformance_tests!($dollar make, clauses: [$($clause),*]);
            };
            ($dollar make:expr, clauses: [$dollar($dollar clause:ident),+ $dollar(,)?] $dollar(,)?) => {
                fn conformance_subject() -> $crate::Subject {
                    $dollar make
                }
                $dollar($crate::__conformance_clause!($dollar clause);)+
            };
        }

        /// The tests of one clause.
        #[doc(hidden)]
        #[macro_export]
        macro_rules! __conformance_clause {
            $(($clause) => {
                mod $module {$(
                    #[test]
                    fn $name() {
                        $crate::run_as_test(
                            concat!(stringify!($module), "::", stringify!($name)),
                            super::conformance_subject,
                        );
                    }
                )*}
            };)*
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
        outputs_of_any_size,
        outputs_of_any_size_when_finished,
        outputs_of_any_size_through_a_group,
        outputs_of_any_size_and_abort,
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
        abort_after_a_panic_keeps_the_panic,
        abort_of_a_group_keeps_the_outputs,
        abort_twice,
        abort_from_inside,
        abort_from_inside_outweighs_completion,
        abort_of_a_busy_task,
        abort_wakes_the_joiner,
        cancelled_means_dropped,
        cancelled_means_the_output_is_dropped,
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
        detached_panic_is_contained,
        panic_in_a_raw_task_is_contained,
        panic_in_a_destructor_after_completion,
        panic_in_a_destructor_after_abort,
        panic_in_a_destructor_of_a_raw_task,
        destructor_after_a_panic_sees_it,
        destructor_of_a_raw_task_sees_its_panic,
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
        is_finished_keeps_the_joiner,
        is_finished_in_the_joiners_waker,
        finished_stays_true_while_others_abort,
    }
    C8 c8 from abort {
        abort_handle_outlives_the_join_handle,
        abort_handle_on_a_joined_task,
        abort_handle_says_finished,
        abort_handle_does_not_keep_the_output,
        abort_handle_dropped_first_changes_nothing,
        abort_handles_agree,
        abort_guard_aborts,
        abort_guard_can_be_disarmed,
    }
    C9 c9 from once {
        completion_against_abort,
        completion_against_abort_handle,
        completion_against_cancel,
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
        last_waker_of_a_task_is_used,
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
        sleep_forever,
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
        timeout_forever,
        timeouts_in_tasks,
        interval_ticks_at_once_and_then_on_schedule,
        interval_with_a_start,
        interval_bursts,
        interval_delays,
        interval_skips,
        interval_resets,
        interval_tick_is_cancel_safe,
        interval_forever,
        interval_without_a_period,
    }
    C13 c13 from load {
        live_tasks,
        chain,
        storm,
    }
    C14 c14 from names {
        name_and_location_of_a_panic,
        name_and_location_of_an_abort,
        location_without_a_name,
        handles_know_their_task,
        name_and_location_reach_the_spawner,
    }
    C15 c15 from blocking {
        output_reaches_the_join,
        outputs_of_any_size,
        does_not_run_inline,
        spawn_blocking_does_not_block,
        tasks_run_beside_a_job,
        spawned_from_a_task,
        spawned_from_a_job_and_a_destructor,
        dropped_handle_detaches,
        abort_while_running_waits_for_the_end,
        abort_while_running_waits_for_the_drop_of_the_output,
        abort_after_the_end_keeps_the_output,
        abort_against_start,
        abort_on_drop_never_leaks,
        panic_reaches_the_join,
        panics_of_detached_jobs_are_contained,
        panic_in_the_destructor_of_an_aborted_function,
        storm,
        name_and_location_reach_the_error,
        name_and_location_reach_the_pool,
        handle_and_job_agree_on_the_id,
        spawned_after_shutdown,
    }
    C16 c16 from ids {
        handle_and_task_agree,
        no_id_is_given_twice,
        ids_in_destructors,
        ids_reach_errors,
        ids_and_names,
    }
}
