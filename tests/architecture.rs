//! Which room may import which, as `ARCHITECTURE.md` draws them.
//!
//! A room is a module at the root of the crate, with all its files. Arrows point down: a room imports
//! rooms below it, and files import each other in a circle within one room at most.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the bottom up.
const ROOMS: [&str; 24] = [
    "sync",
    "contain",
    "shards",
    "yield_now",
    "waiters",
    "ids",
    "meta",
    "error",
    "cancel",
    "watch",
    "layer",
    "seam",
    "task",
    "backend",
    "handle",
    "spawner",
    "blocking",
    "time",
    "decorate",
    "hook",
    "runtime",
    "group",
    "bridge",
    "testing",
];

/// Rooms that import public items alone, as a user of the crate does.
const OUTSIDERS: [&str; 1] = ["services"];

/// Files that are no room: they only re-export, or are only there for documentation.
const OTHERS: [&str; 4] = ["lib", "prelude", "migration", "docs"];

/// The public modules, which an outsider may import beside the items at the root.
const PUBLIC: [&str; 5] = ["decorate", "hook", "runtime", "services", "task"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A file's code, without its comments and its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file is text");
    let gates = ["#[cfg(test)]", "#[cfg(all(test, not(model)))]", "#[cfg(all(test, model))]"];
    let lines = text.lines().take_while(|line| !gates.contains(&line.trim()));
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// What follows each `crate::` in the code: a name, or each name of a group in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(rest.chars().take_while(|c| is_name(*c)).collect());
            continue;
        };
        let (mut depth, mut name) = (1, String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 1 && is_name(c) {
                name.push(c);
            } else if depth < 2 && (c == ',' || c == '}') {
                found.insert(std::mem::take(&mut name));
            } else if depth == 1 && c == ':' && !name.ends_with(':') {
                // What comes after the first segment is not asked for.
                found.insert(std::mem::take(&mut name));
                depth += 100;
            } else if depth > 100 && c == ',' {
                depth -= 100;
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// The room that a file of `src` belongs to.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).expect("it is a file of `src`");
    let first = inside.components().next().expect("it has a name").as_os_str();
    first.to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Whether the file has unit tests or model checks.
fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.ends_with("models.rs") && !path.ends_with("sync/models.rs")
}

fn is_item(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

#[test]
fn each_room_is_on_the_plan() {
    let rooms: BTreeSet<_> = files(&root().join("src")).iter().map(|path| room(path)).collect();
    let planned: BTreeSet<_> =
        ROOMS.iter().chain(&OUTSIDERS).chain(&OTHERS).map(|&name| name.to_owned()).collect();
    assert_eq!(rooms, planned, "rooms in `src`, and rooms on the plan");
}

#[test]
fn arrows_point_down() {
    let level = |name: &str| ROOMS.iter().position(|&room| room == name);
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for path in files(&root().join("src")) {
        if is_test(&path) {
            continue;
        }
        let from = room(&path);
        let Some(here) = level(&from) else { continue };
        for name in imports(&code(&path)) {
            // Items at the root are re-exports, of which the check cannot tell the room.
            let known = level(&name).map(|to| to <= here);
            let macros = name.starts_with("__");
            arrows += usize::from(known == Some(true) && name != from);
            if known != Some(true) && !macros && !is_allowed_reexport(&path, &name) {
                wrong.push(format!("{} imports `crate::{name}`", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "from a room to one above it, or past the rooms:\n{}",
        wrong.join("\n")
    );
    assert!(arrows > 50, "the check sees the arrows that there are, and not {arrows}");
}

/// Macros that are used in several rooms name the public items of the crate, as `$crate::Spawner`.
fn is_allowed_reexport(path: &Path, name: &str) -> bool {
    let is_macro =
        ["runtime/forward.rs", "decorate/decorated.rs"].iter().any(|file| path.ends_with(file));
    is_macro && is_item(name)
}

#[test]
fn jobs_and_services_import_public_items_alone() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in files(&root().join("src")) {
        if !OUTSIDERS.contains(&&*room(&path)) || is_test(&path) {
            continue;
        }
        for name in imports(&code(&path)) {
            seen += 1;
            let is_function = ["current", "from_env", "with_timer", "with_blocking", "yield_now"];
            if !is_item(&name) && !PUBLIC.contains(&&*name) && !is_function.contains(&&*name) {
                wrong.push(format!("{} imports `crate::{name}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "these are internals:\n{}", wrong.join("\n"));
    assert!(seen > 20, "the check sees the imports that there are, and not {seen}");
}

/// An atomic variable that loom does not know takes no part in the model checks.
#[test]
fn atomic_variables_and_locks_are_those_of_the_models() {
    // Where nothing is to be ordered, or where only the standard library's types can stand.
    let allowed = ["sync.rs", "shards/threads.rs", "blocking/pool.rs", "error.rs"];
    let mut wrong = Vec::new();
    for path in files(&root().join("src")) {
        let is_allowed = allowed.iter().any(|file| path.ends_with(file));
        if is_allowed || is_test(&path) || OUTSIDERS.contains(&&*room(&path)) {
            continue;
        }
        let code = code(&path);
        let words = ["std::sync::atomic", "std::sync::Mutex", "Mutex, ", "Mutex}"];
        let imports = code.lines().filter(|line| line.trim_start().starts_with("use std::sync"));
        let found = imports.filter(|line| words.iter().any(|word| line.contains(word)));
        wrong.extend(found.map(|line| format!("{}: {line}", path.display())));
    }
    assert!(wrong.is_empty(), "import them from `crate::sync`:\n{}", wrong.join("\n"));
}

/// `Native` is for the built-in backends: whoever else implements or asks for it would have to be
/// changed with the crate.
#[test]
fn dispatch_to_the_backends_is_used_inside_of_the_crate_alone() {
    let hidden = ["fn native(&self) -> Native<", "NativeBlocking", ".native_timer()"];
    let this = Path::new(file!()).file_name();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for folder in ["tests", "crates", "examples"] {
        for path in files(&root().join(folder)) {
            if path.file_name() == this {
                continue;
            }
            seen += 1;
            let code = code(&path);
            for word in hidden.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{} has `{word}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "they name what is hidden:\n{}", wrong.join("\n"));
    assert!(seen > 50, "the check looks at the files that there are, and not at {seen}");
}

#[test]
fn imports_are_read() {
    let code = "use crate::meta::Name;\nuse crate::{Spawner, hook::{Hooked, TaskEnd}, time};\n$crate::seam::X";
    let found: Vec<_> = imports(code).into_iter().collect();
    assert_eq!(found, ["Spawner", "hook", "meta", "seam", "time"]);
}
