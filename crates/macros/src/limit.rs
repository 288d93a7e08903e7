//! Time limits, as they are written in the attribute.

use std::time::Duration;

/// How long a test may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    After(Duration),
    Never,
}

/// Reads a whole number with a unit, or `never`.
pub(crate) fn parse(text: &str) -> Result<Limit, &'static str> {
    const FORM: &str = "a timeout is a whole number with a unit (`ms`, `s`, `m` or `h`), such as \
                        \"30s\" or \"5m\", or \"never\"";
    if text == "never" {
        return Ok(Limit::Never);
    }
    let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
    let (number, unit) = text.split_at(unit);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(FORM),
    };
    if number.is_empty() {
        return Err(FORM);
    }
    let millis = number.parse().ok().and_then(|number: u64| number.checked_mul(millis));
    match millis {
        Some(0) => Err("a timeout of zero fails every test; use \"never\" for no timeout"),
        Some(millis) => Ok(Limit::After(Duration::from_millis(millis))),
        None => Err("the timeout is too long; use \"never\" for no timeout"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(parse("250ms"), Ok(Limit::After(Duration::from_millis(250))));
        assert_eq!(parse("30s"), Ok(Limit::After(Duration::from_secs(30))));
        assert_eq!(parse("5m"), Ok(Limit::After(Duration::from_secs(300))));
        assert_eq!(parse("1h"), Ok(Limit::After(Duration::from_secs(3600))));
        assert_eq!(parse("never"), Ok(Limit::Never));
    }

    #[test]
    fn others_are_refused() {
        for text in ["", "30", "s", "1.5s", "-1s", "30 s", "1m30s", "5 minutes", "Never", "３s"] {
            assert!(parse(text).is_err_and(|why| why.contains("whole number")), "{text:?}");
        }
        assert!(parse("0s").is_err_and(|why| why.contains("zero")));
        for text in ["99999999999999999999s", "18446744073709551615h"] {
            assert!(parse(text).is_err_and(|why| why.contains("too long")), "{text:?}");
        }
    }
}
