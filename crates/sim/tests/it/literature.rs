//! The programs of the literature on testing concurrent programs: each strategy finds the bug as
//! often as it must, and finds none where there is none.

use std::pin::Pin;

use async_runtime_compat_sim::{Exploration, FailureKind, Sim, Strategy};

use super::exact::{Actors, Exact, exact, on_actors, reorder_chance};
use super::programs::buffers::{circular_buffer, queue, stack};
use super::programs::locks::{deadlock, wrong_lock};
use super::programs::reorder;
use super::programs::shared::{
    account, bluetooth, gone_after_the_look, token_ring, used_before_made,
};
use super::rates::assert_rate;

/// A program, with its bug or fixed.
type Program = fn(Actors, bool) -> Pin<Box<dyn Future<Output = ()>>>;

/// A program, and what is known of its bug.
struct Known {
    name: &'static str,
    program: Program,
    /// How many preemptions it takes.
    preemptions: u32,
    /// PCT's depth: how many ordering constraints it takes.
    depth: u32,
    kind: FailureKind,
}

macro_rules! known {
    ($program:ident, $preemptions:expr, $depth:expr, $kind:ident) => {
        Known {
            name: stringify!($program),
            program: |on, fixed| Box::pin($program(on, fixed)),
            preemptions: $preemptions,
            depth: $depth,
            kind: FailureKind::$kind,
        }
    };
}

const KNOWN: [Known; 10] = [
    known!(account, 0, 1, Panic),
    known!(bluetooth, 1, 2, Panic),
    known!(token_ring, 0, 1, Panic),
    known!(used_before_made, 0, 1, Panic),
    known!(gone_after_the_look, 1, 2, Panic),
    known!(deadlock, 1, 2, Stall),
    known!(wrong_lock, 1, 2, Panic),
    known!(circular_buffer, 1, 2, Panic),
    known!(stack, 1, 2, Panic),
    known!(queue, 1, 2, Panic),
];

impl Known {
    fn exact(&self, fixed: bool) -> Exact {
        exact(|on| (self.program)(on, fixed))
    }

    fn explore(&self, strategy: Strategy, runs: u64, fixed: bool) -> Exploration {
        let program = |rt| on_actors(rt, |on| (self.program)(on, fixed));
        Sim::new(1).strategy(strategy).explore(runs, program)
    }
}

#[test]
fn the_exact_chance_is_that_by_hand() {
    let chance = |name| {
        let known = KNOWN.iter().find(|known| known.name == name).unwrap();
        known.exact(false).chance
    };
    let assert_is = |name, expected: f64| {
        let chance = chance(name);
        assert!((chance - expected).abs() < 1e-9, "{name}: {chance}, and not {expected}");
    };
    // The last of three is the one who looks.
    assert_is("account", 1.0 / 3.0);
    // Of the six orders, four.
    assert_is("token_ring", 2.0 / 3.0);
    // One first, then the other, each with the chance 1/2.
    assert_is("deadlock", 1.0 / 2.0);
}

#[test]
fn random_finds_each_as_often_as_its_chance_is() {
    for known in &KNOWN {
        let exact = known.exact(false);
        assert!(exact.chance > 0.0 && exact.chance < 1.0, "{}: {exact:?}", known.name);
        let found = known.explore(Strategy::Random, 4_000, false);
        assert_rate(&found, exact.chance, 1.0);
        assert_eq!(found.first.unwrap().kind(), known.kind, "{}", known.name);
    }
}

#[test]
fn pct_keeps_its_bound_on_each() {
    for known in &KNOWN {
        let exact = known.exact(false);
        let (n, k) = (exact.tasks as f64, f64::from(exact.steps));
        let bound = 1.0 / (n * k.powf(f64::from(known.depth - 1)));
        let found = known.explore(Strategy::Pct { depth: known.depth }, 4_000, false);
        let rate = found.failures as f64 / found.runs as f64;
        assert!(rate >= bound, "{}: {rate:.4}, and the bound is {bound:.4}", known.name);
    }
}

#[test]
fn dfs_finds_each_with_so_many_preemptions_and_no_fewer() {
    for known in &KNOWN {
        let (name, needed) = (known.name, known.preemptions);
        for max_preemptions in 0..=needed {
            let found = known.explore(Strategy::Dfs { max_preemptions }, 100_000, false);
            assert!(found.exhausted, "{name}");
            assert_eq!(found.failures > 0, max_preemptions == needed, "{name}: {max_preemptions}");
        }
    }
}

#[test]
fn dfs_shows_that_none_is_left_once_it_is_fixed() {
    for known in &KNOWN {
        let exact = known.exact(true);
        assert_eq!(exact.failures, 0, "{}: {exact:?}", known.name);
        assert!(exact.schedules > 0);
    }
}

#[test]
fn random_finds_reorder_10_and_20_as_often_as_the_states_say() {
    for (setters, known) in
        [(2, Some(20.0 / 81.0)), (4, Some(3112.0 / 15625.0)), (9, None), (19, None)]
    {
        let chance = reorder_chance(setters);
        if let Some(known) = known {
            assert!((chance - known).abs() < 1e-12, "{setters} setters: {chance}");
            continue;
        }
        let found = Sim::new(1).explore(4_000, |rt| reorder(rt, setters));
        assert_rate(&found, chance, 1.0);
    }
}
