//! The command line.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Counts the direct uses of a runtime that the migration rules find, and lets the count only fall.

usage: ratchet summary [OPTIONS] [PATHS]   a table by file and by rule
       ratchet check   [OPTIONS] [PATHS]   fails if there is a site that the baseline lacks
       ratchet rewrite [OPTIONS] [PATHS]   applies the safe rewrites until nothing is left of them

PATHS are what to scan; the default is the current directory. Run it where the baseline's paths
start, which is the root of the repository.

  --write            check: make the baseline, or lower it; it is never raised
  --all              check: count tests, examples and documentation, too
  --format FORMAT    text, json, or github (annotations for a workflow); default: text
  --baseline FILE    default: migration/baseline.txt
  --config FILE      the rules; default: migration/sgconfig.yml
  --ast-grep FILE    the program to scan with; default: ast-grep
  --from FILE        read what `ast-grep scan --json=compact --include-metadata` wrote, or `-`

exit status: 0 fine, 1 new sites, 2 trouble, 3 the baseline allows more sites than there are
";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Command {
    Summary,
    Check,
    Rewrite,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format {
    Text,
    Json,
    Github,
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) command: Command,
    pub(crate) write: bool,
    pub(crate) all: bool,
    pub(crate) format: Format,
    pub(crate) baseline: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) ast_grep: PathBuf,
    pub(crate) from: Option<PathBuf>,
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug)]
pub(crate) enum Parsed {
    Run(Args),
    Help,
}

pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Parsed, String> {
    let mut command = None;
    let mut args = Args {
        command: Command::Summary,
        write: false,
        all: false,
        format: Format::Text,
        baseline: "migration/baseline.txt".into(),
        config: "migration/sgconfig.yml".into(),
        ast_grep: "ast-grep".into(),
        from: None,
        paths: Vec::new(),
    };
    let mut words = words;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "-h" | "--help" => return Ok(Parsed::Help),
            "--write" => args.write = true,
            "--all" => args.all = true,
            "--format" => args.format = format(&value()?)?,
            "--baseline" => args.baseline = value()?.into(),
            "--config" => args.config = value()?.into(),
            "--ast-grep" => args.ast_grep = value()?.into(),
            "--from" => args.from = Some(value()?.into()),
            option if option.starts_with("--") => {
                return Err(format!("no option {option}; `ratchet --help` lists them"));
            }
            name if command.is_none() => command = Some(self::command(name)?),
            _ => args.paths.push(word.into()),
        }
    }
    args.command =
        command.ok_or("what to do? summary, check or rewrite; `ratchet --help` says more")?;
    if args.write && args.command != Command::Check {
        return Err("--write goes with check".to_owned());
    }
    if args.from.is_some() && args.command == Command::Rewrite {
        return Err("rewrite runs ast-grep itself, and reads no --from".to_owned());
    }
    Ok(Parsed::Run(args))
}

fn command(name: &str) -> Result<Command, String> {
    match name {
        "summary" => Ok(Command::Summary),
        "check" => Ok(Command::Check),
        "rewrite" => Ok(Command::Rewrite),
        other => Err(format!("no command {other}; there are summary, check and rewrite")),
    }
}

fn format(name: &str) -> Result<Format, String> {
    match name {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        "github" => Ok(Format::Github),
        other => Err(format!("no format {other}; there are text, json and github")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Args, String> {
        match parse(line.split_whitespace().map(str::to_owned))? {
            Parsed::Run(args) => Ok(args),
            Parsed::Help => Err("help".to_owned()),
        }
    }

    #[test]
    fn options_and_paths_may_be_mixed() {
        let args = run("check src --format github --write crates").expect("it is right");
        assert_eq!(args.command, Command::Check);
        assert_eq!(args.format, Format::Github);
        assert!(args.write && !args.all);
        assert_eq!(args.paths, ["src", "crates"].map(PathBuf::from));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("", "summary, check or rewrite"),
            ("count", "count"),
            ("check --frmat json", "--frmat"),
            ("check --format xml", "xml"),
            ("check --baseline", "--baseline"),
            ("summary --write", "--write"),
            ("rewrite --from x", "--from"),
        ] {
            let error = run(line).expect_err(line);
            assert!(error.contains(named), "{line:?}: {error}");
        }
    }

    #[test]
    fn help_wins() {
        assert_eq!(run("check --help").expect_err("help"), "help");
    }
}
