//! What is outside of a node, and is told when the node dies and lives again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Engine;
use crate::contain::into_message;
use crate::failure::FailureKind;
use crate::node::Death;
use crate::runtime::SimRuntime;

pub(crate) type DeathHook = Arc<dyn Fn(Death) + Send + Sync>;
pub(crate) type BirthHook = Arc<dyn Fn(SimRuntime) + Send + Sync>;

/// The hooks of a node, of all its lives.
#[derive(Default)]
pub(super) struct Hooks {
    deaths: Vec<DeathHook>,
    births: Vec<BirthHook>,
}

impl Engine {
    pub(crate) fn on_death(&self, id: u32, hook: DeathHook) {
        self.add_hook(id, hook, |hooks| &mut hooks.deaths);
    }

    pub(crate) fn on_birth(&self, id: u32, hook: BirthHook) {
        self.add_hook(id, hook, |hooks| &mut hooks.births);
    }

    fn add_hook<T>(&self, id: u32, hook: T, list: impl Fn(&mut Hooks) -> &mut Vec<T>) {
        let mut state = self.lock();
        let closed = state.closed;
        if let Some(node) = state.nodes.get_mut(id).filter(|_| !closed) {
            list(&mut node.hooks).push(hook);
        } else {
            // After the run nobody would drop it, and it may hold the engine.
            drop(state);
            drop(hook);
        }
    }

    /// Tells what is outside of the node that it has died.
    pub(super) fn died(&self, id: u32, death: Death) {
        // Not under the lock: a hook may do anything, even restart the node.
        let hooks = self.lock().nodes.get(id).map(|node| node.hooks.deaths.clone());
        for hook in hooks.into_iter().flatten() {
            self.call(id, "on_kill", || hook(death));
        }
    }

    /// Tells what is outside of the node that it lives again.
    pub(super) fn born(self: &Arc<Self>, id: u32) {
        let hooks = self.lock().nodes.get(id).map(|node| node.hooks.births.clone());
        for hook in hooks.into_iter().flatten() {
            let runtime = SimRuntime::on(self.clone(), self.home_on(id));
            self.call(id, "on_restart", || hook(runtime));
        }
    }

    fn call(&self, id: u32, what: &str, hook: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(hook)) {
            let message = into_message(payload);
            let hook = format!("a hook of `{what}` of {}", self.lock().describe_node(id));
            self.caught(&hook, &message);
            self.fail(FailureKind::Panic, format!("{hook} panicked: {message}"));
        }
    }
}
