//! Code for the backends that are enabled.
//!
//! A macro that stamps tests for each backend is expanded in the package of the tests, which need
//! not have features of the same names. So the gates are macros of this package, and its features
//! decide.

macro_rules! gate {
    ($dollar:tt $($feature:literal $name:ident)*) => {$(
        /// Its content if the backend is enabled, and nothing otherwise.
        #[cfg(feature = $feature)]
        #[macro_export]
        macro_rules! $name {
            ($dollar($dollar content:tt)*) => { $dollar($dollar content)* };
        }

        /// Its content if the backend is enabled, and nothing otherwise.
        #[cfg(not(feature = $feature))]
        #[macro_export]
        macro_rules! $name {
            ($dollar($dollar content:tt)*) => {};
        }
    )*};
}

gate! { $
    "tokio" with_tokio
    "smol" with_smol
    "async-std" with_async_std
    "async-executor" with_async_executor
}
