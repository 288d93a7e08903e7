//! The results, as a table.

use std::fmt;

use async_runtime_compat_examples::http::Protocol;
use async_runtime_compat_examples::http::load::{Loader, Outcome};

pub(crate) struct Row {
    pub(crate) backend: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) client: Loader,
    pub(crate) outcome: Outcome,
}

#[derive(Default)]
pub(crate) struct Table(pub(crate) Vec<Row>);

impl Table {
    pub(crate) fn errors(&self) -> usize {
        self.0.iter().map(|row| row.outcome.errors).sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22}{:<10}{:<8}{:>10}{:>8}",
            "backend", "protocol", "client", "requests", "errors"
        )?;
        for Row { backend, protocol, client, outcome } in &self.0 {
            let Outcome { requests, errors } = outcome;
            writeln!(f, "{backend:<22}{protocol:<10}{client:<8}{requests:>10}{errors:>8}")?;
        }
        Ok(())
    }
}
