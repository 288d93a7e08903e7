//! The program measures what it is told on its input, and nothing else.
#![cfg(feature = "tokio")]

use std::process::Command;
use std::time::Duration;

use async_runtime_compat_costs::case::{CONTROL, GROUP, TYPED};
use async_runtime_compat_costs::measure::Effort;
use async_runtime_compat_costs::timing::{self, Figure};
use async_runtime_compat_costs::{groups, settle};

const BACKEND: &str = "tokio, current thread";

fn measure(figures: &[(&'static str, &'static str)]) -> std::io::Result<usize> {
    let effort = Effort { pairs: 1, round: Duration::from_micros(1) };
    let figures: Vec<_> =
        figures.iter().map(|&(work, way)| Figure { backend: BACKEND, work, way }).collect();
    let mut program = Command::new(env!("CARGO_BIN_EXE_async-runtime-compat-costs"));
    let ratios = timing::measure(settle::as_it_is(&mut program), effort, &figures)?;
    assert!(ratios.iter().all(|ratio| ratio.median > 0.0 && !ratio.native.is_zero()));
    Ok(ratios.len())
}

#[test]
fn each_figure_has_its_ratio() {
    let figures = [
        ("spawn and join", TYPED),
        ("spawn and join", CONTROL),
        (groups::JOIN_GROUP_AND_SET, GROUP),
    ];
    assert_eq!(measure(&figures).unwrap(), figures.len());
}

#[test]
fn an_unknown_figure_is_an_error() {
    let error = measure(&[("spawn and join", TYPED), ("spawn and hope", TYPED)]).unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 figures measured");
}
