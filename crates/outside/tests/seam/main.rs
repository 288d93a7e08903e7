//! The open seam of the core, as somebody outside of it uses it.

mod contained;
mod context;
mod enter;
mod group;
mod hooks;
mod ids;
mod names;
mod support;
mod watch;
