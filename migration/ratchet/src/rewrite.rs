//! Applying the safe rewrites.

use serde_json::Value;

use crate::args::Args;
use crate::scan;

/// Rewrites until nothing is left of what is safe, and says how many sites there were.
///
/// One pass is not enough: a site inside of another one waits for the next, and so do the imports.
pub(crate) fn run(args: &Args) -> Result<usize, String> {
    let mut rewritten = 0;
    let mut left = safe(args)?;
    while left.total > 0 {
        scan::scan(args, &["--filter", "^safe-", "--update-all"])?;
        let next = safe(args)?;
        if next.total >= left.total && next.sites >= left.sites {
            return Err(format!(
                "{} safe rewrites are left, and applying them changes nothing; are the files writable?",
                next.total
            ));
        }
        rewritten += left.sites.saturating_sub(next.sites);
        left = next;
    }
    Ok(rewritten)
}

struct Safe {
    /// All rewrites, with those that only complete others.
    total: usize,
    sites: usize,
}

fn safe(args: &Args) -> Result<Safe, String> {
    let json = scan::scan(args, &["--filter", "^safe-", "--json=compact", "--include-metadata"])?;
    let found: Vec<Value> = serde_json::from_str(&json)
        .map_err(|error| format!("the scan's output is not JSON: {error}"))?;
    let sites = found
        .iter()
        .filter(|found| {
            found.pointer("/metadata/scope").and_then(Value::as_str) == Some("production")
        })
        .count();
    Ok(Safe { total: found.len(), sites })
}
