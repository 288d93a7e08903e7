//! Generates a copy of the examples' WebSocket server that spawns natively.
//!
//! The copy differs from the original in two names, which `src/websocket/native.rs` defines. It is
//! generated again whenever the original changes.

use std::path::Path;
use std::{env, fs};

/// The folder of the server.
const EXAMPLE: &str = "../../examples/src/websocket";

/// The modules of the server. They do not use `async-runtime-compat`, and are included as they are.
const MODULES: [&str; 5] = ["calls", "connection", "protocol", "time", "tls"];

/// The import of this crate. `src/websocket/native.rs` defines the names instead.
const IMPORT: &str = "use async_runtime_compat::prelude::*;";
/// The type of the spawner. The native one is no trait object.
const SPAWNER: &str = "Arc<dyn Spawner>";

fn main() {
    println!("cargo::rerun-if-changed={EXAMPLE}");
    println!("cargo::rerun-if-changed=build.rs");
    let here = env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this is");
    let example = Path::new(&here).join(EXAMPLE);
    let source = read(&example.join("server.rs"));

    assert_eq!(source.matches(IMPORT).count(), 1, "the server imports this crate in one line");
    let mut native = source
        .lines()
        // A file that is included cannot have inner documentation.
        .skip_while(|line| line.starts_with("//!"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace(IMPORT, "")
        .replace(SPAWNER, "Spawner");
    assert_native(&native);
    for module in MODULES {
        let declaration = format!("\nmod {module};");
        assert_eq!(native.matches(&declaration).count(), 1, "the server has a module `{module}`");
        let path = example.join("server").join(module).with_extension("rs");
        assert_native(&read(&path));
        // In quotes, with what a string literal has to escape.
        let path = format!("{:?}", path.display().to_string());
        native = native.replace(&declaration, &format!("\n#[path = {path}]\nmod {module};"));
    }

    let directory = env::var_os("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&directory).join("native_server.rs"), native).expect("it can be written");
}

/// Checks that the native server does not use the crate with which it is compared.
fn assert_native(source: &str) {
    for name in ["async_runtime_compat", "dyn Spawner"] {
        assert!(!source.contains(name), "the native server still has `{name}` in it");
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
