//! Counts in Prometheus' text format.

use std::fmt;

use super::counted::{Counts, Metric, MetricKind};

/// [`Counts`] in Prometheus' text format, as the [`Display`](fmt::Display) form.
///
/// This is the [text-based format](https://prometheus.io/docs/instrumenting/exposition_formats/), version
/// 0.0.4. Serve it under `/metrics`, as `text/plain; version=0.0.4`, alone or appended to other metrics. One
/// exposition can have the counts of several spawners, distinguished by labels; each metric appears in it once,
/// as the format requires.
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
/// The output begins:
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
    /// The counts, with their formatted labels.
    series: Vec<(String, Counts)>,
}

impl Exposition {
    /// Creates an empty exposition whose metrics begin with the prefix and an underscore. An empty prefix adds
    /// nothing.
    ///
    /// # Panics
    ///
    /// Panics if the prefix is not empty and does not match `[a-zA-Z_:][a-zA-Z0-9_:]*`, as metric names must.
    #[must_use]
    #[track_caller]
    pub fn new(prefix: &str) -> Exposition {
        let prefix = if prefix.is_empty() {
            String::new()
        } else {
            let is_name = is_name(prefix, |it| it == ':');
            assert!(is_name, "`{prefix}` cannot begin the name of a metric: use letters and `_`");
            format!("{prefix}_")
        };
        Exposition { prefix, series: Vec::new() }
    }

    /// Adds counts, with labels that distinguish them from the others.
    ///
    /// The value of a label may be any text; it is escaped as the format requires.
    ///
    /// # Panics
    ///
    /// Panics if the name of a label does not match `[a-zA-Z_][a-zA-Z0-9_]*`.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, labels: &[(&str, &str)], counts: Counts) -> Exposition {
        for (name, _) in labels {
            let is_name = is_name(name, |_| false);
            assert!(is_name, "`{name}` cannot be the name of a label: use letters and `_`");
        }
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
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
