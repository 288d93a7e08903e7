//! Running ast-grep, or reading what it wrote.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::args::Args;
use crate::site::Site;

const INSTALL: &str = "install it with `cargo install ast-grep --locked`, \
    `pip install ast-grep-cli` or `npm install --global @ast-grep/cli`, or name it with --ast-grep";

/// Every site, by file and line.
pub(crate) fn sites(args: &Args) -> Result<Vec<Site>, String> {
    let json = match &args.from {
        Some(file) => read(file)?,
        None => scan(args, &["--json=compact", "--include-metadata"])?,
    };
    let mut sites = Vec::new();
    for found in matches(&json)? {
        sites.extend(Site::read(&found)?);
    }
    sites.sort_by(|a, b| {
        (&a.file, a.line, a.column, &a.rule).cmp(&(&b.file, b.line, b.column, &b.rule))
    });
    Ok(sites)
}

/// The elements of a JSON array, or of a JSON object for each line.
fn matches(json: &str) -> Result<Vec<Value>, String> {
    let stream = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let mut all = Vec::new();
    for value in stream {
        match value.map_err(|error| format!("the scan's output is not JSON: {error}"))? {
            Value::Array(found) => all.extend(found),
            found => all.push(found),
        }
    }
    Ok(all)
}

fn read(file: &Path) -> Result<String, String> {
    if file == Path::new("-") {
        let mut json = String::new();
        return match io::stdin().read_to_string(&mut json) {
            Ok(_) => Ok(json),
            Err(error) => Err(format!("cannot read from stdin: {error}")),
        };
    }
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

/// What `ast-grep scan` prints with these options.
pub(crate) fn scan(args: &Args, options: &[&str]) -> Result<String, String> {
    if !args.config.is_file() {
        return Err(format!(
            "there are no rules at {}; run it at the root of the repository, or name them with --config",
            args.config.display()
        ));
    }
    for path in &args.paths {
        if !path.exists() {
            return Err(format!("there is no {}", path.display()));
        }
    }
    let mut command = Command::new(&args.ast_grep);
    command.arg("scan").arg("--config").arg(&args.config).args(options).args(&args.paths);
    let output = command
        .output()
        .map_err(|error| format!("cannot run `{}`: {error}; {INSTALL}", args.ast_grep.display()))?;
    if failed(&output) {
        return Err(format!(
            "`{}` failed; the rules need 0.51 or later\n{}",
            args.ast_grep.display(),
            String::from_utf8_lossy(&output.stderr).trim_end()
        ));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` wrote something that is not UTF-8", args.ast_grep.display()))
}

/// Its status is 1 both for sites that were found and for rules that cannot be read. Only the latter
/// leaves the output empty: a scan without a match prints an empty list.
fn failed(output: &Output) -> bool {
    !output.status.success() && output.stdout.is_empty()
}
