//! The exact chance of a failure under `Random`, from all schedules with the chance of each.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use async_runtime_compat::JoinHandle;
use async_runtime_compat::prelude::*;
use async_runtime_compat_sim::{Sim, SimRuntime, Strategy};

/// Spawns the tasks of a program, and counts at each step how many of them could have taken it.
#[derive(Clone)]
pub(crate) struct Actors {
    rt: SimRuntime,
    run: Arc<Mutex<Run>>,
}

/// One schedule.
struct Run {
    /// By task: whether it is ready.
    ready: Vec<bool>,
    /// The chance that `Random` chooses as it was chosen here.
    chance: f64,
    steps: u32,
    /// Whether the program has come to its end.
    went_well: bool,
}

/// Notes that a task is ready again.
struct Noting {
    run: Arc<Mutex<Run>>,
    task: usize,
    waker: Waker,
}

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.run.lock().unwrap().ready[self.task] = true;
        self.waker.wake_by_ref();
    }
}

impl Actors {
    fn new(rt: SimRuntime) -> Actors {
        let run = Run { ready: Vec::new(), chance: 1.0, steps: 0, went_well: false };
        Actors { rt, run: Arc::new(Mutex::new(run)) }
    }

    pub(crate) fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.rt.spawn_named(name, self.counted(future))
    }

    fn counted<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let run = self.run.clone();
        let task = {
            let mut run = run.lock().unwrap();
            run.ready.push(true);
            run.ready.len() - 1
        };
        let mut future = Box::pin(future);
        poll_fn(move |cx| {
            {
                let mut run = run.lock().unwrap();
                let ready = run.ready.iter().filter(|ready| **ready).count();
                run.chance /= ready as f64;
                run.steps += 1;
                run.ready[task] = false;
            }
            let waker = Noting { run: run.clone(), task, waker: cx.waker().clone() };
            let waker = Waker::from(Arc::new(waker));
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            if poll.is_ready() {
                // It may have woken itself in its last step.
                run.lock().unwrap().ready[task] = false;
            }
            poll
        })
    }
}

/// A program, for [`Sim::explore`].
pub(crate) async fn on_actors<F: Future<Output = ()>>(
    rt: SimRuntime,
    program: impl FnOnce(Actors) -> F,
) {
    let actors = Actors::new(rt);
    actors.counted(program(actors.clone())).await;
}

/// What is known of a program from all of its schedules.
#[derive(Debug)]
pub(crate) struct Exact {
    pub(crate) schedules: u64,
    /// How many of them fail.
    pub(crate) failures: u64,
    /// The chance that a schedule of `Random`'s fails.
    pub(crate) chance: f64,
    /// How many tasks there are, with the root.
    pub(crate) tasks: usize,
    /// How many steps there are at most.
    pub(crate) steps: u32,
}

/// Runs all schedules of a program, of which there must be no more than some 100,000.
#[track_caller]
pub(crate) fn exact<F: Future<Output = ()>>(program: impl Fn(Actors) -> F + Sync) -> Exact {
    let runs = Mutex::new(Vec::new());
    let found =
        Sim::new(1).strategy(Strategy::Dfs { max_preemptions: u32::MAX }).explore(100_000, |rt| {
            let actors = Actors::new(rt);
            runs.lock().unwrap().push(actors.run.clone());
            let run = actors.run.clone();
            let future = actors.counted(program(actors.clone()));
            async move {
                future.await;
                run.lock().unwrap().went_well = true;
            }
        });
    assert!(found.exhausted, "there are more schedules than {}", found.runs);
    let runs = runs.into_inner().unwrap();
    let mut exact = Exact { schedules: found.runs, failures: 0, chance: 0.0, tasks: 0, steps: 0 };
    let mut all = 0.0;
    for run in &runs {
        let run = run.lock().unwrap();
        all += run.chance;
        exact.tasks = exact.tasks.max(run.ready.len());
        exact.steps = exact.steps.max(run.steps);
        if !run.went_well {
            exact.failures += 1;
            exact.chance += run.chance;
        }
    }
    // Otherwise a schedule was left out, or run twice.
    assert!((all - 1.0).abs() < 1e-9, "the chances of {} schedules add up to {all}", runs.len());
    assert_eq!(exact.failures, found.failures, "a run failed although the program ended well");
    exact
}

/// The chance of the bug in [`reorder`](super::programs::reorder) under `Random`, by the states that
/// it goes through: too many schedules lead to them for any of these to be run.
pub(crate) fn reorder_chance(setters: usize) -> f64 {
    // The setters that have not begun, and those that have to write `b`.
    let mut known = vec![[None; 3]; (setters + 1) * (setters + 1)];
    from(&mut known, setters, setters, 0, 0)
}

/// A state: the checker has not begun (0), or has read `a` as 0 (1) or as 1 (2).
fn from(
    known: &mut [[Option<f64>; 3]],
    setters: usize,
    fresh: usize,
    begun: usize,
    checker: usize,
) -> f64 {
    let place = fresh * (setters + 1) + begun;
    if let Some(chance) = known[place][checker] {
        return chance;
    }
    let (a_is_set, b_is_set) = (fresh < setters, fresh + begun < setters);
    let of_checker = match checker {
        0 => from(known, setters, fresh, begun, if a_is_set { 2 } else { 1 }),
        // Right are (0, 0) and (1, -1).
        1 => f64::from(u8::from(b_is_set)),
        _ => f64::from(u8::from(!b_is_set)),
    };
    let mut sum = of_checker;
    if fresh > 0 {
        sum += fresh as f64 * from(known, setters, fresh - 1, begun + 1, checker);
    }
    if begun > 0 {
        sum += begun as f64 * from(known, setters, fresh, begun - 1, checker);
    }
    let chance = sum / (fresh + begun + 1) as f64;
    known[place][checker] = Some(chance);
    chance
}
