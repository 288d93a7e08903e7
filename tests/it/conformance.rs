//! The conformance suite, stamped for each backend and for a user's own spawner.
//!
//! Decorators and groups are in `tests/decorators`, the bridge to `futures` is in `tests/bridges`,
//! and pointers are in `forwarding.rs`.

use test_support::subjects;

test_support::with_tokio! {
    test_support::stamp! {
        tokio_multi_thread: subjects::tokio_multi_thread();
        tokio_current_thread: subjects::tokio_current_thread();
        ambient_tokio: subjects::ambient_tokio();
    }
}
test_support::with_smol! {
    test_support::stamp! { smol: subjects::smol(); }
}
test_support::with_async_std! {
    test_support::stamp! { async_std: subjects::async_std(); }
}
test_support::with_async_executor! {
    test_support::stamp! { async_executor: subjects::async_executor(1); }
    // Its timer and its pool are those of the one above.
    test_support::stamp! {
        clauses: [C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C13, C14];
        async_executor_four_threads: subjects::async_executor(4);
        ambient_async_executor: subjects::ambient_async_executor();
    }
}
test_support::stamp! { own_spawner: subjects::threads(); }
