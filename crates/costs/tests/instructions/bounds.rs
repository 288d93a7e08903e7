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
    ("spawn detached", TYPED, 1.030, 1.058),
    ("spawn and join, 16 B each", TYPED, 1.050, 1.066),
    ("spawn and join, 1 KiB each", TYPED, 1.077, 1.088),
    ("spawn and join, 16 KiB each", TYPED, 1.130, 1.130),
    ("join when finished", TYPED, 1.044, 1.050),
    ("chain of spawns", TYPED, 1.044, 1.061),
    ("cancel before the first poll", TYPED, 1.293, 1.302),
    ("cancel while pending", TYPED, 1.245, 1.244),
    ("abort and join before the first poll", TYPED, 1.180, 1.214),
    ("abort and join while pending", TYPED, 1.170, 1.183),
    ("sleep, dropped while pending", TYPED, 1.382, 1.395),
    ("timeout of what is ready", TYPED, 1.230, 1.230),
    ("timeout of what waits once", TYPED, 1.204, 1.204),
    ("spawn and join", OPAQUE, 1.385, 1.436),
    ("spawn detached", OPAQUE, 1.376, 1.389),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.271, 1.249),
    (groups::TASK_GROUP_JOIN, GROUP, 1.297, 1.299),
    (groups::JOIN_GROUP, GROUP, 1.546, 1.556),
    (groups::JOIN_GROUP_AND_SET, GROUP, 1.132, 1.156),
    (groups::JOIN_GROUP_IN_TURN, GROUP, 1.056, 1.050),
];

const SMOL: &[Row] = &[
    ("spawn and join", TYPED, 1.113, 1.104),
    ("spawn detached", TYPED, 1.063, 1.074),
    ("spawn and join, 16 B each", TYPED, 1.100, 1.103),
    ("spawn and join, 1 KiB each", TYPED, 1.129, 1.126),
    ("spawn and join, 16 KiB each", TYPED, 1.185, 1.186),
    ("join when finished", TYPED, 1.096, 1.088),
    ("chain of spawns", TYPED, 1.127, 1.130),
    ("cancel before the first poll", TYPED, 1.312, 1.334),
    ("cancel while pending", TYPED, 1.237, 1.242),
    ("abort and join before the first poll", TYPED, 2.867, 2.982),
    ("abort and join while pending", TYPED, 2.320, 2.359),
    ("timeout of what is ready", TYPED, 0.934, 1.280),
    ("spawn and join", OPAQUE, 1.953, 1.942),
    ("spawn detached", OPAQUE, 1.346, 1.358),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.282, 1.305),
    (groups::TASK_GROUP_JOIN, GROUP, 1.289, 1.290),
    (groups::JOIN_GROUP, GROUP, 1.745, 1.751),
];

const ASYNC_STD: &[Row] = &[
    ("spawn and join", TYPED, 1.412, 1.414),
    ("spawn detached", TYPED, 1.220, 1.229),
    ("spawn and join, 16 B each", TYPED, 1.437, 1.459),
    ("spawn and join, 1 KiB each", TYPED, 1.373, 1.383),
    ("spawn and join, 16 KiB each", TYPED, 1.123, 1.123),
    ("join when finished", TYPED, 1.435, 1.438),
    ("chain of spawns", TYPED, 1.296, 1.304),
    ("cancel before the first poll", TYPED, 1.390, 1.391),
    ("cancel while pending", TYPED, 1.392, 1.385),
    ("abort and join before the first poll", TYPED, 2.729, 2.794),
    ("abort and join while pending", TYPED, 2.348, 2.368),
    ("timeout of what is ready", TYPED, 1.201, 1.689),
    ("spawn and join", OPAQUE, 1.746, 1.759),
    ("spawn detached", OPAQUE, 1.287, 1.300),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.213, 1.213),
    (groups::TASK_GROUP_JOIN, GROUP, 1.197, 1.198),
    (groups::JOIN_GROUP, GROUP, 1.501, 1.532),
];

const ASYNC_EXECUTOR: &[Row] = &[
    ("spawn and join", TYPED, 1.137, 1.124),
    ("spawn detached", TYPED, 1.090, 1.098),
    ("spawn and join, 16 B each", TYPED, 1.141, 1.123),
    ("spawn and join, 1 KiB each", TYPED, 1.155, 1.149),
    ("spawn and join, 16 KiB each", TYPED, 1.185, 1.185),
    ("join when finished", TYPED, 1.119, 1.105),
    ("chain of spawns", TYPED, 1.162, 1.165),
    ("cancel before the first poll", TYPED, 1.341, 1.347),
    ("cancel while pending", TYPED, 1.251, 1.254),
    ("abort and join before the first poll", TYPED, 2.944, 2.983),
    ("abort and join while pending", TYPED, 2.342, 2.373),
    ("timeout of what is ready", TYPED, 0.940, 1.321),
    ("spawn and join", OPAQUE, 1.938, 1.901),
    ("spawn detached", OPAQUE, 1.421, 1.420),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.355, 1.369),
    (groups::TASK_GROUP_JOIN, GROUP, 1.294, 1.290),
    (groups::JOIN_GROUP, GROUP, 1.705, 1.727),
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
