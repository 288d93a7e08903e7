//! The locks and atomic variables by which threads meet.
//!
//! They are the standard library's. In the package `async-runtime-compat-models`, which compiles this source with
//! the cfg `model`, they are loom's: a program of a few threads is run in each order that the memory model allows.
//!
//! `Arc` and `Weak` are the standard library's everywhere, because a [`Waker`](std::task::Waker) is made of one. So
//! the models do not check the order that reference counts give, and no code relies on it.

#[cfg(not(model))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

#[cfg(model)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

#[cfg(model)]
pub(crate) mod atomic;
#[cfg(model)]
pub(crate) mod models;
