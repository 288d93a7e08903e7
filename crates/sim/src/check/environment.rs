//! The environment variables.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

use crate::strategy::Strategy;
use crate::tape::Tape;

pub(super) const SEED: &str = "DST_SEED";
pub(super) const TAPE: &str = "DST_TAPE";
const RUNS: &str = "DST_RUNS";
const STRATEGY: &str = "DST_STRATEGY";
const SVG: &str = "DST_SVG";
const TIMELINE: &str = "DST_TIMELINE";

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) seed: Option<u64>,
    pub(super) runs: Option<u64>,
    pub(super) strategy: Option<Strategy>,
    pub(super) tape: Option<Tape>,
    pub(super) svg: Option<PathBuf>,
    /// Whether to show every row.
    pub(super) whole: bool,
}

impl Environment {
    /// The error says what is wrong, and what is expected.
    pub(super) fn read() -> Result<Environment, String> {
        Environment::parse(&|name| env::var_os(name))
    }

    fn parse(get: &dyn Fn(&str) -> Option<OsString>) -> Result<Environment, String> {
        // An empty variable counts as unset.
        let set = |name| get(name).filter(|value| !value.is_empty());
        Ok(Environment {
            seed: set(SEED).map(|value| seed(&value)).transpose()?,
            runs: set(RUNS).map(|value| runs(&value)).transpose()?,
            strategy: set(STRATEGY).map(|value| strategy(&value)).transpose()?,
            tape: set(TAPE).map(|value| tape(&value)).transpose()?,
            svg: set(SVG).map(PathBuf::from),
            whole: set(TIMELINE).map(|value| whole(&value)).transpose()?.unwrap_or_default(),
        })
    }
}

fn invalid(name: &str, value: &OsStr, why: &str) -> String {
    format!("the environment variable `{name}` is `{}`: {why}", value.to_string_lossy())
}

fn text<'a>(name: &str, value: &'a OsStr) -> Result<&'a str, String> {
    value.to_str().ok_or_else(|| invalid(name, value, "it is not Unicode"))
}

fn seed(value: &OsStr) -> Result<u64, String> {
    let text = text(SEED, value)?.trim();
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let accepted = format!(
        "expected a whole number from 0 to {}, decimal or, with `0x`, hexadecimal",
        u64::MAX
    );
    number.map_err(|_| invalid(SEED, value, &accepted))
}

fn runs(value: &OsStr) -> Result<u64, String> {
    match text(RUNS, value)?.trim().replace('_', "").parse() {
        Ok(runs @ 1..) => Ok(runs),
        _ => Err(invalid(RUNS, value, "expected a number of schedules, a whole number from 1")),
    }
}

fn whole(value: &OsStr) -> Result<bool, String> {
    match text(TIMELINE, value)?.trim() {
        "all" => Ok(true),
        "causes" => Ok(false),
        _ => Err(invalid(TIMELINE, value, "expected `all` rows, or only the `causes`")),
    }
}

fn strategy(value: &OsStr) -> Result<Strategy, String> {
    let name = text(STRATEGY, value)?;
    name.parse().map_err(|error| format!("the environment variable `{STRATEGY}`: {error}"))
}

fn tape(value: &OsStr) -> Result<Tape, String> {
    let mut text = text(TAPE, value)?.to_owned();
    if let Some(path) = text.strip_prefix('@') {
        text = fs::read_to_string(path).map_err(|error| {
            invalid(TAPE, value, &format!("the file with the tape cannot be read: {error}"))
        })?;
    }
    text.parse().map_err(|error| {
        format!(
            "the environment variable `{TAPE}`: {error}; expected a tape such as `t1:0.2.1x3.2`, as \
             printed by a failure, or `@` and the path of a file with one"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &'static str, value: &'static str) -> Result<Environment, String> {
        Environment::parse(&|asked| (asked == name).then(|| value.into()))
    }

    #[track_caller]
    fn assert_invalid(name: &'static str, value: &'static str, words: &[&str]) {
        let error = parse(name, value).unwrap_err();
        for word in words.iter().chain(&[name]) {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
    }

    #[test]
    fn values_are_read() {
        assert_eq!(Environment::parse(&|_| None), Ok(Environment::default()));
        assert_eq!(parse(SEED, ""), Ok(Environment::default()));
        assert_eq!(parse(SEED, "0xff").unwrap().seed, Some(255));
        assert_eq!(parse(SEED, " 7 ").unwrap().seed, Some(7));
        assert_eq!(parse(RUNS, "100_000").unwrap().runs, Some(100_000));
        let pct = Some(Strategy::Pct { depth: 2 });
        assert_eq!(parse(STRATEGY, "pct(depth=2)").unwrap().strategy, pct);
        assert_eq!(parse(TAPE, "t1:1x3").unwrap().tape.map(|tape| tape.len()), Some(3));
        assert_eq!(parse(TAPE, "t2:1;f:a#1").unwrap().tape.map(|it| it.faults().len()), Some(1));
        assert!(parse(TIMELINE, "all").unwrap().whole);
        assert!(!parse(TIMELINE, "causes").unwrap().whole);
        assert_eq!(parse(SVG, "a.svg").unwrap().svg, Some("a.svg".into()));
    }

    #[test]
    fn bad_values_are_answered_with_what_is_accepted() {
        assert_invalid(SEED, "ten", &["`ten`", "a whole number from 0 to 18446744073709551615"]);
        assert_invalid(SEED, "-1", &["`-1`"]);
        assert_invalid(RUNS, "0", &["`0`", "from 1"]);
        assert_invalid(RUNS, "many", &["`many`", "number of schedules"]);
        let names = ["`rnadom`", "`random`", "`pct(depth=3)`", "`urw`", "`round-robin`"];
        assert_invalid(STRATEGY, "rnadom", &names);
        assert_invalid(TIMELINE, "some", &["`some`", "`all` rows", "`causes`"]);
        assert_invalid(TAPE, "1.2", &["a tape begins with `t1:`", "`t1:0.2.1x3.2`"]);
        assert_invalid(TAPE, "t1:1.x", &["item 2 is `x`"]);
        assert_invalid(TAPE, "@/no/such/file", &["`@/no/such/file`", "cannot be read"]);
    }
}
