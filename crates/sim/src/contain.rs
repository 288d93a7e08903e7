//! Keeping the panics of user code where they happened.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Drops a value of a user's type; a panic in its destructor goes no further.
pub(crate) fn discard<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(move || drop(value))) {
        // A payload may itself panic when dropped. That would never end, so leak this one.
        mem::forget(payload);
    }
}

/// The message of a panic, and drops its payload.
pub(crate) fn into_message(payload: Payload) -> String {
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    discard(payload);
    text.unwrap_or_else(|| "a payload that is not a string".to_owned())
}
