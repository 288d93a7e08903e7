//! What is printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::args::{Args, Format};
use crate::baseline::Comparison;
use crate::site::Site;

/// The sites by file, and by rule.
pub(crate) fn summary(sites: &[Site], format: Format) -> String {
    match format {
        Format::Text => table(sites),
        Format::Json => format!("{:#}\n", machine(sites)),
        Format::Github => sites
            .iter()
            .filter(|site| site.is_production())
            .map(|site| annotation(site, "warning"))
            .collect(),
    }
}

/// What has become of the sites since the baseline was written.
pub(crate) fn check(comparison: &Comparison<'_>, args: &Args) -> String {
    let mut text = String::new();
    let new = &comparison.new;
    match args.format {
        Format::Json => {
            let report = json!({
                "allowed": comparison.allowed,
                "now": comparison.now,
                "new": new.iter().map(|site| object(site)).collect::<Vec<_>>(),
            });
            return format!("{report:#}\n");
        }
        Format::Github => text.extend(new.iter().map(|site| annotation(site, "error"))),
        Format::Text => {
            for site in new {
                line(
                    &mut text,
                    format_args!(
                        "{}:{}:{}: {}: {}",
                        site.file, site.line, site.column, site.rule, site.message
                    ),
                );
                line(&mut text, format_args!("    {}", site.code));
            }
        }
    }
    if !new.is_empty() {
        line(&mut text, format_args!("{} new direct uses; port them, see MIGRATION.md", new.len()));
    }
    line(
        &mut text,
        format_args!("{} sites, the baseline allows {}", comparison.now, comparison.allowed),
    );
    if args.write && new.is_empty() {
        if !comparison.is_same() {
            line(&mut text, format_args!("the baseline says so now: {}", args.baseline.display()));
        }
    } else if comparison.is_stale() {
        line(
            &mut text,
            format_args!(
                "the baseline can be lowered: run `ratchet check --write`, and commit {}",
                args.baseline.display()
            ),
        );
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

/// A line that a workflow shows at the place in the code.
fn annotation(site: &Site, level: &str) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    format!(
        "::{level} file={},line={},col={},title={}::{}\n",
        property(&site.file),
        site.line,
        site.column,
        property(&site.rule),
        escape(&site.message)
    )
}

/// How many sites there are of something, and how many of them have a safe rewrite.
#[derive(Default)]
struct Count {
    sites: usize,
    safe: usize,
}

fn count_by<'a, K: Ord>(
    sites: impl Iterator<Item = &'a Site>,
    key: impl Fn(&'a Site) -> K,
) -> BTreeMap<K, Count> {
    let mut counts: BTreeMap<K, Count> = BTreeMap::new();
    for site in sites {
        let count = counts.entry(key(site)).or_default();
        count.sites += 1;
        count.safe += usize::from(site.safe);
    }
    counts
}

fn table(sites: &[Site]) -> String {
    let mut text = String::new();
    let production = || sites.iter().filter(|site| site.is_production());
    for (title, counts) in [
        ("file", count_by(production(), |site| site.file.as_str())),
        ("rule", count_by(production(), |site| site.rule.as_str())),
    ] {
        if counts.is_empty() {
            continue;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        // The most first, and by name where there are as many.
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(count.sites));
        line(&mut text, format_args!("{:>6}  {:>6}  {title}", "sites", "safe"));
        for (name, count) in counts {
            line(&mut text, format_args!("{:>6}  {:>6}  {name}", count.sites, count.safe));
        }
        text.push('\n');
    }
    let safe = production().filter(|site| site.safe).count();
    line(
        &mut text,
        format_args!(
            "{} in production code, {safe} of them with a safe rewrite",
            production().count()
        ),
    );
    for (scope, count) in
        count_by(sites.iter().filter(|site| !site.is_production()), |site| site.scope.as_str())
    {
        line(&mut text, format_args!("{} in {}", count.sites, plural(scope)));
    }
    text
}

fn plural(scope: &str) -> &str {
    match scope {
        "test" => "tests",
        "example" => "examples and benchmarks",
        "docs" => "documentation",
        other => other,
    }
}

fn object(site: &Site) -> Value {
    json!({
        "file": site.file,
        "line": site.line,
        "column": site.column,
        "rule": site.rule,
        "scope": site.scope,
        "safe": site.safe,
        "message": site.message,
        "code": site.code,
    })
}

fn machine(sites: &[Site]) -> Value {
    let counts = |counts: BTreeMap<&str, Count>| -> Value {
        counts
            .into_iter()
            .map(|(name, count)| {
                (name.to_owned(), json!({"sites": count.sites, "safe": count.safe}))
            })
            .collect()
    };
    let production = || sites.iter().filter(|site| site.is_production());
    json!({
        "scopes": counts(count_by(sites.iter(), |site| site.scope.as_str())),
        "files": counts(count_by(production(), |site| site.file.as_str())),
        "rules": counts(count_by(production(), |site| site.rule.as_str())),
        "sites": sites.iter().map(object).collect::<Vec<_>>(),
    })
}
