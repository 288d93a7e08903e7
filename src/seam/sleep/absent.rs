//! Uninhabited types in place of the types of backends that are not compiled in.

use std::task::{Context, Poll};
use std::time::Instant;

/// No sleep and no clock. The letter keeps the types of two absent backends apart.
pub(crate) enum Absent<const LETTER: char> {}

impl<const LETTER: char> Absent<LETTER> {
    pub(crate) fn now(&self) -> Instant {
        match *self {}
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match *self {}
    }

    pub(crate) fn is_elapsed(&self) -> bool {
        match *self {}
    }

    pub(crate) fn reset(&mut self, _: Instant) {
        match *self {}
    }

    pub(crate) fn poll_elapsed(&mut self, _: &mut Context<'_>) -> Poll<()> {
        match *self {}
    }
}
