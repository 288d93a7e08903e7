//! What the types are, pinned at compile time.

use std::cell::Cell;
use std::error::Error;
use std::fmt::Display;
use std::future::IntoFuture;

use async_runtime_compat::Watch;
use async_runtime_compat::services::{
    Events, Outcome, Repeat, Run, RunError, RunHandle, RunRecord, StartError, TaskContext,
    TaskState, TaskWrapper, TaskWrapperBuilder, TryEmitError,
};
use futures_util::Stream;
use futures_util::stream::FusedStream;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::kit::Job;

assert_impl_all!(Events<u8>: Stream<Item = u8>, FusedStream, Send, Sync, Unpin);
assert_impl_all!(Events<Cell<u8>>: Send, Unpin);
assert_not_impl_any!(Events<u8>: Clone);
assert_impl_all!(Run<u8, u8>: IntoFuture<Output = Result<u8, RunError>>, Send, Sync, Unpin);
assert_impl_all!(RunHandle<u8>: Future<Output = Result<u8, RunError>>, Send, Sync, Unpin);
assert_impl_all!(RunHandle<Cell<u8>>: Send, Unpin);
assert_not_impl_any!(RunHandle<u8>: Clone);
assert_impl_all!(RunError: Error, Clone, Send, Sync, Unpin);
assert_impl_all!(Watch<TaskState>: Clone, Send, Sync, Unpin);

assert_impl_all!(TaskWrapper<Job>: Clone, Send, Sync, Unpin);
assert_impl_all!(TaskWrapperBuilder<Job>: Send, Sync, Unpin);
assert_impl_all!(TaskContext<u8>: Clone, Send, Sync, Unpin);
assert_impl_all!(TaskContext<Cell<u8>>: Send, Sync);
assert_impl_all!(TaskState: Clone, Display, Send, Sync, Unpin);
assert_impl_all!(Outcome<u8>: Copy, Eq);
assert_impl_all!(Repeat: Clone, Ord, std::hash::Hash, Display, Send, Sync);
assert_impl_all!(RunRecord: Clone, Send, Sync);
assert_impl_all!(StartError<Cell<u8>>: Error, Send);
assert_impl_all!(TryEmitError<Cell<u8>>: Error, Send);

#[cfg(feature = "json")]
mod json {
    use async_runtime_compat::services::{
        JsonError, JsonEventError, JsonEvents, JsonHandle, JsonRun, JsonTask, RegisterError,
        Repeat, RunRecord, StackedTask, TaskStack,
    };
    use futures_util::stream::FusedStream;
    use serde::Serialize;
    use static_assertions::{assert_impl_all, assert_obj_safe};

    assert_obj_safe!(JsonTask);
    assert_impl_all!(dyn JsonTask: Send, Sync, std::fmt::Debug);
    assert_impl_all!(TaskStack: Clone, Send, Sync, Unpin);
    assert_impl_all!(StackedTask: Clone, Serialize, Send, Sync);
    assert_impl_all!(JsonEvents: FusedStream, Send, Unpin);
    assert_impl_all!(Repeat: Serialize);
    assert_impl_all!(RunRecord: Serialize);
    assert_impl_all!(JsonHandle<u8>: Future, Send, Unpin);
    assert_impl_all!(JsonRun<u8>: IntoFuture, Send, Unpin);
    assert_impl_all!(JsonError: std::error::Error, Send, Sync, Unpin);
    assert_impl_all!(JsonEventError: std::error::Error, Clone, Send, Sync, Unpin);
    assert_impl_all!(RegisterError: std::error::Error, Send, Sync, Unpin);
}
