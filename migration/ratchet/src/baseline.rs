//! The sites that are allowed to be there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::site::Site;

const HEADER: &str = "\
# Direct uses of a runtime that are still there: the rule, the file and the line of code of each.
# `ratchet check --write` lowers it. It is raised by nobody.
";

/// A line of the baseline. Without the number of the line: code that moves is not new.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) rule: String,
    pub(crate) code: String,
}

impl Entry {
    fn of(site: &Site) -> Entry {
        Entry { file: site.file.clone(), rule: site.rule.clone(), code: site.code.clone() }
    }
}

/// The sites that are allowed to be there, each as often as it stands.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Baseline(BTreeMap<Entry, usize>);

impl Baseline {
    pub(crate) fn of(sites: &[&Site]) -> Baseline {
        let mut entries = BTreeMap::new();
        for site in sites {
            *entries.entry(Entry::of(site)).or_default() += 1;
        }
        Baseline(entries)
    }

    /// `None` if there is no such file.
    pub(crate) fn read(file: &Path) -> Result<Option<Baseline>, String> {
        match fs::read_to_string(file) {
            Ok(text) => Baseline::parse(&text)
                .map(Some)
                .map_err(|error| format!("{}: {error}", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", file.display())),
        }
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), String> {
        fs::write(file, self.to_text())
            .map_err(|error| format!("cannot write {}: {error}", file.display()))
    }

    fn parse(text: &str) -> Result<Baseline, String> {
        let mut entries = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut fields = line.splitn(3, '\t');
            let (Some(rule), Some(file), Some(code)) =
                (fields.next(), fields.next(), fields.next())
            else {
                return Err(format!(
                    "line {}: not a rule, a file and a line of code with tabs between them; \
                     take a merge apart by hand, then run `ratchet check --write`",
                    number + 1
                ));
            };
            let entry =
                Entry { file: file.to_owned(), rule: rule.to_owned(), code: code.to_owned() };
            *entries.entry(entry).or_default() += 1;
        }
        Ok(Baseline(entries))
    }

    fn to_text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (entry, count) in &self.0 {
            for _ in 0..*count {
                text.extend([&entry.rule, "\t", &entry.file, "\t", &entry.code, "\n"]);
            }
        }
        text
    }

    fn len(&self) -> usize {
        self.0.values().sum()
    }
}

/// What has become of the sites since the baseline was written.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    /// Sites that the baseline has no room for.
    pub(crate) new: Vec<&'a Site>,
    /// How many sites there are.
    pub(crate) now: usize,
    /// How many the baseline allows.
    pub(crate) allowed: usize,
    /// Whether the baseline says the same as the code.
    same: bool,
}

impl<'a> Comparison<'a> {
    /// A site has room if the baseline has an entry left that is, first, the same; or else of the
    /// same rule in the same file, so that a line may be edited; or else the same code of the same
    /// rule in another file, so that it may be moved.
    pub(crate) fn new(baseline: &Baseline, sites: &[&'a Site]) -> Comparison<'a> {
        let mut left = baseline.0.clone();
        let mut unmatched: Vec<&Site> = sites.to_vec();
        let rooms: [fn(&Entry, &Entry) -> bool; 3] = [
            |room, site| room == site,
            |room, site| room.rule == site.rule && room.file == site.file,
            |room, site| room.rule == site.rule && room.code == site.code,
        ];
        for fits in rooms {
            unmatched.retain(|site| {
                let site = Entry::of(site);
                let room = left.iter_mut().find(|(room, count)| **count > 0 && fits(room, &site));
                match room {
                    Some((_, count)) => {
                        *count -= 1;
                        false
                    }
                    None => true,
                }
            });
        }
        Comparison {
            new: unmatched,
            now: sites.len(),
            allowed: baseline.len(),
            same: Baseline::of(sites) == *baseline,
        }
    }

    /// Whether the baseline allows more than there is, or speaks of code that was moved or edited.
    pub(crate) fn is_stale(&self) -> bool {
        self.now < self.allowed
    }

    pub(crate) fn is_same(&self) -> bool {
        self.same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(file: &str, rule: &str, code: &str) -> Site {
        Site {
            file: file.to_owned(),
            line: 1,
            column: 1,
            rule: rule.to_owned(),
            scope: "production".to_owned(),
            message: String::new(),
            safe: false,
            code: code.to_owned(),
        }
    }

    /// Which of the sites of now are new.
    fn new(before: &[Site], now: &[Site]) -> Vec<String> {
        let baseline = Baseline::of(&before.iter().collect::<Vec<_>>());
        let now: Vec<&Site> = now.iter().collect();
        Comparison::new(&baseline, &now).new.iter().map(|site| site.code.clone()).collect()
    }

    #[test]
    fn the_same_again_is_not_new() {
        let sites = [site("a.rs", "sleep", "x"), site("a.rs", "sleep", "x")];
        assert!(new(&sites, &sites).is_empty());
    }

    #[test]
    fn once_more_is_new() {
        let sites = [site("a.rs", "sleep", "x"), site("a.rs", "sleep", "x")];
        assert_eq!(new(&sites[..1], &sites), ["x"]);
    }

    #[test]
    fn the_one_that_the_baseline_lacks_is_named() {
        let before = [site("a.rs", "sleep", "x"), site("a.rs", "sleep", "z")];
        let now =
            [site("a.rs", "sleep", "x"), site("a.rs", "sleep", "y"), site("a.rs", "sleep", "z")];
        assert_eq!(new(&before, &now), ["y"]);
    }

    #[test]
    fn an_edited_line_is_not_new() {
        assert!(new(&[site("a.rs", "sleep", "x")], &[site("a.rs", "sleep", "y")]).is_empty());
    }

    #[test]
    fn moved_code_is_not_new() {
        assert!(new(&[site("a.rs", "sleep", "x")], &[site("b.rs", "sleep", "x")]).is_empty());
    }

    #[test]
    fn one_gone_makes_no_room_for_another_elsewhere() {
        assert_eq!(new(&[site("a.rs", "sleep", "x")], &[site("b.rs", "sleep", "y")]), ["y"]);
        assert_eq!(new(&[site("a.rs", "sleep", "x")], &[site("a.rs", "timeout", "x")]), ["x"]);
    }

    #[test]
    fn text_and_back() {
        let sites = [
            site("a.rs", "sleep", "x\ty"),
            site("b.rs", "sleep", ""),
            site("a.rs", "sleep", "x\ty"),
        ];
        let baseline = Baseline::of(&sites.iter().collect::<Vec<_>>());
        assert_eq!(Baseline::parse(&baseline.to_text()), Ok(baseline));
    }

    #[test]
    fn a_conflict_is_not_read_as_an_entry() {
        let error = Baseline::parse("# x\n<<<<<<< HEAD\n").expect_err("a conflict");
        assert!(error.starts_with("line 2"), "{error}");
    }
}
