//! How much more than native each work may take: the table.
//!
//! A bound is the ratio of the instructions when it was last set, and half a percent. Lower it when
//! the code gets better; do not raise it without a reason beside it. Where the compiler decides from
//! build to build whether a large future is copied once more, both builds have the higher figure.

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
    ("spawn and join", TYPED, 1.059, 1.074),
    ("spawn detached", TYPED, 1.028, 1.052),
    ("spawn and join, 16 B each", TYPED, 1.059, 1.074),
    ("spawn and join, 1 KiB each", TYPED, 1.077, 1.077),
    ("spawn and join, 16 KiB each", TYPED, 1.115, 1.115),
    ("join when finished", TYPED, 1.060, 1.076),
    ("chain of spawns", TYPED, 1.089, 1.089),
    ("cancel before the first poll", TYPED, 1.204, 1.266),
    ("cancel while pending", TYPED, 1.154, 1.198),
    ("abort and join before the first poll", TYPED, 1.170, 1.208),
    ("abort and join while pending", TYPED, 1.123, 1.153),
    ("sleep, dropped while pending", TYPED, 1.350, 1.363),
    ("timeout of what is ready", TYPED, 1.215, 1.215),
    ("timeout of what waits once", TYPED, 1.178, 1.178),
    ("spawn and join", OPAQUE, 1.411, 1.414),
    ("spawn detached", OPAQUE, 1.334, 1.367),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.243, 1.243),
    (groups::TASK_GROUP_JOIN, GROUP, 1.238, 1.238),
    (groups::JOIN_GROUP, GROUP, 1.587, 1.587),
    (groups::JOIN_GROUP_AND_SET, GROUP, 1.152, 1.152),
    (groups::JOIN_GROUP_IN_TURN, GROUP, 1.009, 1.009),
];

const SMOL: &[Row] = &[
    ("spawn and join", TYPED, 1.156, 1.162),
    ("spawn detached", TYPED, 1.058, 1.053),
    ("spawn and join, 16 B each", TYPED, 1.137, 1.143),
    ("spawn and join, 1 KiB each", TYPED, 1.200, 1.200),
    ("spawn and join, 16 KiB each", TYPED, 1.334, 1.334),
    ("join when finished", TYPED, 1.141, 1.143),
    ("chain of spawns", TYPED, 1.268, 1.268),
    ("cancel before the first poll", TYPED, 1.292, 1.341),
    ("cancel while pending", TYPED, 1.204, 1.223),
    ("abort and join before the first poll", TYPED, 2.684, 2.763),
    ("abort and join while pending", TYPED, 2.138, 2.191),
    ("timeout of what is ready", TYPED, 0.913, 1.259),
    ("spawn and join", OPAQUE, 2.001, 2.003),
    ("spawn detached", OPAQUE, 1.328, 1.327),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.288, 1.288),
    (groups::TASK_GROUP_JOIN, GROUP, 1.239, 1.239),
    (groups::JOIN_GROUP, GROUP, 1.779, 1.779),
];

const ASYNC_STD: &[Row] = &[
    ("spawn and join", TYPED, 1.134, 1.139),
    ("spawn detached", TYPED, 1.198, 1.219),
    ("spawn and join, 16 B each", TYPED, 1.156, 1.163),
    ("spawn and join, 1 KiB each", TYPED, 1.133, 1.133),
    ("spawn and join, 16 KiB each", TYPED, 1.105, 1.105),
    ("join when finished", TYPED, 1.161, 1.168),
    ("chain of spawns", TYPED, 1.212, 1.212),
    ("cancel before the first poll", TYPED, 1.291, 1.299),
    ("cancel while pending", TYPED, 1.202, 1.210),
    ("abort and join before the first poll", TYPED, 2.452, 2.462),
    ("abort and join while pending", TYPED, 2.016, 2.020),
    ("timeout of what is ready", TYPED, 1.179, 1.671),
    ("spawn and join", OPAQUE, 1.792, 1.799),
    ("spawn detached", OPAQUE, 1.268, 1.269),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.210, 1.210),
    (groups::TASK_GROUP_JOIN, GROUP, 1.143, 1.143),
    (groups::JOIN_GROUP, GROUP, 1.489, 1.489),
];

const ASYNC_EXECUTOR: &[Row] = &[
    ("spawn and join", TYPED, 1.183, 1.182),
    ("spawn detached", TYPED, 1.081, 1.129),
    ("spawn and join, 16 B each", TYPED, 1.164, 1.163),
    ("spawn and join, 1 KiB each", TYPED, 1.230, 1.230),
    ("spawn and join, 16 KiB each", TYPED, 1.335, 1.335),
    ("join when finished", TYPED, 1.164, 1.164),
    ("chain of spawns", TYPED, 1.274, 1.274),
    ("cancel before the first poll", TYPED, 1.308, 1.353),
    ("cancel while pending", TYPED, 1.213, 1.235),
    ("abort and join before the first poll", TYPED, 2.732, 2.769),
    ("abort and join while pending", TYPED, 2.179, 2.208),
    ("timeout of what is ready", TYPED, 0.920, 1.301),
    ("spawn and join", OPAQUE, 1.981, 1.962),
    ("spawn detached", OPAQUE, 1.394, 1.388),
    (groups::TASK_GROUP_DETACHED, GROUP, 1.289, 1.289),
    (groups::TASK_GROUP_JOIN, GROUP, 1.238, 1.238),
    (groups::JOIN_GROUP, GROUP, 1.757, 1.757),
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
