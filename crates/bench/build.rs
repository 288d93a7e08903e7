//! Writes the example's server with a native spawn in the place of this crate's.
//!
//! The result is the example's own source but for two names, and is made anew whenever that
//! changes. `src/websocket/native.rs` says what the names stand for.

use std::path::Path;
use std::{env, fs};

const EXAMPLE: &str = "../../examples/websocket_server";

/// Where the names of this crate come from.
const IMPORT: &str = "use async_runtime_compat::prelude::*;";
/// The one of them that is not the name of the native thing, too.
const SPAWNER: &str = "Arc<dyn Spawner>";

fn main() {
    println!("cargo::rerun-if-changed={EXAMPLE}");
    println!("cargo::rerun-if-changed=build.rs");
    let here = env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this is");
    let example = Path::new(&here).join(EXAMPLE);
    let source = read(&example.join("server.rs"));

    assert_eq!(source.matches(IMPORT).count(), 1, "the server imports this crate in one line");
    let rooms = format!("{}/server/", example.display()).replace('\\', "/");
    let native = source
        .lines()
        // A file that is included has no inner documentation.
        .skip_while(|line| line.starts_with("//!"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace(IMPORT, "")
        .replace(SPAWNER, "Spawner")
        .replace("\"server/", &format!("\"{rooms}"));
    assert_native(&native);
    for room in fs::read_dir(example.join("server")).expect("the server has rooms") {
        assert_native(&read(&room.expect("it can be listed").path()));
    }

    let directory = env::var_os("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&directory).join("native_server.rs"), native).expect("it can be written");
}

/// Else the native server would go through what it is compared with.
fn assert_native(source: &str) {
    for name in ["async_runtime_compat", "dyn Spawner"] {
        assert!(!source.contains(name), "the native server still has `{name}` in it");
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
