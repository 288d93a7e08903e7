//! The ratchet at work.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Folder, ast_grep, migration};

/// A folder with two sites in production code, and one each in a test, an example and the docs.
fn project(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("src/lib.rs", LIB);
    folder.write("tests/it.rs", "fn helper() {\n    smol::block_on(work());\n}\n");
    folder.write("examples/demo.rs", "fn main() {\n    smol::spawn(work()).detach();\n}\n");
    folder
}

const LIB: &str = "\
/// As in `tokio::spawn(work())`.
pub fn start() {
    tokio::spawn(work());
}

pub async fn later(d: Duration) {
    smol::Timer::after(d).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn works() {
        smol::block_on(super::work());
    }
}
";

#[test]
fn the_summary_tells_production_code_from_the_rest() {
    let folder = project("summary");
    let ran = folder.ratchet(&["summary"]);
    let table = ran.ended(0);
    for line in [
        "     2       1  src/lib.rs",
        "     1       1  safe-spawn-forgotten",
        "     1       0  sleep",
        "2 in production code, 1 of them with a safe rewrite",
        "1 in documentation",
        "1 in examples and benchmarks",
        "2 in tests",
    ] {
        assert!(table.lines().any(|is| is == line), "no line {line:?} in\n{table}");
    }
}

#[test]
fn the_summary_for_machines_has_each_site() {
    let folder = project("machines");
    let ran = folder.ratchet(&["summary", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(ran.ended(0)).expect("it is JSON");
    assert_eq!(report["files"]["src/lib.rs"]["sites"], 2);
    assert_eq!(report["rules"]["sleep"]["safe"], 0);
    assert_eq!(report["scopes"]["test"]["sites"], 2);
    let sites = report["sites"].as_array().expect("a list");
    assert_eq!(sites.len(), 6);
    let sleep = sites.iter().find(|site| site["rule"] == "sleep").expect("it is there");
    assert_eq!((sleep["line"].as_u64(), sleep["column"].as_u64()), (Some(7), Some(5)));
    assert_eq!(sleep["code"], "smol::Timer::after(d).await;");
}

#[test]
fn a_clean_code_base_has_no_sites() {
    let folder = Folder::new("clean");
    folder.write(
        "src/lib.rs",
        "pub fn start(spawner: &dyn Spawner) {\n    spawner.spawn_detached(work());\n}\n",
    );
    assert_eq!(
        folder.ratchet(&["summary"]).ended(0),
        "0 in production code, 0 of them with a safe rewrite\n"
    );
    folder.ratchet(&["check", "--write"]).ended(0);
    folder.ratchet(&["check"]).ended(0);
}

#[test]
fn the_number_of_sites_only_falls() {
    let folder = project("ratchet");
    assert!(folder.ratchet(&["check"]).ended(2).contains("`ratchet check --write` makes it"));
    folder.ratchet(&["check", "--write"]).ended(0);
    folder.ratchet(&["check"]).ended(0);
    let baseline = folder.read("baseline.txt");

    // More: it fails, names the new one only, and cannot be written away.
    folder.write("src/new.rs", "pub fn more() {\n    let task = tokio::spawn(work());\n}\n");
    for arguments in [&["check"][..], &["check", "--write"]] {
        let ran = folder.ratchet(arguments);
        let report = ran.ended(1);
        assert!(report.contains("src/new.rs:2:16: spawn-detaching: "), "{report}");
        assert!(report.contains("let task = tokio::spawn(work());"), "{report}");
        assert!(report.contains("1 new direct uses"), "{report}");
        assert!(!report.contains("src/lib.rs"), "{report}");
        assert_eq!(folder.read("baseline.txt"), baseline);
    }

    // Fewer: the baseline is to be lowered, and then there is no way back.
    folder.write("src/new.rs", "");
    folder.write("src/lib.rs", &LIB.replace("tokio::spawn(work());\n}", "}"));
    assert!(folder.ratchet(&["check"]).ended(3).contains("the baseline can be lowered"));
    folder.ratchet(&["check", "--write"]).ended(0);
    folder.ratchet(&["check"]).ended(0);
    folder.write("src/lib.rs", LIB);
    assert!(folder.ratchet(&["check"]).ended(1).contains("src/lib.rs:3:5: safe-spawn-forgotten: "));
}

#[test]
fn code_may_move_and_be_edited() {
    let folder = project("moved");
    folder.ratchet(&["check", "--write"]).ended(0);
    folder.write("src/lib.rs", &format!("\n\n{}", LIB.replace("after(d)", "after(d * 2)")));
    folder.ratchet(&["check"]).ended(0);
    folder.write("src/elsewhere.rs", LIB);
    folder.write("src/lib.rs", "");
    folder.ratchet(&["check"]).ended(0);
    folder.ratchet(&["check", "--write"]).ended(0);
    assert!(folder.read("baseline.txt").contains("src/elsewhere.rs"));
}

#[test]
fn tests_and_examples_count_when_asked_for() {
    let folder = project("all");
    folder.ratchet(&["check", "--write", "--all"]).ended(0);
    folder.write("tests/more.rs", "fn helper() {\n    tokio::spawn(work());\n}\n");
    assert!(folder.ratchet(&["check", "--all"]).ended(1).contains("tests/more.rs:2:5"));
}

#[test]
fn a_workflow_is_told_of_new_sites_in_its_own_words() {
    let folder = project("workflow");
    folder.write("baseline.txt", "");
    let ran = folder.ratchet(&["check", "--format", "github"]);
    let report = ran.ended(1);
    assert!(
        report.starts_with("::error file=src/lib.rs,line=3,col=5,title=safe-spawn-forgotten::"),
        "{report}"
    );
}

#[test]
fn a_comment_keeps_a_use() {
    let folder = Folder::new("kept");
    let kept = "fn f() {\n    // ast-grep-ignore: spawn-method\n    handle.spawn(work());\n    handle.spawn(work());\n}\n";
    folder.write("src/lib.rs", kept);
    assert_eq!(folder.sites(), [("src/lib.rs".to_owned(), 4)]);
}

/// The seam has to call a runtime, and rewritten it would call itself.
#[test]
fn adapters_are_left_alone() {
    let folder = Folder::new("adapters");
    let adapter = "use async_runtime_compat::prelude::*;\n\
                   pub struct Ours { late: Option<tokio::time::Sleep> }\n\
                   impl Spawner for Ours {\n    \
                   fn spawn(&self, future: BoxFuture<'static, ()>) {\n        \
                   tokio::spawn(future);\n    }\n}\n\
                   impl Timer for Ours {\n    \
                   fn now(&self) -> std::time::Instant {\n        \
                   std::time::Instant::now()\n    }\n}\n";
    folder.write("src/adapter.rs", adapter);
    assert_eq!(folder.sites(), []);
    assert!(folder.ratchet(&["rewrite", "src"]).ended(0).starts_with("0 sites rewritten\n"));
    assert_eq!(folder.read("src/adapter.rs"), adapter);

    // What the type does beside it counts, and so does the trait of another crate.
    let more = "impl Ours {\n    fn start(&self) {\n        tokio::spawn(work());\n    }\n}\n";
    folder.write("src/adapter.rs", &format!("{adapter}{more}"));
    assert_eq!(folder.sites(), [("src/adapter.rs".to_owned(), 15)]);
    let other = adapter.replace("async_runtime_compat::prelude::*", "other::Timer");
    folder.write("src/adapter.rs", &other);
    assert_eq!(folder.sites(), [("src/adapter.rs".to_owned(), 10)]);
}

#[test]
fn a_part_of_the_repository_has_a_baseline_of_its_own() {
    let folder = project("parts");
    folder.write("more/src/lib.rs", "pub fn more() {\n    let task = tokio::spawn(work());\n}\n");
    assert!(folder.ratchet(&["summary"]).ended(0).contains("\n3 in production code"));
    assert!(folder.ratchet(&["summary", "src"]).ended(0).contains("\n2 in production code"));
    assert!(folder.ratchet(&["summary", "src", "more"]).ended(0).contains("\n3 in production"));

    folder.ratchet(&["check", "--write", "more"]).ended(0);
    let baseline = folder.read("baseline.txt");
    assert!(baseline.contains("more/src/lib.rs") && !baseline.contains("\tsrc/"), "{baseline}");
    folder.ratchet(&["check", "more"]).ended(0);
    folder.ratchet(&["check", "src"]).ended(1);
    assert!(folder.ratchet(&["check"]).ended(1).contains("2 new direct uses"));
}

#[test]
fn the_rewrites_go_on_until_none_is_left() {
    let folder = Folder::new("nested");
    folder.write(
        "src/lib.rs",
        "fn f() {\n    smol::spawn(async {\n        smol::spawn(work()).detach();\n    })\n    .detach();\n}\n",
    );
    assert!(folder.ratchet(&["rewrite", "src"]).ended(0).starts_with("2 sites rewritten\n"));
    assert_eq!(
        folder.read("src/lib.rs"),
        "use async_runtime_compat::SpawnerExt as _;\n\
         fn f() {\n    crate::spawner().spawn_detached(async {\n        \
         crate::spawner().spawn_with_handle(work()).detach();\n    });\n}\n"
    );
    assert!(folder.ratchet(&["rewrite", "src"]).ended(0).starts_with("0 sites rewritten\n"));
}

#[test]
fn what_ast_grep_wrote_is_read_from_stdin() {
    let folder = project("stdin");
    let scan = Command::new(ast_grep())
        .args(["scan", "--json=stream", "--include-metadata", "--config"])
        .arg(migration().join("sgconfig.yml"))
        .current_dir(folder.path())
        .output()
        .expect("ast-grep starts");
    let mut ratchet = Command::new(env!("CARGO_BIN_EXE_ratchet"))
        .args(["summary", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    ratchet.stdin.take().expect("it is piped").write_all(&scan.stdout).expect("it reads");
    let output = ratchet.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), folder.ratchet(&["summary"]).ended(0));
}

#[test]
fn a_missing_ast_grep_is_said_to_be_missing() {
    let folder = project("missing");
    let output = Command::new(env!("CARGO_BIN_EXE_ratchet"))
        .args(["summary", "--ast-grep", "no-such-program", "--config"])
        .arg(migration().join("sgconfig.yml"))
        .current_dir(folder.path())
        .output()
        .expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for word in
        ["`no-such-program`", "cargo install ast-grep", "pip install ast-grep-cli", "npm install"]
    {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn what_else_goes_wrong_is_said_too() {
    let folder = project("wrong");
    assert!(folder.ratchet(&["summary", "no-such-folder"]).ended(2).contains("no-such-folder"));
    folder.write("baseline.txt", "<<<<<<< HEAD\n");
    assert!(folder.ratchet(&["check"]).ended(2).contains("baseline.txt: line 1"));
    folder.write("sgconfig.yml", "ruleDirs: [rules]\n");
    folder.write("rules/broken.yml", "id: broken\nlanguage: rust\nrule: {kind: no_such_kind}\n");
    folder.write("scan.json", "[{\"file\": \"src/lib.rs\"}]");
    for (arguments, words) in [
        (&["summary"][..], "migration/sgconfig.yml"),
        (&["summary", "--config", "sgconfig.yml"], "broken.yml"),
        (&["summary", "--from", "scan.json"], "--include-metadata"),
        (&["summary", "--from", "src/lib.rs"], "not JSON"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ratchet"))
            .args(arguments)
            .args(["--ast-grep", &ast_grep()])
            .current_dir(folder.path())
            .output()
            .expect("it starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}
