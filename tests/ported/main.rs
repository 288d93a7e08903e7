//! Cases from the test suites of other projects, on each backend. `docs/ported.md` lists them.

mod async_task_cancel;
mod cancellation_token;
mod counted;
mod stepped;
mod task_abort;
