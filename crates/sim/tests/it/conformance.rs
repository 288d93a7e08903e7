//! The conformance suite on the simulation.

use std::sync::mpsc;
use std::thread;

use async_runtime_compat_conformance::{CaseResult, Subject, Suite};
use async_runtime_compat_sim::{Sim, SimRuntime, Strategy};

/// A simulation on a thread of its own, and what ends it.
///
/// The cases are threads that the simulation does not control, and so it waits for them.
fn running(sim: Sim) -> (SimRuntime, impl FnOnce() + Send) {
    let (send, receive) = mpsc::channel();
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let sim = sim.foreign_threads(true).allow_leaks(true).allow_panics(true).max_steps(1 << 40);
    let driver = thread::spawn(move || {
        let report = sim.run(|rt| async move {
            send.send(rt).unwrap();
            // An error, because the sender is dropped, is what ends it.
            let _ = stopped.recv().await;
        });
        report.unwrap();
    });
    let stop = move || {
        drop(stop);
        driver.join().unwrap();
    };
    (receive.recv().unwrap(), stop)
}

fn subject(sim: Sim) -> Subject {
    let (runtime, stop) = running(sim);
    Subject::new(runtime.clone())
        .timer(runtime.clone())
        .blocking(runtime)
        .one_thread()
        .on_shutdown(stop)
}

/// A node, which ends by being killed. The run ends with the subject.
fn node(sim: Sim) -> Subject {
    let (runtime, stop) = running(sim);
    let node = runtime.node("subject");
    let runtime = node.runtime();
    Subject::new(runtime.clone()).timer(runtime.clone()).blocking(runtime).one_thread().on_shutdown(
        move || {
            node.kill();
            stop();
        },
    )
}

mod a_node {
    async_runtime_compat_conformance::conformance_tests!(super::node(super::Sim::new(1)));
}

mod random {
    async_runtime_compat_conformance::conformance_tests!(super::subject(super::Sim::new(1)));
}

/// A priority that is kept lets a task that spins starve the others, which no executor of the
/// contract does. So PCT is not among these.
#[test]
fn on_other_seeds_and_strategies() {
    for strategy in [Strategy::Random, Strategy::RoundRobin, Strategy::Urw] {
        for (seed, make) in [(2, subject as fn(Sim) -> Subject), (3, node)] {
            let report = Suite::new().run(|| make(Sim::new(seed).strategy(strategy.clone())));
            report.assert_passed();
            let skipped: Vec<_> = report
                .outcomes()
                .filter(|(_, outcome)| **outcome != CaseResult::Passed)
                .map(|(case, _)| case.name())
                .collect();
            assert_eq!(skipped, ["c15::tasks_run_beside_a_job"], "{report}");
        }
    }
}
