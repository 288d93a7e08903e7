//! The procedural macros of `async-runtime-compat`, which are documented there.
#![forbid(unsafe_code)]

mod args;
mod backend;
mod expand;
mod function;
mod limit;
mod settings;
mod simulation;

use proc_macro::TokenStream;

/// One async test, run on each backend; see `async_runtime_compat::test`.
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::test(args.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
