//! The rules as files: that they hang together, and that they and `clippy.toml` speak of the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::support::{Folder, migration};

/// The name and the text of each rule's document.
fn rules() -> Vec<(String, String)> {
    let mut rules = Vec::new();
    for file in yaml_files("rules") {
        let text = fs::read_to_string(&file).expect("a rule is readable");
        for document in text.split("\n---\n") {
            rules.push((value(document, "id: ").to_owned(), document.to_owned()));
        }
    }
    rules
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(migration().join(folder)).expect("the folder is there");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "yml")).collect()
}

#[track_caller]
fn value<'a>(document: &'a str, key: &str) -> &'a str {
    let line = document.lines().find(|line| line.starts_with(key));
    line.map_or_else(|| panic!("no {key} in\n{document}"), |line| line[key.len()..].trim())
}

const GUIDE: &str = "MIGRATION.md";
const CRATES_AND_TESTS: &str = "docs/porting-crates.md";
const README: &str = "README.md of the kit";

fn text(document: &str) -> String {
    let file = if document == README { "README.md" } else { &format!("../{document}") };
    fs::read_to_string(migration().join(file)).expect("the document is there")
}

/// The headings of a document, without their `#`.
fn sections(document: &str) -> BTreeSet<String> {
    let text = text(document);
    let headings = text.lines().filter(|line| line.starts_with("##"));
    headings.map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
}

#[test]
fn each_rule_names_a_section_that_is_there() {
    for (id, rule) in rules() {
        let (document, section) = [GUIDE, CRATES_AND_TESTS, README]
            .into_iter()
            .find_map(|document| {
                let rest = rule.split(&format!("\n  {document}, section \"")).nth(1)?;
                Some((document, rest.split('"').next()?.to_owned()))
            })
            .unwrap_or_else(|| panic!("{id} names no section"));
        let sections = sections(document);
        assert!(sections.contains(&section), "{id} names {section:?}; there are {sections:#?}");
    }
}

#[test]
fn clippy_names_sections_that_are_there() {
    let documents = [GUIDE, CRATES_AND_TESTS].map(|document| (document, sections(document)));
    for file in ["clippy.toml", "clippy-sim.toml"] {
        let clippy = fs::read_to_string(migration().join(file)).expect("it is there");
        for line in clippy.lines().filter(|line| line.contains("path =")) {
            let named = documents.iter().find_map(|(document, sections)| {
                let rest = line.split(&format!("({document}, ")).nth(1)?;
                Some((sections, rest.split(")\"").next()?))
            });
            let (sections, section) = named.unwrap_or_else(|| panic!("no section: {line}"));
            assert!(sections.contains(section), "there is no {section:?} for {file}: {line}");
        }
    }
}

#[test]
fn the_readme_lists_each_rule() {
    let readme = text(README);
    for (id, _) in rules() {
        assert!(readme.contains(&format!("\n| `{id}` ")), "the README does not list `{id}`");
    }
}

#[test]
fn rules_for_production_code_leave_tests_and_adapters_alone() {
    for (id, rule) in rules() {
        if value(&rule, "metadata: ") == "{scope: production}" {
            assert!(rule.contains("- not: {matches: exempt}\n"), "{id}");
        }
    }
}

#[test]
fn each_rule_has_its_tests() {
    let tested: BTreeSet<String> = yaml_files("rule-tests")
        .iter()
        .map(|file| value(&fs::read_to_string(file).expect("readable"), "id: ").to_owned())
        .collect();
    let rules: BTreeSet<String> = rules().into_iter().map(|(id, _)| id).collect();
    assert_eq!(rules, tested);
}

#[test]
fn a_rewrite_is_called_safe_and_nothing_else_is() {
    for (id, rule) in rules() {
        let fix = rule.lines().any(|line| line.starts_with("fix:"));
        assert_eq!(fix, id.starts_with("safe-"), "{id}");
        assert_eq!(fix, rule.contains("(safe rewrite)"), "{id}");
    }
}

#[test]
fn rules_for_production_code_leave_out_the_same_files() {
    let mut lists = BTreeSet::new();
    for (id, rule) in rules() {
        if value(&rule, "metadata: ") == "{scope: production}" {
            assert_eq!(value(&rule, "severity: "), "error", "{id}");
            lists.insert(value(&rule, "ignores: ").to_owned());
        }
    }
    assert_eq!(lists.len(), 1, "{lists:#?}");
}

