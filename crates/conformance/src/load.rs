//! How much the cases of C13 ask for.

/// How much the suite asks for under [`C13`](crate::Clause::C13).
///
/// The default takes some tenths of a second on a common executor; [`Load::FULL`] is the load that
/// the contract names.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Number of tasks that are alive at the same time.
    pub live: usize,
    /// Length of a chain in which each task spawns the next and waits for it.
    pub chain: usize,
    /// Number of threads that spawn at the same time.
    pub threads: usize,
    /// Number of tasks that each of those threads spawns.
    pub each: usize,
}

impl Load {
    /// A million live tasks, a chain of 100,000, and 64 threads with 10,000 tasks each.
    pub const FULL: Load = Load { live: 1_000_000, chain: 100_000, threads: 64, each: 10_000 };
}

impl Default for Load {
    fn default() -> Load {
        Load { live: 50_000, chain: 10_000, threads: 64, each: 500 }
    }
}
