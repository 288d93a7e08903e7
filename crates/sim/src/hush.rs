//! Silencing the panic hook: a search provokes thousands of panics.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;
use std::thread;

thread_local! {
    static HUSHED: Cell<bool> = const { Cell::new(false) };
    static LAST_LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Silences the panics of this thread until it is dropped.
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

/// Installs a panic hook in front of the present one, once per process. It calls the present one on
/// threads that are not silenced.
pub(crate) fn install() {
    if thread::panicking() {
        // The hook cannot be replaced during a panic. The panics are printed, then.
        return;
    }
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let location = info.location().map(ToString::to_string);
            // A thread may panic while it ends, when its variables are gone.
            let _ = LAST_LOCATION.try_with(|last| last.replace(location));
            if !HUSHED.try_with(Cell::get).unwrap_or_default() {
                before(info);
            }
        }));
    });
}

/// Takes the location of this thread's last panic.
pub(crate) fn last_location() -> Option<String> {
    LAST_LOCATION.take()
}
