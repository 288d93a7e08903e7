//! Which package, test target and features this process was built from.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A test binary, as far as it is known. Cargo tells a process its package at most, so the rest is
/// read from the notes that cargo keeps beside the binary: in `target/debug/.fingerprint`, a folder
/// named by the package and by the hash in the binary's name holds a file named by the target. These
/// notes are cargo's own, and may change; without them the command line just says less.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    package: Option<String>,
    /// The option that selects the target, such as `--test it`.
    selected: Option<String>,
    /// The options that select the features.
    features: Option<String>,
    /// The option that selects the profile, unless it is the usual one.
    profile: Option<String>,
}

impl Target {
    pub(super) fn of_this_process() -> Target {
        let package = env::var("CARGO_PKG_NAME").ok();
        let sources = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        match env::current_exe() {
            Ok(binary) => Target::of(&binary, package, sources.as_deref()),
            Err(_) => Target { package, ..Target::default() },
        }
    }

    fn of(binary: &Path, package: Option<String>, sources: Option<&Path>) -> Target {
        let name = binary.file_stem().unwrap_or_default().to_string_lossy();
        let Some((name, hash)) = name.rsplit_once('-') else {
            return Target { package, ..Target::default() };
        };
        // target/debug/deps/it-0123456789abcdef
        let folder = binary.parent().and_then(Path::parent);
        let profile = folder.and_then(Path::file_name).and_then(|it| match it.to_str()? {
            "debug" => None,
            "release" => Some("--release".to_owned()),
            other => Some(format!("--profile {other}")),
        });
        let noted = folder.and_then(|folder| Noted::find(&folder.join(".fingerprint"), hash));
        if let Some(Noted { package, target, features }) = noted {
            return Target { package: Some(package), selected: Some(target), features, profile };
        }
        let is_test = |sources: &Path| {
            let tests = sources.join("tests").join(name);
            tests.with_extension("rs").is_file() || tests.join("main.rs").is_file()
        };
        let selected = sources.filter(|sources| is_test(sources)).map(|_| format!("--test {name}"));
        Target { package, selected, features: None, profile }
    }

    /// The options, each followed by a space.
    pub(super) fn options(&self) -> String {
        let package = self.package.as_ref().map(|package| format!("-p {package}"));
        let options = [&package, &self.selected, &self.features, &self.profile];
        options.into_iter().flatten().flat_map(|option| [option, " "]).collect()
    }
}

struct Noted {
    package: String,
    target: String,
    features: Option<String>,
}

impl Noted {
    fn find(notes: &Path, hash: &str) -> Option<Noted> {
        let ending = format!("-{hash}");
        for folder in fs::read_dir(notes).ok()?.flatten() {
            let name = folder.file_name().into_string().unwrap_or_default();
            let Some(package) = name.strip_suffix(&ending) else { continue };
            for file in fs::read_dir(folder.path()).ok()?.flatten() {
                let name = file.file_name().into_string().unwrap_or_default();
                let Some(target) = name.strip_suffix(".json").and_then(option) else { continue };
                let features = fs::read_to_string(file.path()).ok().and_then(|it| features(&it));
                return Some(Noted { package: package.to_owned(), target, features });
            }
        }
        None
    }
}

/// The option that selects a target, by the name of the file with cargo's notes on it.
fn option(file: &str) -> Option<String> {
    let kinds = [
        ("test-integration-test-", "--test "),
        ("test-bin-", "--bin "),
        ("test-example-", "--example "),
        ("test-bench-", "--bench "),
    ];
    let named = kinds
        .iter()
        .find_map(|(kind, option)| Some(format!("{option}{}", file.strip_prefix(kind)?)));
    named.or_else(|| file.starts_with("test-lib-").then(|| "--lib".to_owned()))
}

/// The options that select the features in cargo's notes; `None` if they are the default ones.
fn features(notes: &str) -> Option<String> {
    let list = |key: &str| -> Option<Vec<&str>> {
        let (_, list) = notes.split_once(&format!("\"{key}\":\"["))?;
        let (list, _) = list.split_once("]\"")?;
        let names = list.split(',').map(|name| name.trim().trim_matches(['\\', '"']));
        Some(names.filter(|name| !name.is_empty()).collect())
    };
    let (mut on, declared) = (list("features")?, list("declared_features")?);
    let has_default = declared.contains(&"default");
    let mut options = Vec::new();
    if has_default && !on.contains(&"default") {
        options.push("--no-default-features".to_owned());
    }
    // A short list says more.
    if on.len() > 4 && declared.iter().all(|name| on.contains(name)) {
        return Some("--all-features".to_owned());
    }
    on.retain(|name| *name != "default");
    if !on.is_empty() {
        options.push(format!("--features {}", on.join(",")));
    }
    (!options.is_empty()).then(|| options.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_notes_are_read() {
        let folder = env::temp_dir().join(format!("dst-notes-{}", std::process::id()));
        let notes = folder.join("release/.fingerprint/my-package-0123abcd");
        fs::create_dir_all(&notes).unwrap();
        let text = r#"{"rustc":1,"features":"[\"default\", \"json\", \"smol\"]","declared_features":"[\"default\", \"json\", \"smol\"]"}"#;
        fs::write(notes.join("test-integration-test-it.json"), text).unwrap();
        let binary = folder.join("release/deps/it-0123abcd");
        let target = Target::of(&binary, None, None);
        let options = "-p my-package --test it --features json,smol --release ";
        assert_eq!(target.options(), options);
        fs::remove_dir_all(&folder).unwrap();
        // Without them, the name of the package is all there is.
        assert_eq!(Target::of(&binary, Some("a".into()), None).options(), "-p a --release ");
    }

    #[test]
    fn features_are_told_by_what_differs_from_the_default() {
        let noted = |on: &str, declared: &str| {
            features(&format!(r#"{{"features":"[{on}]","declared_features":"[{declared}]"}}"#))
        };
        let (a, default) = (r#"\"a\""#, r#"\"default\""#);
        assert_eq!(noted("", ""), None);
        assert_eq!(noted(default, default), None);
        assert_eq!(noted(a, a).unwrap(), "--features a");
        let both = format!("{a}, {default}");
        assert_eq!(noted(&both, &both).unwrap(), "--features a");
        assert_eq!(noted("", &both).unwrap(), "--no-default-features");
        assert_eq!(noted(a, &both).unwrap(), "--no-default-features --features a");
        let many = r#"\"a\", \"b\", \"c\", \"d\", \"e\""#;
        assert_eq!(noted(many, many).unwrap(), "--all-features");
        let declared = format!(r#"{many}, \"f\""#);
        assert_eq!(noted(many, &declared).unwrap(), "--features a,b,c,d,e");
    }

    #[test]
    fn targets_are_told_by_their_kind() {
        assert_eq!(option("test-lib-a").unwrap(), "--lib");
        assert_eq!(option("test-bin-a").unwrap(), "--bin a");
        assert_eq!(option("test-integration-test-a-b").unwrap(), "--test a-b");
        assert_eq!(option("lib-a"), None);
    }
}
