//! The environment of a check, by way of child processes.

use std::process::{Command, Output};

use async_runtime_compat::prelude::*;
use async_runtime_compat_sim::{self as sim, Check, Strategy};

use super::programs::{lost_update, reorder};

const CHILD: &str = "CHECK_OF_A_CHILD";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// This test again, in a process of its own.
fn child(test: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let Output { status, stdout, stderr } = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("environment::{test}"), "--nocapture"])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (status.success(), text)
}

#[track_caller]
fn assert_fails(child: (bool, String), words: &[&str]) {
    let (passed, text) = child;
    assert!(!passed, "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

/// The variables of the last line that replays something, and the test that it names.
fn line(text: &str) -> (Vec<(&str, &str)>, &str) {
    let line = text.lines().rfind(|line| line.trim().starts_with("DST_SEED=")).unwrap();
    let (variables, command) = line.trim().split_once(" cargo test ").unwrap();
    let variables = variables.split(' ').map(|it| it.split_once('=').unwrap()).collect();
    let test = command.strip_prefix(crate::SELECTED).unwrap().trim_start();
    (variables, test.strip_suffix(" -- --exact").unwrap())
}

#[test]
fn the_printed_line_replays_the_failure() {
    if is_child() {
        sim::check(|rt| reorder(rt, 3));
        return;
    }
    let name = "the_printed_line_replays_the_failure";
    let (passed, first) = child(name, &[]);
    assert!(!passed, "{first}");
    let (variables, test) = line(&first);
    assert_eq!(test, format!("environment::{name}"));
    let (passed, second) = child(name, &variables);
    assert!(!passed, "{second}");
    assert!(second.contains("the tape was replayed, and the run failed"), "{second}");
    // The same interleaving, to the last step.
    let table = |text: &str| {
        let from = text.find("  step  time").unwrap();
        let to = from + text[from..].find("▶ panic").unwrap();
        text[from..to].to_owned()
    };
    assert_eq!(table(&first), table(&second));
    // And the line that was printed before it was shrunk.
    let early = first.lines().find(|line| line.trim().starts_with("DST_SEED=")).unwrap();
    let (passed, third) = child(name, &line(early).0);
    assert!(!passed && third.contains("the tape was replayed, and the run failed"), "{third}");
}

#[test]
fn faults_are_replayed_by_the_printed_line() {
    if is_child() {
        Check::new().buggify(1.0, 1.0).run(|rt| async move {
            let failed = [rt.buggify("kv get"), rt.buggify("kv put"), rt.buggify("kv get")];
            assert!(!failed[2], "the second read failed");
        });
        return;
    }
    let name = "faults_are_replayed_by_the_printed_line";
    let (passed, first) = child(name, &[]);
    assert!(!passed, "{first}");
    // The label has a space, so the tape is quoted.
    let line = first.lines().rfind(|line| line.trim().starts_with("DST_SEED=")).unwrap();
    assert!(line.contains(" DST_TAPE='t2:;f:kv get#2' cargo test "), "{line}");
    let replay = |tape| child(name, &[("DST_TAPE", tape)]);
    assert_fails(replay("t2:;f:kv get#2"), &["the tape was replayed", "the second read failed"]);
    let (passed, text) = replay("t2:;f:kv get#1,kv put#1");
    assert!(passed, "{text}");
    assert_fails(replay("t2:;f:kv get"), &["`kv get` is not a fault"]);
}

#[test]
fn every_row_is_shown_on_request() {
    if is_child() {
        sim::check(|rt| async move {
            for _ in 0..200 {
                async_runtime_compat::yield_now().await;
            }
            rt.spawn_detached(std::future::pending());
        });
        return;
    }
    let rows = |variables: &[(&str, &str)]| {
        let (passed, text) = child("every_row_is_shown_on_request", variables);
        assert!(!passed, "{text}");
        text.lines().filter(|line| line.ends_with(" yields")).count()
    };
    assert!(rows(&[]) < 100);
    assert_eq!(rows(&[("DST_TIMELINE", "all")]), 200);
}

#[test]
fn nothing_is_printed_where_there_is_no_terminal() {
    if is_child() {
        Check::new().runs(2000).run(|rt| lost_update(rt, 1));
        return;
    }
    let (passed, text) = child("nothing_is_printed_where_there_is_no_terminal", &[]);
    assert!(passed, "{text}");
    assert!(!text.contains("schedules") && !text.contains('\r'), "{text}");
}

#[test]
fn seed_runs_and_strategy_go_before_the_code() {
    if is_child() {
        let checked = Check::new().run(|rt| async move {
            println!("drew {}", rt.rng("x").next_u64());
        });
        println!("ran {}", checked.runs);
        return;
    }
    let name = "seed_runs_and_strategy_go_before_the_code";
    let run = |seed| {
        let variables = [("DST_SEED", seed), ("DST_RUNS", "5"), ("DST_STRATEGY", "round-robin")];
        let (passed, text) = child(name, &variables);
        assert!(passed && text.contains("ran 5"), "{text}");
        let mut drawn: Vec<_> =
            text.lines().filter(|line| line.contains("drew ")).map(str::to_owned).collect();
        drawn.sort();
        drawn
    };
    // The five of them are run twice each, for the comparison.
    assert_eq!(run("7").len(), 10);
    assert_eq!(run("7"), run("0x7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn a_strategy_that_was_chosen_is_used() {
    if is_child() {
        Check::new().strategies([Strategy::Random]).run(|rt| lost_update(rt, 2));
        return;
    }
    let name = "a_strategy_that_was_chosen_is_used";
    let variables = [("DST_STRATEGY", "dfs(max_preemptions=1)")];
    assert_fails(child(name, &variables), &["strategy  dfs(max_preemptions=1)"]);
}

#[test]
fn bad_values_say_what_is_accepted() {
    if is_child() {
        sim::check(|rt| lost_update(rt, 1));
        return;
    }
    let with = |name, value| child("bad_values_say_what_is_accepted", &[(name, value)]);
    assert_fails(with("DST_SEED", "ten"), &["`DST_SEED` is `ten`", "a whole number from 0"]);
    assert_fails(with("DST_RUNS", "0"), &["`DST_RUNS` is `0`", "from 1"]);
    let names = ["`DST_STRATEGY`", "`luck` is not a strategy", "`random`", "`pct(depth=3)`"];
    assert_fails(with("DST_STRATEGY", "luck"), &names);
    let damaged = ["`DST_TAPE`", "item 2 is `O`", "`t1:0.2.1x3.2`"];
    assert_fails(with("DST_TAPE", "t1:0.O.1"), &damaged);
}

#[test]
fn a_tape_that_does_not_fit_says_at_which_step() {
    if is_child() {
        sim::check(|rt| lost_update(rt, 2));
        return;
    }
    let with = |tape| child("a_tape_that_does_not_fit_says_at_which_step", &[("DST_TAPE", tape)]);
    let words =
        ["diverged from the tape: at step 3, task 7 should go next, but the ready tasks are 1, 2"];
    assert_fails(with("t1:1.7"), &words);
    let words = ["diverged from the tape: ", "choices left on the tape"];
    assert_fails(with("t1:1x2.9"), &words);
}

#[test]
fn a_tape_that_does_not_fail_any_more_passes() {
    if is_child() {
        sim::check(|rt| lost_update(rt, 2));
        return;
    }
    let name = "a_tape_that_does_not_fail_any_more_passes";
    let (passed, text) = child(name, &[("DST_TAPE", "t1:1x2")]);
    assert!(passed && text.contains("the tape was replayed to its end"), "{text}");
}

#[test]
fn a_picture_is_written_where_the_environment_says() {
    if is_child() {
        sim::check(|rt| lost_update(rt, 2));
        return;
    }
    let path = std::env::temp_dir().join(format!("dst-{}.svg", std::process::id()));
    let (passed, text) = child(
        "a_picture_is_written_where_the_environment_says",
        &[("DST_SVG", path.to_str().unwrap())],
    );
    assert!(!passed, "{text}");
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("</svg>\n"));
    std::fs::remove_file(&path).unwrap();
}