/// The types whose methods need a receiver, and a method of several types that does.
const RECEIVERS: [&str; 12] = [
    "Handle",
    "Runtime",
    "JoinSet",
    "LocalSet",
    "Executor",
    "LocalExecutor",
    "ThreadPool",
    "ArbiterHandle",
    "SystemRunner",
    "FutureExt",
    "Builder",
    "elapsed",
];

fn needs_receiver(path: &str) -> bool {
    path.split("::").any(|part| RECEIVERS.contains(&part))
}

/// The paths in a list of `clippy.toml`.
fn disallowed(list: &str) -> Vec<String> {
    let clippy = fs::read_to_string(migration().join("clippy.toml")).expect("it is there");
    let start = clippy.find(&format!("{list} = [")).expect("the list is there");
    let end = clippy[start..].find("\n]").expect("the list ends") + start;
    clippy[start..end]
        .lines()
        .filter_map(|line| line.split("path = \"").nth(1)?.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// The functions that `clippy.toml` disallows and that are called by their path alone.
fn functions() -> Vec<String> {
    disallowed("disallowed-methods").into_iter().filter(|path| !needs_receiver(path)).collect()
}

/// The ways to write a call of a function, each with the call in the line of the `CALL`.
fn spellings(path: &str) -> Vec<String> {
    let parts: Vec<&str> = path.split("::").collect();
    // A function of a type goes by the type in a `use`.
    let typed = parts[parts.len() - 2].starts_with(char::is_uppercase);
    let (module, tail) = parts.split_at(parts.len() - if typed { 2 } else { 1 });
    let (root, module_path, module_name) = (module[0], module.join("::"), module[module.len() - 1]);
    let (item, tail_path) = (tail[0], tail.join("::"));
    let below = |name: &str| [&[name], &tail[1..]].concat().join("::");
    let (below_item, below_alias) = (below(item), below("alias"));
    let rest = parts[1..].join("::");
    let mut all = vec![
        format!("fn f() {{\n    {path}(x); // CALL\n}}"),
        format!("fn f() {{\n    ::{path}(x); // CALL\n}}"),
        format!("use {module_path}::{item};\nfn f() {{\n    {below_item}(x); // CALL\n}}"),
        format!(
            "use {module_path}::{{other, {item}}};\nfn f() {{\n    {below_item}(x); // CALL\n}}"
        ),
        format!(
            "use {module_path}::{item} as alias;\nfn f() {{\n    {below_alias}(x); // CALL\n}}"
        ),
        format!(
            "use {module_path}::{{other, {item} as alias}};\nfn f() {{\n    {below_alias}(x); // CALL\n}}"
        ),
        format!("use {root} as alias;\nfn f() {{\n    alias::{rest}(x); // CALL\n}}"),
        format!("use {module_path}::*;\nfn f() {{\n    {below_item}(x); // CALL\n}}"),
        format!("fn f() {{\n    use {module_path}::{item};\n    {below_item}(x); // CALL\n}}"),
        format!(
            "mod inner {{\n    use {module_path}::{item};\n    fn f() {{\n        {below_item}(x); // CALL\n    }}\n}}"
        ),
        format!("fn f() {{\n    call(|| {path}(x)); // CALL\n}}"),
        format!("fn f() {{\n    let f = {path}; // CALL\n}}"),
        format!("fn f() {{\n    vec![{path}(x)]; // CALL\n}}"),
        format!("use {module_path}::{item};\nfn f() {{\n    vec![{below_item}(x)]; // CALL\n}}"),
    ];
    if module.len() > 1 {
        let inner = module[1..].join("::");
        all.extend([
            format!("use {module_path};\nfn f() {{\n    {module_name}::{tail_path}(x); // CALL\n}}"),
            format!("use {module_path}::{{self, other}};\nfn f() {{\n    {module_name}::{tail_path}(x); // CALL\n}}"),
            format!("use {module_path} as alias;\nfn f() {{\n    alias::{tail_path}(x); // CALL\n}}"),
            format!("use {root}::{{other, {inner}}};\nfn f() {{\n    {module_name}::{tail_path}(x); // CALL\n}}"),
            format!("use {root}::{{other, {inner}::{item}}};\nfn f() {{\n    {below_item}(x); // CALL\n}}"),
            format!("use {root}::{{other, {inner}::{{other, {item} as alias}}}};\nfn f() {{\n    {below_alias}(x); // CALL\n}}"),
            format!("use {root}::{{{inner}::{{self as alias}}}};\nfn f() {{\n    alias::{tail_path}(x); // CALL\n}}"),
        ]);
    }
    all
}

#[test]
fn what_clippy_disallows_is_found_however_it_is_written() {
    let folder = Folder::new("spellings");
    let mut files = 0;
    for path in functions() {
        for spelling in spellings(&path) {
            folder.write(&format!("src/spelling_{files}.rs"), &format!("// {path}\n{spelling}\n"));
            files += 1;
        }
    }
    assert!(files > 500, "there are only {files}");
    let sites = folder.sites();
    let mut missed = Vec::new();
    for number in 0..files {
        let name = format!("src/spelling_{number}.rs");
        let text = folder.read(&name);
        let call =
            text.lines().position(|line| line.contains("// CALL")).expect("there is a call") + 1;
        if !sites.iter().any(|(file, line)| *file == name && *line == call as u64) {
            missed.push(text);
        }
    }
    assert!(missed.is_empty(), "{} of {files} are missed:\n{}", missed.len(), missed.join("\n"));
    println!("{files} spellings found");
}

#[test]
fn the_same_names_of_other_crates_are_left_alone() {
    let folder = Folder::new("strangers");
    let mut files = 0;
    for path in functions() {
        let (_, rest) = path.split_once("::").expect("a path has two parts");
        for spelling in spellings(&format!("stranger::{rest}")) {
            folder
                .write(&format!("src/spelling_{files}.rs"), &format!("use std::io;\n{spelling}\n"));
            files += 1;
        }
    }
    assert_eq!(folder.sites(), []);
}

#[test]
fn methods_that_clippy_disallows_are_found() {
    let folder = Folder::new("methods");
    // A builder is found where it is made; `elapsed` is left to clippy, as the README says.
    let methods: Vec<String> = disallowed("disallowed-methods")
        .into_iter()
        .filter(|path| needs_receiver(path))
        .filter(|path| !path.contains("::Builder::") && !path.ends_with("::elapsed"))
        .collect();
    for (number, path) in methods.iter().enumerate() {
        let (class, method) = path.rsplit_once("::").expect("a path has two parts");
        let argument = if class.ends_with("FutureExt") { "" } else { "work()" };
        let call = format!("x.{method}({argument})");
        folder.write(
            &format!("src/method_{number}.rs"),
            &format!("fn f(x: &{class}) {{\n    {call};\n    let y = {call};\n}}\n"),
        );
    }
    let sites = folder.sites();
    for (number, path) in methods.iter().enumerate() {
        for line in [2, 3] {
            assert!(sites.contains(&(format!("src/method_{number}.rs"), line)), "{path}");
        }
    }
    assert!(methods.len() > 12, "there are only {}", methods.len());
}

#[test]
fn types_that_clippy_disallows_are_found() {
    let folder = Folder::new("types");
    let types = disallowed("disallowed-types");
    for (number, path) in types.iter().enumerate() {
        let (module, name) = path.rsplit_once("::").expect("a path has two parts");
        folder.write(
            &format!("src/full_{number}.rs"),
            &format!("struct S {{\n    x: Option<{path}>,\n}}\n"),
        );
        folder.write(
            &format!("src/imported_{number}.rs"),
            &format!("use {module}::{name};\nfn f(x: {name}) {{}}\n"),
        );
    }
    let sites = folder.sites();
    for (number, path) in types.iter().enumerate() {
        // There is a `LocalSet` for `spawn-local`, which is about making one.
        if path.ends_with("LocalSet") {
            continue;
        }
        assert!(sites.contains(&(format!("src/full_{number}.rs"), 2)), "{path}");
        assert!(sites.contains(&(format!("src/imported_{number}.rs"), 1)), "{path}");
        assert!(sites.contains(&(format!("src/imported_{number}.rs"), 2)), "{path}");
    }
}
