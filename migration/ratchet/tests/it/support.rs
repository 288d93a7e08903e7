//! A folder of its own for each test, and the ratchet in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder with the rules.
pub(crate) fn migration() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is in a folder").to_owned()
}

/// The program to scan with: the tests need it, and `AST_GREP` says where it is.
pub(crate) fn ast_grep() -> String {
    std::env::var("AST_GREP").unwrap_or_else(|_| "ast-grep".to_owned())
}

pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    pub(crate) fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("what an earlier run left can be removed");
        }
        fs::create_dir_all(&folder).expect("the target folder is writable");
        Folder(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let file = self.0.join(file);
        fs::create_dir_all(file.parent().expect("it is in the folder")).expect("it is writable");
        fs::write(file, text).expect("it is writable");
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).expect("it is readable")
    }

    /// Runs the ratchet with the rules of this repository.
    pub(crate) fn ratchet(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratchet"));
        command.args(arguments).current_dir(&self.0);
        command.args(["--baseline", "baseline.txt", "--ast-grep", &ast_grep(), "--config"]);
        command.arg(migration().join("sgconfig.yml"));
        Ran::new(&command.output().expect("it starts"))
    }

    /// The file and the line of each site in production code.
    pub(crate) fn sites(&self) -> Vec<(String, u64)> {
        let ran = self.ratchet(&["summary", "--format", "json", "src"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
        let sites = report["sites"].as_array().expect("there is a list");
        let production = sites.iter().filter(|site| site["scope"] == "production");
        let place = |site: &serde_json::Value| {
            Some((site["file"].as_str()?.to_owned(), site["line"].as_u64()?))
        };
        production.map(|site| place(site).expect("a site has a place")).collect()
    }
}

pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn new(output: &Output) -> Ran {
        Ran {
            status: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What it printed, if it ended with this status.
    #[track_caller]
    pub(crate) fn ended(&self, status: i32) -> &str {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        if status == 2 { &self.stderr } else { &self.stdout }
    }
}
