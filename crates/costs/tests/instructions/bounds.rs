//! How much more than native each work may take: the table.
//!
//! A bound is the ratio of the instructions when it was last set, and 0.02: what the compiler inlines, and
//! whether it copies a future once more, differs by so much between builds of the same source. Lower it when
//! the code gets better; do not raise it without a reason beside it.

use async_runtime_compat_costs::case::{GROUP, OPAQUE, TYPED};
use async_runtime_compat_costs::groups;

/// A work and a way; the bound in a build with one backend, and in one with all.
type Row = (&'static str, &'static str, f64, f64);

const BOUNDS: [(&str, &[Row]); 4] = [
    ("tokio, current thread", TOKIO),
    ("smol, 1 thread", SMOL),
    ("async-std, 1 thread", ASYNC_STD),
    ("async-executor, current thread", ASYNC_EXECUTOR),
];

const TOKIO: &[Row] = &[
    ("spawn and join", TYPED, 1.043, 1.049),
    ("spawn detached", TYPED, 1.034, 1.058),
    ("spawn and join, 16 B each", TYPED, 1.050, 1.055),
    ("spawn and join, 1 KiB each", TYPED, 1.077, 1.080),
    ("spawn and join, 16 KiB each", TYPED, 1.130, 1.130),
    ("join when finished", TYPED, 1.044, 1.053),
    ("chain of spawns", TYPED, 1.044, 1.061),
    ("cancel before the first poll", TYPED, 1.277, 1.288),
    ("cancel while pending", TYPED, 1.232, 1.236),
    ("abort and join before the first poll", TYPED, 1.180, 1.214),
    ("abort and join while pending", TYPED, 1.170, 1.186),
    ("sleep, dropped while pending", TYPED, 1.382, 1.395),
    ("timeout of what is ready", TYPED, 1.230, 1.230),
    ("timeout of what waits once", TYPED, 1.204, 1.204),
    ("spawn and join", OPAQUE, 1.385, 1.442),
    ("spawn detached", OPAQUE, 1.383, 1.389),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.272, 1.249),
    (groups::TASK_GROUP_JOIN, GROUP, 1.297, 1.300),
    (groups::JOIN_GROUP, GROUP, 1.554, 1.573),
    (groups::JOIN_GROUP_AND_SET, GROUP, 1.121, 1.151),
    (groups::JOIN_GROUP_IN_TURN, GROUP, 1.034, 1.054),
];

const SMOL: &[Row] = &[
    ("spawn and join", TYPED, 1.113, 1.104),
    ("spawn detached", TYPED, 1.063, 1.073),
    ("spawn and join, 16 B each", TYPED, 1.100, 1.089),
    ("spawn and join, 1 KiB each", TYPED, 1.128, 1.115),
    ("spawn and join, 16 KiB each", TYPED, 1.185, 1.186),
    ("join when finished", TYPED, 1.097, 1.092),
    ("chain of spawns", TYPED, 1.138, 1.130),
    ("cancel before the first poll", TYPED, 1.286, 1.316),
    ("cancel while pending", TYPED, 1.221, 1.240),
    ("abort and join before the first poll", TYPED, 2.848, 2.995),
    ("abort and join while pending", TYPED, 2.307, 2.372),
    ("timeout of what is ready", TYPED, 0.934, 1.317),
    ("spawn and join", OPAQUE, 1.953, 1.952),
    ("spawn detached", OPAQUE, 1.346, 1.357),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.282, 1.287),
    (groups::TASK_GROUP_JOIN, GROUP, 1.288, 1.289),
    (groups::JOIN_GROUP, GROUP, 1.704, 1.763),
];

const ASYNC_STD: &[Row] = &[
    ("spawn and join", TYPED, 1.404, 1.413),
    ("spawn detached", TYPED, 1.217, 1.227),
    ("spawn and join, 16 B each", TYPED, 1.433, 1.443),
    ("spawn and join, 1 KiB each", TYPED, 1.371, 1.375),
    ("spawn and join, 16 KiB each", TYPED, 1.123, 1.122),
    ("join when finished", TYPED, 1.431, 1.441),
    ("chain of spawns", TYPED, 1.292, 1.303),
    ("cancel before the first poll", TYPED, 1.364, 1.374),
    ("cancel while pending", TYPED, 1.371, 1.375),
    ("abort and join before the first poll", TYPED, 2.713, 2.809),
    ("abort and join while pending", TYPED, 2.334, 2.381),
    ("timeout of what is ready", TYPED, 1.201, 1.694),
    ("spawn and join", OPAQUE, 1.742, 1.765),
    ("spawn detached", OPAQUE, 1.284, 1.297),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.212, 1.213),
    (groups::TASK_GROUP_JOIN, GROUP, 1.196, 1.197),
    (groups::JOIN_GROUP, GROUP, 1.508, 1.539),
];

const ASYNC_EXECUTOR: &[Row] = &[
    ("spawn and join", TYPED, 1.137, 1.123),
    ("spawn detached", TYPED, 1.090, 1.150),
    ("spawn and join, 16 B each", TYPED, 1.123, 1.107),
    ("spawn and join, 1 KiB each", TYPED, 1.149, 1.135),
    ("spawn and join, 16 KiB each", TYPED, 1.185, 1.185),
    ("join when finished", TYPED, 1.118, 1.113),
    ("chain of spawns", TYPED, 1.161, 1.165),
    ("cancel before the first poll", TYPED, 1.318, 1.329),
    ("cancel while pending", TYPED, 1.235, 1.247),
    ("abort and join before the first poll", TYPED, 2.978, 2.996),
    ("abort and join while pending", TYPED, 2.365, 2.387),
    ("timeout of what is ready", TYPED, 0.940, 1.321),
    ("spawn and join", OPAQUE, 1.932, 1.911),
    ("spawn detached", OPAQUE, 1.418, 1.419),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.353, 1.288),
    (groups::TASK_GROUP_JOIN, GROUP, 1.292, 1.289),
    (groups::JOIN_GROUP, GROUP, 1.705, 1.739),
];

/// How many backends are compiled in.
const BACKENDS: usize = cfg!(feature = "tokio") as usize
    + cfg!(feature = "smol") as usize
    + cfg!(feature = "async-std") as usize
    + cfg!(feature = "async-executor") as usize;

/// The bound in this build, if there is one.
pub(super) fn of(backend: &str, work: &str, way: &str) -> Option<f64> {
    let (_, rows) = BOUNDS.iter().find(|(name, _)| *name == backend)?;
    let (.., alone, all) = rows.iter().find(|row| row.0 == work && row.1 == way)?;
    Some(if BACKENDS == 1 { *alone } else { *all })
}
