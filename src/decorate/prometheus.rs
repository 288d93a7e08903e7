//! Counts as Prometheus reads them.

use std::fmt;

use super::counted::{Counts, Metric, MetricKind};

/// [`Counts`] in the text format that Prometheus reads, as the
/// [`Display`](fmt::Display) form.
///
/// It is the [text-based format](https://prometheus.io/docs/instrumenting/exposition_formats/),
/// version 0.0.4: what to answer to a request for `/metrics`, as `text/plain; version=0.0.4`, alone
/// or behind what is there already. Several spawners are put into one exposition, and told apart by
/// their labels; each metric stands in it once, as the format demands.
///
/// # Examples
///
/// ```
/// # use async_runtime_compat::FnSpawner;
/// use async_runtime_compat::decorate::{Counted, Exposition};
///
/// # let spawner = FnSpawner::new(drop);
/// let (api, jobs) = (Counted::new(spawner.clone()), Counted::new(spawner));
/// let metrics = Exposition::new("myapp")
///     .with(&[("part", "api")], api.counts())
///     .with(&[("part", "jobs")], jobs.counts());
///
/// println!("{metrics}");
/// # assert!(metrics.to_string().contains("\nmyapp_tasks_spawned_total{part=\"jobs\"} 0\n"));
/// ```
///
/// It begins
///
/// ```text
/// # HELP myapp_tasks_spawned_total Tasks that were spawned.
/// # TYPE myapp_tasks_spawned_total counter
/// myapp_tasks_spawned_total{part="api"} 0
/// myapp_tasks_spawned_total{part="jobs"} 0
/// ```
#[derive(Clone, Debug)]
pub struct Exposition {
    prefix: String,
    /// With the labels as they are written.
    series: Vec<(String, Counts)>,
}

impl Exposition {
    /// An empty one, whose metrics begin with the prefix and an underscore; none if it is empty.
    ///
    /// # Panics
    ///
    /// If the prefix cannot begin the name of a metric: it has to match `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    #[must_use]
    #[track_caller]
    pub fn new(prefix: &str) -> Exposition {
        let prefix = if prefix.is_empty() {
            String::new()
        } else {
            let is_name = is_name(prefix, |it| it == ':');
            assert!(is_name, "`{prefix}` cannot begin the name of a metric: take letters and `_`");
            format!("{prefix}_")
        };
        Exposition { prefix, series: Vec::new() }
    }

    /// Adds counts, which differ from the others in their labels.
    ///
    /// Any text may be the value of a label. It is escaped where the format demands it.
    ///
    /// # Panics
    ///
    /// If a label has a name that the format does not allow: it has to match
    /// `[a-zA-Z_][a-zA-Z0-9_]*`.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, labels: &[(&str, &str)], counts: Counts) -> Exposition {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| {
                let is_name = is_name(name, |_| false);
                assert!(is_name, "`{name}` cannot be a label's name: take letters and `_`");
                format!("{name}=\"{}\"", escaped(value))
            })
            .collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.series.push((labels, counts));
        self
    }
}

impl fmt::Display for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = &self.prefix;
        for metric in Metric::ALL {
            let (name, help) = (metric.name(), metric.help());
            let (kind, total) = match metric.kind() {
                MetricKind::Counter => ("counter", "_total"),
                MetricKind::Gauge => ("gauge", ""),
            };
            writeln!(f, "# HELP {prefix}{name}{total} {help}")?;
            writeln!(f, "# TYPE {prefix}{name}{total} {kind}")?;
            for (labels, counts) in &self.series {
                writeln!(f, "{prefix}{name}{total}{labels} {}", metric.of(counts))?;
            }
        }
        Ok(())
    }
}

fn is_name(text: &str, more: fn(char) -> bool) -> bool {
    let mut chars = text.chars();
    let first = |it: char| it.is_ascii_alphabetic() || it == '_' || more(it);
    chars.next().is_some_and(first) && chars.all(|it| first(it) || it.is_ascii_digit())
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}
