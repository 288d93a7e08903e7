//! `runtime::enter_context`: what an executor with a clock of its own learns of its thread.

mod ends;
mod real_time;

use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::runtime::{self, EnterGuard, ThreadContext};
use async_runtime_compat::{Ambient, current};

use crate::support::{Log, is_same, nowhere, quiet_panic};

/// A context that logs what it is told.
#[derive(Clone)]
struct Told {
    runtime: Option<Arc<dyn Runtime>>,
    real_time: Log<String>,
    panics: Log<Option<String>>,
    unseen: Log<Option<String>>,
    keeps_end: bool,
}

impl Told {
    fn new() -> Told {
        Told {
            runtime: None,
            real_time: Log::new(),
            panics: Log::new(),
            unseen: Log::new(),
            keeps_end: true,
        }
    }

    fn enter(&self) -> EnterGuard {
        runtime::enter_context(Arc::new(self.clone()))
    }
}

impl ThreadContext for Told {
    fn runtime(&self) -> Option<Arc<dyn Runtime>> {
        self.runtime.clone()
    }

    fn real_time(&self, what: &str) {
        self.real_time.push(what.to_owned());
    }

    fn task_panicked(&self, message: Option<&str>) -> Option<Box<dyn FnOnce() + Send>> {
        let (message, unseen) = (message.map(str::to_owned), self.unseen.clone());
        self.panics.push(message.clone());
        Some(Box::new(move || unseen.push(message)))
    }

    fn keeps_end(&self) -> bool {
        self.keeps_end
    }
}

#[test]
fn its_runtime_is_current_and_hides_what_was_entered_before() {
    let (outer, its, inner) = (nowhere(), nowhere(), nowhere());
    let _outer = runtime::enter(outer.clone());
    {
        let _context = Told { runtime: Some(its.clone()), ..Told::new() }.enter();
        assert!(is_same(&current().unwrap(), &its));
        let _inner = runtime::enter(inner.clone());
        assert!(is_same(&current().unwrap(), &inner), "what was entered after it is found");
    }
    {
        let _context = Told::new().enter();
        assert!(current().is_err(), "it has none, and hides the outer one");
    }
    assert!(is_same(&current().unwrap(), &outer));
}

#[test]
fn context_without_a_runtime_leaves_the_search_to_the_backends() {
    let tokio = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _context = Told::new().enter();
    assert!(current().is_err());
    tokio.block_on(async { assert!(current().is_ok()) });
}

#[test]
fn contexts_nest_and_go_in_any_order() {
    let (outer, inner) = (Told::new(), Told::new());
    let told = |of: &Told| {
        let pool = async_runtime_compat::BlockingPool::new();
        drop(futures_lite::future::block_on(pool.spawn_blocking(|| ())));
        of.real_time.take().len()
    };
    let entered_outer = outer.enter();
    let entered_inner = inner.enter();
    assert_eq!((told(&inner), outer.real_time.take().len()), (1, 0), "the inner one is told");
    // A runtime that is entered is no context.
    let entered = runtime::enter(nowhere());
    assert_eq!(told(&inner), 1);
    drop(entered);
    drop(entered_outer);
    assert_eq!(told(&inner), 1);
    drop(entered_inner);
    assert_eq!((told(&inner), told(&outer)), (0, 0));
}

#[test]
fn panic_leaves_the_context() {
    let told = Told { runtime: Some(nowhere()), ..Told::new() };
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _context = told.enter();
        quiet_panic("on purpose");
    }));
    assert!(panicked.is_err() && current().is_err());
}

#[test]
fn ambient_runtime_in_a_context() {
    let its = nowhere();
    let _context = Told { runtime: Some(its.clone()), ..Told::new() }.enter();
    let ambient = Ambient::new(nowhere());
    ambient.in_scope(|| assert!(!is_same(&current().unwrap(), &its)));
    assert!(is_same(&current().unwrap(), &its));
}
