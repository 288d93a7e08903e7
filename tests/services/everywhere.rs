//! Where the tests run.

/// Stamps tests for each backend, and for many schedules of the simulation.
///
/// Each takes an `Arc<dyn Runtime>`.
macro_rules! everywhere {
    ($($test:ident,)*) => {
        mod on {
            $(#[allow(dead_code, reason = "without a backend there is only the simulation")]
            fn $test(running: &$crate::runtimes::Running) {
                running.run(super::$test);
            })*

            $crate::runtimes::on_all_backends! { $($test,)* }

            mod sim {$(
                #[test]
                fn $test() {
                    $crate::explore::explore(100, |rt| super::super::$test(std::sync::Arc::new(rt)));
                }
            )*}
        }
    };
}
pub(crate) use everywhere;
