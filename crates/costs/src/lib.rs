//! The work by which the costs of `async-runtime-compat` are measured.
//!
//! The size of a handle, and what a spawn has to ask, depend on which backends are compiled in. So
//! this is a package of its own, which can be built with any of them: with one, as most programs
//! have it, and with all, as features unified by another dependency give it.
//!
//! Times drift with the machine's load, so none is compared with a time of another run: each
//! figure is the median of the ratios of pairs of rounds, one native and one through a shim, that
//! followed each other in one process. Instructions do not drift, and are compared as they are.

pub mod backend;
pub mod case;
pub mod groups;
pub mod instructions;
pub mod measure;
pub mod padded;
pub mod settle;
pub mod timing;
pub mod wait;
pub mod way;
pub mod work;
