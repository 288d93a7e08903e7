//! Which faults a check asks for, by label.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::rng::SimRng;

/// The probability that a fault is injected at each visit of a point.
///
/// Passed to [`Check::faults`](crate::Check::faults), as it is or with limits.
///
/// # Examples
///
/// ```
/// use async_runtime_compat_sim::{Check, Rate};
///
/// let check = Check::new().faults("kv *", Rate(0.2).after(10).at_most(3));
/// # let _ = check;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub f64);

impl Rate {
    /// Injects none at the first visits of a run. All points that the pattern matches are counted
    /// together.
    #[must_use]
    pub fn after(self, visits: u64) -> Injection {
        Injection::from(self).after(visits)
    }

    /// Injects at most so many in a run. All points that the pattern matches are counted together.
    #[must_use]
    pub fn at_most(self, faults: u64) -> Injection {
        Injection::from(self).at_most(faults)
    }
}

/// How often to inject faults at the points that a pattern matches: a [`Rate`] with limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Injection {
    pub(crate) rate: f64,
    after: u64,
    at_most: u64,
}

impl From<Rate> for Injection {
    fn from(Rate(rate): Rate) -> Injection {
        Injection { rate, after: 0, at_most: u64::MAX }
    }
}

impl Injection {
    /// Injects none at the first visits of a run. All points that the pattern matches are counted
    /// together.
    #[must_use]
    pub fn after(self, visits: u64) -> Injection {
        Injection { after: visits, ..self }
    }

    /// Injects at most so many in a run. All points that the pattern matches are counted together.
    #[must_use]
    pub fn at_most(self, faults: u64) -> Injection {
        Injection { at_most: faults, ..self }
    }

    /// Whether it asks for faults, and does not only rule them out.
    fn is_asked(&self) -> bool {
        self.rate > 0.0 && self.at_most > 0
    }
}

/// The rules of a check, and what became of them in its runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules(Vec<Rule>, Arc<Reached>);

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    injection: Injection,
    /// How often it fired, in all runs.
    fired: Arc<AtomicU64>,
}

/// The labels of the points that were reached in any run. Kept only if there are rules.
#[derive(Debug, Default)]
struct Reached(Mutex<BTreeSet<String>>);

impl Rules {
    pub(crate) fn push(&mut self, pattern: String, injection: Injection) {
        self.0.push(Rule { pattern, injection, fired: Arc::default() });
    }

    /// The same rules, with nothing counted yet.
    pub(crate) fn fresh(&self) -> Rules {
        let fresh = |rule: &Rule| Rule { fired: Arc::default(), ..rule.clone() };
        Rules(self.0.iter().map(fresh).collect(), Arc::default())
    }

    /// For one run.
    pub(super) fn tally(&self) -> Tally {
        let rules = (!self.0.is_empty()).then(|| self.clone());
        Tally { counts: vec![Count::default(); self.0.len()], rules }
    }

    /// Describes the first rule that asked for faults and got none, if any.
    pub(crate) fn unmet(&self) -> Option<String> {
        let unmet =
            |rule: &&Rule| rule.injection.is_asked() && rule.fired.load(Ordering::Relaxed) == 0;
        let rule = self.0.iter().find(unmet)?;
        let reached = self.1.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matching: Vec<_> =
            reached.iter().filter(|label| matches(&rule.pattern, label)).collect();
        let pattern = &rule.pattern;
        Some(if !matching.is_empty() {
            let matching = List(&matching);
            format!(
                "no fault that matches `{pattern}` was injected, though these points were reached: \
                 {matching}. Raise the rate, lower `after`, or run more schedules"
            )
        } else if reached.is_empty() {
            format!("no fault that matches `{pattern}` was injected: no point was reached at all")
        } else {
            let reached: Vec<_> = reached.iter().collect();
            format!(
                "no fault that matches `{pattern}` was injected: no such point was reached. Those \
                 reached are {}",
                List(&reached),
            )
        })
    }
}

/// The first few labels.
struct List<'a>(&'a [&'a String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 12;
        for (index, label) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}`{label}`")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What the rules have done in a run.
pub(super) struct Tally {
    rules: Option<Rules>,
    counts: Vec<Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    visits: u64,
    fired: u64,
}

impl Tally {
    /// The index of the rule that applies to a point that is reached for the first time: the last one
    /// that matches.
    pub(super) fn rule(&self, label: &str, node: Option<&str>) -> Option<usize> {
        let rules = self.rules.as_ref()?;
        let scoped = node.map(|node| format!("{label}@{node}"));
        let name = scoped.as_deref().unwrap_or(label);
        rules.1.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        rules.0.iter().rposition(|rule| matches(&rule.pattern, name))
    }

    pub(super) fn fires(&mut self, rule: usize, rng: &mut SimRng) -> bool {
        let Some(rules) = &self.rules else { return false };
        let (Rule { injection, fired, .. }, count) = (&rules.0[rule], &mut self.counts[rule]);
        count.visits += 1;
        // Drawn at each visit, so that the limits shift no draw.
        let fires = rng.chance(injection.rate)
            && count.visits > injection.after
            && count.fired < injection.at_most;
        count.fired += u64::from(fires);
        if fires {
            fired.fetch_add(1, Ordering::Relaxed);
        }
        fires
    }
}

/// Whether a pattern matches a point's name, which is its label, or the label, `@` and the node. A
/// pattern without `@` matches the label on any node.
fn matches(pattern: &str, name: &str) -> bool {
    let label = name.rsplit_once('@').map_or(name, |(label, _)| label);
    glob(pattern, name) || glob(pattern, label)
}

/// Whether a text matches a pattern in which `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text) in [
            ("kv get", "kv get"),
            ("kv *", "kv get"),
            ("kv *", "kv "),
            ("*", ""),
            ("*get", "kv get"),
            ("k*g*t", "kv get"),
            ("a*a", "aba"),
            ("kill@*", "kill@a"),
        ] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("kv get", "kv gets"),
            ("kv *", "kv"),
            ("a*a", "a"),
            ("*get", "kv gets"),
            ("k*x*t", "kv get"),
            ("", "a"),
        ] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
        assert!(matches("kill", "kill@a") && matches("k*@a", "kill@a"));
        assert!(!matches("kill@b", "kill@a"));
    }
}
