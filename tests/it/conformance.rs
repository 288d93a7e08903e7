//! The conformance suite, stamped for each backend and each way to reach one.

use async_runtime_compat::Spawner;
use std::sync::Arc;

use crate::subjects;

macro_rules! stamp {
    ($($(#[$gate:meta])* $name:ident: $subject:expr;)*) => {$(
        $(#[$gate])*
        mod $name {
            #[allow(unused_imports, reason = "some subjects need none")]
            use super::*;

            async_runtime_compat::conformance_tests!($subject);
        }
    )*};
}

stamp! {
    #[cfg(feature = "tokio")]
    tokio_multi_thread: subjects::tokio_multi_thread();
    #[cfg(feature = "tokio")]
    tokio_current_thread: subjects::tokio_current_thread();
    #[cfg(feature = "smol")]
    smol: subjects::smol();
    #[cfg(feature = "async-std")]
    async_std: subjects::async_std();
    #[cfg(feature = "async-executor")]
    async_executor_one_thread: subjects::async_executor(1);
    #[cfg(feature = "async-executor")]
    async_executor_four_threads: subjects::async_executor(4);
    #[cfg(feature = "tokio")]
    ambient_tokio: subjects::ambient_tokio();
    #[cfg(feature = "async-executor")]
    ambient_async_executor: subjects::ambient_async_executor();
    own_spawner: subjects::threads();
    own_spawner_by_ref: subjects::threads_behind(|threads| &*Box::leak(Box::new(threads)));
    own_spawner_by_mut: subjects::threads_behind(|threads| Box::leak(Box::new(threads)));
    own_spawner_in_box: subjects::threads_behind(|threads| Box::new(threads) as Box<dyn Spawner>);
    own_spawner_in_arc: subjects::threads_behind(|threads| Arc::new(threads) as Arc<dyn Spawner>);
    own_spawner_in_closure: subjects::threads_behind(|threads| {
        async_runtime_compat::FnSpawner::new(move |task| threads.spawn(task))
    });
}

/// A case that is skipped counts as passed in the list above.
#[test]
fn every_backend_has_a_timer() {
    use async_runtime_compat::conformance::{Outcome, Subject, cases};

    let subjects: &[fn() -> Subject] = &[
        #[cfg(feature = "tokio")]
        subjects::tokio_multi_thread,
        #[cfg(feature = "tokio")]
        subjects::tokio_current_thread,
        #[cfg(feature = "smol")]
        subjects::smol,
        #[cfg(feature = "async-std")]
        subjects::async_std,
        #[cfg(feature = "async-executor")]
        || subjects::async_executor(1),
        subjects::threads,
    ];
    let case = cases().iter().find(|case| case.name() == "c12::sleep_of_no_time_ends").unwrap();
    for subject in subjects {
        assert_eq!(case.run(std::time::Duration::from_secs(60), subject), Outcome::Passed);
    }
}
