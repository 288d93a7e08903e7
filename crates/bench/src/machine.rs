//! What the figures were made on.

use std::fs;
use std::process::Command;
use std::thread;

/// The versions that this binary was built with.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// Lines that describe the machine and the compiler.
#[must_use]
pub fn description() -> Vec<(&'static str, String)> {
    vec![
        ("CPU", cpu()),
        ("cores", thread::available_parallelism().map_or_else(unknown, |cores| cores.to_string())),
        ("kernel", kernel()),
        ("compiler", rustc()),
    ]
}

/// The version of a package that this binary was built with.
#[must_use]
pub fn version(package: &str) -> Option<&'static str> {
    let entry = format!("name = \"{package}\"\nversion = \"");
    let version = LOCK.rsplit_once(&entry)?.1;
    Some(version.split_once('"')?.0)
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or_else(|| unknown(()), |model| model.trim_matches([' ', '\t', ':']).to_owned())
}

fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    release.map_or_else(unknown, |release| format!("Linux {}", release.trim()))
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(unknown, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn unknown<E>(_: E) -> String {
    "unknown".to_owned()
}
