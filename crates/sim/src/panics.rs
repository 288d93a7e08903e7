//! The panics of a run, where they happened.

use std::mem;

use crate::hush;

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caught {
    /// The task, described.
    pub(crate) task: String,
    pub(crate) message: String,
    /// Unknown without the panic hook.
    pub(crate) location: Option<String>,
}

/// The panics of a run, in order. Of very many, the first and the last are kept.
#[derive(Default)]
pub(crate) struct Panics(Vec<Caught>);

const KEPT: usize = 256;

impl Panics {
    pub(crate) fn push(&mut self, task: String, message: String) -> &Caught {
        // A panic that a join passed on reaches no panic hook: it happened where it did before.
        let before = self.0.iter().find(|before| before.message == message);
        let before = before.and_then(|before| before.location.clone());
        let location = hush::last_location().or(before);
        if self.0.len() == KEPT {
            self.0.remove(KEPT / 2);
        }
        self.0.push(Caught { task, message, location });
        &self.0[self.0.len() - 1]
    }

    /// Takes the first panic that the message speaks of, perhaps as the error of a join.
    pub(crate) fn take_origin(&mut self, message: &str) -> Option<Caught> {
        let speaks_of = |caught: &Caught| {
            // The errors of joins, and a panic that nobody joined, end like this.
            let ends = |by: &str| message.contains(&format!("{by}{}", caught.message));
            caught.message == message || ends("panicked: ") || ends("nobody joined it: ")
        };
        mem::take(&mut self.0).into_iter().find(speaks_of)
    }
}
