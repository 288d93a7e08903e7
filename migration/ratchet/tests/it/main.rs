//! The rules and the ratchet, on files.

mod cli;
mod codebase;
mod rules;
mod support;
mod walk;
