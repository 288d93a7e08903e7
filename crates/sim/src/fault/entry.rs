//! A fault that was injected, and its text on a tape.

use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

/// A fault that was injected: an entry of a [`Tape`](crate::Tape).
///
/// It is identified by its label, its node, and which decision it was: the label of the
/// [buggify point](crate::SimRuntime::buggify), or what was done to a [`Node`](crate::Node), such as
/// `kill`. The [`Display`](fmt::Display) form is `kv get#3` for the third visit of the point
/// `kv get`, `kv get@a#3` if a task of the node `a` was there, and `kill@a#1` for the first time that
/// the node `a` was killed. An amount follows it, in nanoseconds: `slow disk#2=150000`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault {
    pub(crate) label: Arc<str>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) nth: u64,
    pub(crate) amount: Option<u64>,
}

impl Fault {
    /// The label of the point, or what was done to the node.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The node at which it was injected, if any.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Which decision with this label on this node it was, counted from 1.
    #[must_use]
    pub fn nth(&self) -> u64 {
        self.nth
    }

    /// The amount, in nanoseconds, of a fault that has one: a delay, or how far a clock is off.
    #[must_use]
    pub fn amount(&self) -> Option<u64> {
        self.amount
    }

    /// Whether both are the same decision.
    pub(crate) fn is_at(&self, label: &str, node: Option<&str>) -> bool {
        &*self.label == label && self.node.as_deref() == node
    }
}

/// What separates the parts of a tape, and of an entry.
const RESERVED: &str = "%,;#@=";

fn escape(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for character in text.chars() {
        // A tape is one line.
        if RESERVED.contains(character) || character.is_ascii_control() {
            write!(f, "%{:02X}", u32::from(character))?;
        } else {
            f.write_char(character)?;
        }
    }
    Ok(())
}

/// `None` if an escape is damaged.
fn unescape(text: &str) -> Option<Arc<str>> {
    let mut parts = text.split('%');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let code = u8::from_str_radix(part.get(..2)?, 16).ok().filter(u8::is_ascii)?;
        plain.push(char::from(code));
        plain.push_str(&part[2..]);
    }
    Some(plain.into())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&self.label, f)?;
        if let Some(node) = &self.node {
            f.write_str("@")?;
            escape(node, f)?;
        }
        write!(f, "#{}", self.nth)?;
        match self.amount {
            Some(amount) => write!(f, "={amount}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Fault {
    /// The tape says which entry is damaged.
    type Err = ();

    fn from_str(text: &str) -> Result<Fault, ()> {
        let (place, numbers) = text.split_once('#').ok_or(())?;
        let (label, node) = match place.split_once('@') {
            Some((label, node)) => (label, Some(unescape(node).ok_or(())?)),
            None => (place, None),
        };
        let (nth, amount) = match numbers.split_once('=') {
            Some((nth, amount)) => (nth, Some(amount.parse().map_err(drop)?)),
            None => (numbers, None),
        };
        let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or(())?;
        Ok(Fault { label: unescape(label).ok_or(())?, node, nth, amount })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_label_survives_the_tape() {
        for label in ["kv get", "", " a,b;c#d@e=f%g", "größer\n", "%41"] {
            for node in [None, Some("n@1#2")] {
                let (label, node) = (label.into(), node.map(Arc::from));
                let fault = Fault { label, node, nth: 7, amount: Some(150_000) };
                let text = fault.to_string();
                assert!(!text.contains([',', ';', '\n']), "{text}");
                assert_eq!(text.parse(), Ok(fault));
            }
        }
    }

    #[test]
    fn damaged_entries_are_refused() {
        for text in ["", "kv get", "kv get#0", "kv get#x", "kv get#1=", "a%4#1", "a%ff#1", "#-1"] {
            assert_eq!(text.parse::<Fault>(), Err(()), "{text}");
        }
    }
}
