//! Which schedules a simulation runs, as it is written in the attribute.

use proc_macro2::{Ident, Span};
use syn::parse::{ParseStream, Result};
use syn::{Error, LitInt, LitStr};

use crate::settings::{self, At};

/// The options that only a simulation has.
#[derive(Clone, Default)]
pub(crate) struct Simulation {
    pub(crate) runs: Option<At<u64>>,
    /// As the library reads it.
    pub(crate) strategy: Option<At<String>>,
    pub(crate) seed: Option<At<u64>>,
}

impl Simulation {
    /// Reads the rest of an option whose name is known; `false` if there is none of this name.
    pub(crate) fn parse_option(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<bool> {
        match &*name.to_string() {
            "runs" => {
                let value = settings::value::<LitInt>(name, input, "500")?;
                let runs = value.base10_parse::<u64>().ok().filter(|runs| *runs > 0);
                let runs = runs.ok_or_else(|| {
                    let why = "expected the number of schedules to run, which is at least 1";
                    Error::new(value.span(), why)
                })?;
                settings::set(&mut self.runs, name, runs, name.span())?;
            }
            "seed" => {
                let value = settings::value::<LitInt>(name, input, "7")?;
                let seed = value.base10_parse().map_err(|_| {
                    let why = format!("a seed is a whole number from 0 to {}", u64::MAX);
                    Error::new(value.span(), why)
                })?;
                settings::set(&mut self.seed, name, seed, name.span())?;
            }
            "strategy" => {
                let value = settings::value::<LitStr>(name, input, "\"pct(depth=2)\"")?;
                let text = value.value();
                check_strategy(&text).map_err(|why| Error::new(value.span(), why))?;
                settings::set(&mut self.strategy, name, text, name.span())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Fills in what is set for the whole test only.
    pub(crate) fn or(self, outer: &Simulation) -> Simulation {
        Simulation {
            runs: self.runs.or(outer.runs),
            strategy: self.strategy.or_else(|| outer.strategy.clone()),
            seed: self.seed.or(outer.seed),
        }
    }

    /// One of the options that are set, and where.
    pub(crate) fn first(&self) -> Option<(&'static str, Span)> {
        let runs = self.runs.map(|runs| ("runs", runs.span));
        let strategy = self.strategy.as_ref().map(|strategy| ("strategy", strategy.span));
        let seed = self.seed.map(|seed| ("seed", seed.span));
        runs.or(strategy).or(seed)
    }
}

/// Whether the library can read the name of a strategy, or else what is wrong with it. The library
/// reads it when the test runs; this is to say so where it is written.
fn check_strategy(text: &str) -> std::result::Result<(), String> {
    let wrong = |why: &str| {
        Err(format!(
            "`{text}` is not a strategy: {why}; the strategies are `random`, `pct(depth=3)`, `urw`, \
             `round-robin` and `dfs(max_preemptions=2)`"
        ))
    };
    let (name, argument) = match text.trim().split_once('(') {
        Some((name, rest)) => match rest.strip_suffix(')') {
            Some(argument) => (name.trim_end(), Some(argument)),
            None => return wrong("the `)` is missing"),
        },
        None => (text.trim(), None),
    };
    let number = |key: &str, least: u32| {
        let Some(argument) = argument else { return Ok(()) };
        let value = argument.split_once('=').filter(|(name, _)| name.trim() == key);
        match value.map(|(_, value)| value.trim().parse::<u32>()) {
            Some(Ok(value)) if value >= least => Ok(()),
            _ => wrong(&format!("expected `{name}({key}=n)` with a whole number n from {least}")),
        }
    };
    match name {
        "random" | "urw" | "round-robin" if argument.is_none() => Ok(()),
        "random" | "urw" | "round-robin" => wrong(&format!("`{name}` takes no argument")),
        "pct" => number("depth", 1),
        "dfs" => number("max_preemptions", 0),
        "replay" => wrong("a schedule is replayed by `DST_SEED` and `DST_TAPE` in the environment"),
        _ => wrong("unknown name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_are_those_of_the_library() {
        let accepted = [
            "random",
            "urw",
            "round-robin",
            "pct",
            "pct(depth=1)",
            " pct ( depth = 3 ) ",
            "dfs",
            "dfs(max_preemptions=0)",
        ];
        for text in accepted {
            assert_eq!(check_strategy(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn others_are_refused() {
        let refused = [
            ("", "unknown name"),
            ("Random", "unknown name"),
            ("random(1)", "takes no argument"),
            ("pct(depth=2", "the `)` is missing"),
            ("pct(depth=0)", "`pct(depth=n)` with a whole number n from 1"),
            ("pct(2)", "`pct(depth=n)`"),
            ("pct(depth=99999999999)", "`pct(depth=n)`"),
            ("dfs(depth=2)", "`dfs(max_preemptions=n)` with a whole number n from 0"),
            ("replay(t1:0)", "`DST_TAPE`"),
        ];
        for (text, why) in refused {
            let error = check_strategy(text).unwrap_err();
            assert!(error.contains(why) && error.contains("`round-robin`"), "{text:?}: {error}");
        }
    }
}
