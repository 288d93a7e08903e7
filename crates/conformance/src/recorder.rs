//! A spawner and a pool around the subject's that record the metadata they get.

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use async_runtime_compat::{Blocking, BoxFuture, BoxJob, SpawnMeta, Spawner};

use crate::kit::{Verdict, fail};

/// Passes everything on, metadata included, and records the metadata.
pub(crate) struct Recorder<S: ?Sized> {
    inner: Arc<S>,
    seen: Mutex<Vec<Seen>>,
}

/// The name and location of one call; no location if the call had no metadata.
type Seen = (Option<String>, Option<&'static Location<'static>>);

impl<S: ?Sized> Recorder<S> {
    pub(crate) fn new(inner: Arc<S>) -> Recorder<S> {
        Recorder { inner, seen: Mutex::default() }
    }

    fn record(&self, seen: Seen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }

    /// Checks that a call since the last check had this name, and a location on this line.
    pub(crate) fn saw(&self, name: Option<&str>, at: &Location<'_>, who: &str) -> Verdict {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let is_here =
            |location: &Location<'_>| (location.file(), location.line()) == (at.file(), at.line());
        if seen.iter().any(|(it, location)| it.as_deref() == name && location.is_some_and(is_here))
        {
            return Ok(());
        }
        let (file, line) = (at.file(), at.line());
        fail(format!("{who} was to get the name {name:?} and {file}:{line}, and got {seen:?}"))
    }
}

impl Spawner for Recorder<dyn Spawner> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.record((None, None));
        self.inner.spawn(future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.record((meta.name().map(str::to_owned), Some(meta.location())));
        self.inner.spawn_with(meta, future);
    }
}

impl Blocking for Recorder<dyn Blocking> {
    fn execute(&self, job: BoxJob) {
        self.record((None, None));
        self.inner.execute(job);
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        self.record((meta.name().map(str::to_owned), Some(meta.location())));
        self.inner.execute_with(meta, job);
    }
}
