//! callgrind's output, by function.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Numbers of instructions by function, without what the function calls. What the compiler put
/// into its caller counts for that one.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<String, f64>);

impl Functions {
    /// Reads callgrind's format, with nothing compressed. `None` if it is not that.
    #[must_use]
    pub fn read(text: &str) -> Option<Functions> {
        let (mut costs, mut summary) = (HashMap::<_, f64>::new(), None::<f64>);
        let mut current = None;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(name) = line.strip_prefix("fn=") {
                current = Some(name);
            } else if line.starts_with("calls=") {
                // What the function cost that was called: it counts there.
                lines.next();
            } else if let Some(total) = line.strip_prefix("summary: ") {
                summary = Some(total.trim().parse().ok()?);
            } else if line.starts_with(|first: char| first.is_ascii_digit()) {
                let cost: f64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
                *costs.entry(current?).or_default() += cost;
            }
        }
        let mut functions = Functions::default();
        for (name, cost) in costs {
            *functions.0.entry(short(name)).or_default() += cost;
        }
        // They are whole numbers, and the sum is exact.
        let complete = summary == Some(functions.total());
        complete.then_some(functions)
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.values().sum()
    }

    /// Those of one function, by its short name.
    #[must_use]
    pub fn of(&self, function: &str) -> f64 {
        self.0.get(function).copied().unwrap_or_default()
    }

    /// The difference, function by function.
    #[must_use]
    pub fn minus(&self, other: &Functions) -> Functions {
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        Functions(names.into_iter().map(|it| (it.clone(), self.of(it) - other.of(it))).collect())
    }

    /// As many for each of so many tasks.
    #[must_use]
    pub fn per(self, tasks: f64) -> Functions {
        Functions(self.0.into_iter().map(|(name, count)| (name, count / tasks)).collect())
    }

    /// The functions with the largest numbers, whether more or less than nothing, and what is left.
    /// Less than one instruction is not worth a row.
    #[must_use]
    pub fn largest(&self, count: usize) -> (Vec<(&str, f64)>, f64) {
        let mut all: Vec<_> = self.0.iter().map(|(name, cost)| (name.as_str(), *cost)).collect();
        all.sort_by(|(_, one), (_, other)| other.abs().total_cmp(&one.abs()));
        let rest = all.split_off(all.partition_point(|(_, cost)| cost.abs() >= 1.0).min(count));
        (all, rest.iter().map(|(_, cost)| cost).sum())
    }
}

/// The name without what the native function and ours have different: type arguments, and the
/// modules in between.
fn short(name: &str) -> String {
    // callgrind numbers the levels of a recursion.
    let name = name.split_once('\'').map_or(name, |(name, _)| name);
    if let Some(dropped) = name.strip_prefix("core::ptr::drop_in_place<") {
        return format!("drop of {}", path(dropped.strip_suffix('>').unwrap_or(dropped)));
    }
    path(name)
}

/// Shortens a path, and those of a type and a trait in front of it.
fn path(name: &str) -> String {
    let Some(inner) = name.strip_prefix('<') else { return segments(&without_arguments(name)) };
    let Some(end) = closing(inner) else { return name.to_owned() };
    let (implementor, rest) = (&inner[..end], &inner[end + 1..]);
    let implementor = implementor.split_once(" as ").map_or(implementor, |(this, _)| this);
    format!("{}{rest}", path(implementor))
}

/// Where the angle bracket closes that was opened before.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            // Not that of an arrow.
            '>' if before != '-' => {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
            }
            _ => {}
        }
        before = character;
    }
    None
}

fn without_arguments(name: &str) -> String {
    let mut short = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('<') {
        short.push_str(before);
        rest = closing(after).map_or("", |end| &after[end + 1..]);
    }
    short + rest
}

/// The crate and the last two segments.
fn segments(path: &str) -> String {
    let segments: Vec<_> = path.split("::").filter(|it| !it.is_empty()).collect();
    match segments.as_slice() {
        [first, .., second, last] => format!("{first}::{second}::{last}"),
        _ => segments.join("::"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Functions, short};

    #[test]
    fn calls_count_for_the_function_that_is_called() {
        let text = "positions: line\nevents: Ir\nsummary: 12\n\nfn=outer\n1 2\ncfn=inner\ncalls=1 0\n1 9\n\
                    2 1\n\nfn=inner\n7 9\n";
        let functions = Functions::read(text).unwrap();
        assert_eq!((functions.of("outer"), functions.of("inner")), (3.0, 9.0));
        assert!(Functions::read(&text.replace("12", "13")).is_none());
    }

    #[test]
    fn names_are_without_their_types() {
        let cases = [
            ("malloc", "malloc"),
            ("_int_free'2", "_int_free"),
            ("a::b::C<D>::poll", "a::C::poll"),
            ("<a::b::C<D<E>> as core::future::Future>::poll", "a::b::C::poll"),
            ("core::ptr::drop_in_place<a::b::c::D<fn() -> u8>>", "drop of a::c::D"),
            ("<F as a::Schedule<M>>::schedule", "F::schedule"),
        ];
        for (long, expected) in cases {
            assert_eq!(short(long), expected);
        }
    }
}
