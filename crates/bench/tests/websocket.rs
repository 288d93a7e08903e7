//! That the servers which are compared serve, in every way and on every backend.

use std::time::Duration;

use async_runtime_compat_bench::measure::Effort;
use async_runtime_compat_bench::{case, websocket};

#[test]
fn servers_of_all_backends_answer_and_end_in_order() {
    let effort = Effort { pairs: 1, round: Duration::ZERO };
    let times = websocket::compare(effort, &|_| true);
    for (backend, _) in case::BACKENDS {
        let works = times.iter().filter(|time| time.backend == *backend && time.way == case::TYPED);
        assert_eq!(works.count(), 3, "of {backend}");
    }
}
