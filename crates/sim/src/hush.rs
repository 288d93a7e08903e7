//! Panics that are looked for are not printed, thousands of times.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;
use std::thread;

thread_local! {
    static HUSHED: Cell<bool> = const { Cell::new(false) };
    static LAST_LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Until it is dropped, the panics of this thread print nothing.
pub(crate) struct Hush {
    before: bool,
}

impl Hush {
    pub(crate) fn new() -> Hush {
        install();
        Hush { before: HUSHED.replace(true) }
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        HUSHED.set(self.before);
    }
}

/// Puts a hook before the present one, once in a process. On threads that are not hushed the one
/// that was there before does what it did.
pub(crate) fn install() {
    if thread::panicking() {
        // The hook cannot be replaced now. Then they print.
        return;
    }
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string);
            // A thread that is ending may panic, too; its variables are gone then.
            let _ = LAST_LOCATION.try_with(|last| last.replace(place));
            if !HUSHED.try_with(Cell::get).unwrap_or_default() {
                before(info);
            }
        }));
    });
}

/// Where this thread has panicked last, if that is known. It is forgotten then.
pub(crate) fn last_location() -> Option<String> {
    LAST_LOCATION.take()
}
