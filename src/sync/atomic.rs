//! loom's atomic variables, with each load as a step that loom compares with all others.
//!
//! loom keeps only the last access to a variable. If a thread loads a variable twice, or loads and then changes it, the
//! earlier load of another thread is forgotten, and the orders in which that one comes later are not run. So each load
//! first stores to a variable of its own, which depends on every other load. The store is relaxed, and orders nothing.

use std::ops::Deref;

use loom::sync::atomic;

pub(crate) use loom::sync::atomic::Ordering;

macro_rules! atomics {
    ($($name:ident of $value:ty,)*) => { $(
        #[derive(Default)]
        pub(crate) struct $name {
            value: atomic::$name,
            loads: atomic::AtomicBool,
        }

        impl $name {
            pub(crate) fn new(value: $value) -> $name {
                $name { value: atomic::$name::new(value), loads: atomic::AtomicBool::new(false) }
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.loads.store(true, Ordering::Relaxed);
                self.value.load(order)
            }
        }

        impl Deref for $name {
            type Target = atomic::$name;

            fn deref(&self) -> &atomic::$name {
                &self.value
            }
        }
    )* };
}

atomics! {
    AtomicBool of bool,
    AtomicU8 of u8,
    AtomicU32 of u32,
    AtomicU64 of u64,
}
