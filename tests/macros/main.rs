//! The test attribute: what it makes of bodies, and what it says to those that cannot be.

mod bodies;
mod checked;
mod endings;
mod renamed;
mod simulated;
