//! Packages that are built with one backend, and with all.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// The package with the measured work.
pub const COSTS: &str = "async-runtime-compat-costs";

/// The backends, by the names of their features.
pub const BACKENDS: [&str; 4] = ["tokio", "smol", "async-std", "async-executor"];

/// All backends, as cargo has a list of features.
#[must_use]
pub fn all() -> String {
    BACKENDS.join(",")
}

/// The feature of a backend whose name says more, such as how many threads it has.
#[must_use]
pub fn feature(backend: &str) -> &'static str {
    BACKENDS.into_iter().find(|feature| backend.starts_with(feature)).unwrap_or_default()
}

/// Builds the program of the package with these features, in a folder beside this program's.
///
/// # Errors
///
/// If it does not build.
pub fn build(package: &str, features: &str) -> io::Result<PathBuf> {
    eprintln!("building {package} with {features}");
    // Cargo shares what the builds of one folder have in common, and replaces the program.
    let directory = env::current_exe()?.with_file_name("builds");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--package", package, "--features", features]);
    cargo.arg("--target-dir").arg(&directory).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cargo.status()?.success() {
        return Err(io::Error::other(format!("{package} does not build with {features}")));
    }
    let built = directory.join("release").join(package);
    let kept = directory.join(format!("{package} with {features}"));
    std::fs::copy(built, &kept)?;
    Ok(kept)
}
