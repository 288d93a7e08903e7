//! A place that a rule reports.

use serde_json::Value;

/// A place that a rule reports.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) line: u64,
    /// Counted from 1.
    pub(crate) column: u64,
    pub(crate) rule: String,
    /// What kind of code it stands in: production, test, example or docs.
    pub(crate) scope: String,
    pub(crate) message: String,
    /// Whether there is a rewrite that is safe.
    pub(crate) safe: bool,
    /// The line of code that it starts in, as the baseline knows it.
    pub(crate) code: String,
}

impl Site {
    /// Reads a match of `ast-grep scan --json --include-metadata`. `None` is a match that is no
    /// site: of a rule that only completes a rewrite.
    pub(crate) fn read(value: &Value) -> Result<Option<Site>, String> {
        let text = |pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
                format!(
                    "a match has no `{pointer}`; write it with `--json=compact --include-metadata`"
                )
            })
        };
        let number = |pointer: &str| {
            value.pointer(pointer).and_then(Value::as_u64).map(|number| number + 1).ok_or_else(
                || format!("a match has no `{pointer}`; is this the output of `ast-grep scan`?"),
            )
        };
        let scope = text("/metadata/scope")?;
        if scope == "fixup" {
            return Ok(None);
        }
        let file = text("/file")?.replace('\\', "/");
        let lines = text("/lines")?;
        let line = lines.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        Ok(Some(Site {
            file: file.strip_prefix("./").unwrap_or(&file).to_owned(),
            line: number("/range/start/line")?,
            column: number("/range/start/column")?,
            rule: text("/ruleId")?,
            scope,
            message: text("/message")?,
            safe: value.get("replacement").is_some_and(Value::is_string),
            code: line.split_whitespace().collect::<Vec<_>>().join(" "),
        }))
    }

    pub(crate) fn is_production(&self) -> bool {
        self.scope == "production"
    }
}
