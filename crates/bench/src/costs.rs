//! What an operation costs, in the builds that users have and with the allocators that they have.

mod section;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::build::{self, COSTS};
use crate::case::{BACKENDS, CONTROL, GROUP, OPAQUE, PADDED, TYPED};
use crate::groups;
use crate::measure::Effort;
use crate::report::Time;
use crate::settle;
use crate::timing::{self, Figure};
pub(crate) use section::{Glance, Others, Runtimes, label};

/// A build, and the allocator that it runs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Build {
    /// With one backend compiled in, and the system's allocator.
    One,
    /// With every backend, and the system's allocator.
    Every,
    /// With every backend, and mimalloc.
    Mimalloc,
    /// With every backend, and glibc's allocator with settings.
    Tuned,
}

impl Build {
    /// All of them.
    pub const ALL: [Build; 4] = [Build::One, Build::Every, Build::Mimalloc, Build::Tuned];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Build::One => "one backend",
            Build::Every => "every backend",
            Build::Mimalloc => "mimalloc",
            Build::Tuned => "glibc tuned",
        }
    }

    fn features(self, backend: &str) -> String {
        match self {
            Build::One => build::feature(backend).to_owned(),
            Build::Every | Build::Tuned => build::all(),
            Build::Mimalloc => format!("{},mimalloc", build::all()),
        }
    }
}

/// A figure in a build.
pub struct Cost {
    /// The build.
    pub build: Build,
    /// The figure.
    pub time: Time,
}

/// What most tasks are spawned for, and a reader looks for first. Measured in every build.
pub(crate) const LEADING: [(&str, &str); 16] = [
    ("spawn and join", TYPED),
    ("spawn detached", TYPED),
    ("spawn and join, 16 B each", TYPED),
    ("spawn and join, 1 KiB each", TYPED),
    ("spawn and join, 16 KiB each", TYPED),
    ("join when finished", TYPED),
    ("chain of spawns", TYPED),
    ("spawn from 4 threads", TYPED),
    ("spawn and join", OPAQUE),
    ("spawn detached", OPAQUE),
    (groups::TASK_GROUP_DETACHED, GROUP),
    (groups::TASK_GROUP_JOIN, GROUP),
    (groups::TASK_GROUP_SLEEP, GROUP),
    (groups::JOIN_GROUP, GROUP),
    (groups::JOIN_GROUP_AND_SET, GROUP),
    (groups::JOIN_GROUP_IN_TURN, GROUP),
];

/// The builds in which a work is measured in a way.
fn builds(work: &str, way: &str) -> &'static [Build] {
    match way {
        TYPED | OPAQUE | GROUP if LEADING.contains(&(work, way)) => &Build::ALL,
        TYPED | OPAQUE | GROUP | PADDED | CONTROL => &[Build::Every],
        _ => &[],
    }
}

/// A program, and what it is to measure: how many tasks each figure is about, and the figure.
type Programs = BTreeMap<(Build, String), Vec<(u64, Figure)>>;

/// Measures all that is wanted, in the order of the builds.
///
/// # Errors
///
/// If a program does not build, or fails.
pub fn compare(effort: Effort, wants: &dyn Fn(&[&str]) -> bool) -> io::Result<Vec<Cost>> {
    let mut programs = Programs::new();
    for &(backend, cases) in BACKENDS {
        for case in cases(backend) {
            let ways = case.shims.iter().map(|(way, _)| *way).chain([CONTROL]);
            for way in ways {
                for &build in builds(case.work, way) {
                    if wants(&[backend, case.work, way, build.name()]) {
                        let figure = Figure { backend, work: case.work, way };
                        let program = (build, build.features(backend));
                        programs.entry(program).or_default().push((case.tasks, figure));
                    }
                }
            }
        }
    }

    let mut built: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (_, features) in programs.keys() {
        if !built.contains_key(features) {
            built.insert(features.clone(), build::build(COSTS, features)?);
        }
    }
    let mut costs = Vec::new();
    for ((build, features), figures) in programs {
        eprintln!("{}: {} figures", build.name(), figures.len());
        let mut command = Command::new(&built[&features]);
        match build {
            Build::Tuned => settle::tuned(&mut command),
            _ => settle::as_it_is(&mut command),
        };
        let wanted: Vec<_> = figures.iter().map(|(_, figure)| *figure).collect();
        let ratios = timing::measure(&mut command, effort, &wanted)?;
        for ((tasks, figure), ratio) in figures.into_iter().zip(ratios) {
            let Figure { backend, work, way } = figure;
            let native_per_task = ratio.native / u32::try_from(tasks).unwrap_or(u32::MAX);
            costs.push(Cost { build, time: Time { backend, work, way, ratio, native_per_task } });
        }
    }
    Ok(costs)
}
