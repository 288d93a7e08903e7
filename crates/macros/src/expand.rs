//! What the attribute expands to.
//!
//! ```text
//! async fn name(rt: Arc<dyn Runtime>) { … }     // as it was written
//! mod name {
//!     __testing::tokio! {                        // there if the backend is enabled
//!         #[test]
//!         fn tokio() {
//!             __testing::run(what, where, |runtime| async { … super::name(runtime).await … })
//!         }
//!     }
//!     …
//! }
//! ```
//!
//! A simulated test does not run the body once but checks it, as often as that takes:
//!
//! ```text
//! #[test]
//! fn sim() {
//!     use ::async_runtime_compat_sim::__testing as simulation;
//!     __testing::search(what, simulation::search(check, |runtime| async { … }))
//! }
//! ```
//!
//! The function stays in its own scope, so that whatever it names is found. Only the library knows
//! which backends are enabled, and so it is a macro of the library that keeps a test, drops it, or
//! says that it cannot be there. The simulation is a crate of its own, and is there if the user
//! depends on it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Result};

use crate::args::{Args, Run};
use crate::backend::Backend;
use crate::function::Function;
use crate::limit::Limit;
use crate::settings::{At, Threads};
use crate::simulation::Simulation;

pub(crate) fn test(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function = Function::parse(item)?;
    let args = Args::parse(args)?;
    let krate = Crate::new(args.krate.as_ref(), "async_runtime_compat");
    let sim = Crate::new(args.sim_crate.as_ref(), "async_runtime_compat_sim");
    let support = &krate.support;

    let name = &function.item.sig.ident;
    let tests = args.runs.iter().map(|run| match run.backend {
        Backend::Sim => simulated(&function, run, support, &sim.support),
        _ => one(&function, run, support, args.listed),
    });
    let at_least_one = if args.listed {
        TokenStream::new()
    } else {
        quote! { #support::at_least_one! {} }
    };
    let import = (krate.is_relative || sim.is_relative).then(|| {
        quote! {
            #[allow(unused_imports)]
            use super::*;
        }
    });
    let gates = &function.gates;
    let item = &function.item;
    Ok(quote! {
        #(#gates)*
        #[cfg(test)]
        // It is as async, and takes as much, as a test must.
        #[allow(clippy::unused_async, clippy::needless_pass_by_value)]
        #item

        #(#gates)*
        #[cfg(test)]
        mod #name {
            #import
            #at_least_one
            #(#tests)*
        }
    })
}

/// The path of a library, from within the module.
struct Crate {
    /// Whether the path means what it means where it was written.
    is_relative: bool,
    support: TokenStream,
}

impl Crate {
    fn new(path: Option<&Path>, name: &str) -> Crate {
        let Some(path) = path else {
            let name = Ident::new(name, Span::call_site());
            return Crate { is_relative: false, support: quote! { ::#name::__testing } };
        };
        let first = path.segments.first().map(|segment| &segment.ident);
        let is_absolute = path.leading_colon.is_some() || first.is_some_and(|it| it == "crate");
        let from_outside = first.is_some_and(|it| it == "self" || it == "super");
        let prefix = if from_outside {
            quote! { super:: }
        } else {
            TokenStream::new()
        };
        let mut path = path.clone();
        if first.is_some_and(|it| it == "self") {
            path.segments = path.segments.into_iter().skip(1).collect();
        }
        Crate { is_relative: !is_absolute, support: quote! { #prefix #path::__testing } }
    }
}

fn one(function: &Function, run: &Run, support: &TokenStream, listed: bool) -> TokenStream {
    let test = Ident::new(run.backend.name(), located(run.span));
    // So that the error of a backend that is missing stands at its name.
    let span_of_gate = located(run.span);
    let gate = Ident::new(run.backend.name(), span_of_gate);
    let gate_path = moved(support, span_of_gate);
    let gate = quote_spanned! { span_of_gate=> #gate_path::#gate! };
    let mode = if listed { format_ident!("required") } else { format_ident!("optional") };
    let feature = run.backend.feature();
    let of_tests = &function.of_tests;
    let backend = backend(run, support);
    let described = described(run, &test, support);
    let body = body(function, support, ["Argument", "of"], ["Returned", "report"]);
    let (returns, end) = match function.output() {
        None => (TokenStream::new(), quote! { ; }),
        Some(_) => (quote! { -> ::std::process::ExitCode }, TokenStream::new()),
    };
    let kept = quote! {
        #[::core::prelude::v1::test]
        #(#of_tests)*
        fn #test() #returns {
            #support::run(#described, #backend, #body) #end
        }
    };
    quote_spanned! { span_of_gate=> #gate { #mode #feature { #kept } } }
}

/// A test in a simulation. It fails by a panic, which says more than an exit code.
fn simulated(
    function: &Function,
    run: &Run,
    support: &TokenStream,
    sim: &TokenStream,
) -> TokenStream {
    let span = located(run.span);
    let test = Ident::new(run.backend.name(), span);
    let of_tests = &function.of_tests;
    // Under a name of its own: if the crate is missing, there is one error, at the backend's name.
    let path = moved(sim, span);
    let simulation = quote! { simulation };
    let import = quote_spanned! { span=> use #path as #simulation; };
    let described = described(run, &test, support);
    let check = check(&run.simulation, &simulation);
    let body = body(function, &simulation, ["SimArgument", "of"], ["SimReturned", "error"]);
    quote! {
        #[::core::prelude::v1::test]
        #(#of_tests)*
        fn #test() {
            #import
            #support::search(#described, #simulation::search(#check, #body));
        }
    }
}

/// The value that says which test it is, and how long it may take.
fn described(run: &Run, test: &Ident, support: &TokenStream) -> TokenStream {
    let feature = run.backend.feature();
    let timeout = match run.timeout {
        None => TokenStream::new(),
        Some(Limit::Never) => quote! { .without_timeout() },
        Some(Limit::After(limit)) => {
            let (secs, nanos) = (limit.as_secs(), limit.subsec_nanos());
            quote! { .timeout(::core::time::Duration::new(#secs, #nanos)) }
        }
    };
    quote! {
        #support::Test::new(
            ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#test)),
            #feature,
        ) #timeout
    }
}

/// The closure that runs the function, with the traits that convert its argument and its output.
fn body(
    function: &Function,
    support: &TokenStream,
    argument: [&str; 2],
    report: [&str; 2],
) -> TokenStream {
    let name = &function.item.sig.ident;
    let (runtime, call) = match function.argument() {
        None => (quote! { _ }, quote! { super::#name() }),
        Some(ty) => {
            let span = located(ty.span());
            let support = moved(support, span);
            let argument = argument.map(|name| Ident::new(name, span));
            let argument = quote_spanned! { span=> #support #(::#argument)* (runtime) };
            (quote! { runtime }, quote! { super::#name(#argument) })
        }
    };
    // The error of a type that is no outcome stands at the type.
    let span = function.output().map_or_else(Span::call_site, |ty| located(ty.span()));
    let outcome = moved(support, span);
    let report = report.map(|name| Ident::new(name, span));
    let report = quote_spanned! { span=> #outcome #(::#report)* (output) };
    let output = Ident::new("output", span);
    quote! {
        |#runtime| async move {
            let #output = #call.await;
            #report
        }
    }
}

/// The value that runs a test on a backend.
fn backend(run: &Run, support: &TokenStream) -> TokenStream {
    match run.backend {
        Backend::Tokio => tokio(run, support),
        Backend::Smol => quote! { #support::Smol },
        Backend::AsyncStd => quote! { #support::AsyncStd },
        Backend::AsyncExecutor => match run.threads.value {
            Threads::Current => quote! { #support::AsyncExecutor::current_thread() },
            Threads::Multi(None) => quote! { #support::AsyncExecutor::multi_thread() },
            Threads::Multi(Some(number)) => {
                quote! { #support::AsyncExecutor::worker_threads(#number) }
            }
        },
        Backend::Sim => unreachable!("a simulated test is not run on a backend but checked"),
    }
}

/// The value that says which schedules to check.
fn check(simulation: &Simulation, support: &TokenStream) -> TokenStream {
    let runs = simulation.runs.map(|At { value, .. }| quote! { .runs(#value) });
    let seed = simulation.seed.map(|At { value, .. }| quote! { .seed(#value) });
    let strategy = simulation.strategy.as_ref().map(|At { value, .. }| {
        quote! { .strategies([#support::strategy(#value)]) }
    });
    quote! { #support::Check::new() #runs #seed #strategy }
}

/// The builder of a tokio runtime. Here and not in the library, because the methods are there if
/// the features of tokio are that the user asks for, and an error shall stand at what was asked for.
fn tokio(run: &Run, support: &TokenStream) -> TokenStream {
    let span = located(run.threads.span);
    let (new, number) = match run.threads.value {
        Threads::Current => (Ident::new("new_current_thread", span), None),
        Threads::Multi(number) => (Ident::new("new_multi_thread", span), number),
    };
    let builder = moved(support, span);
    let new = quote_spanned! { span=> #builder::TokioBuilder::#new() };
    let worker_threads = number.map(|number| quote! { builder.worker_threads(#number); });
    let start_paused = run.start_paused.map(|span| {
        let span = located(span);
        quote_spanned! { span=> builder.start_paused(true); }
    });
    quote! {
        #support::Tokio(|| {
            #[allow(unused_imports)]
            use #support::TokioFeatures as _;
            #[allow(unused_mut)]
            let mut builder = #new;
            #worker_threads
            #start_paused
            builder
        })
    }
}

/// The same path, as if it stood elsewhere: the compiler shows an error from the first token to the
/// last.
fn moved(path: &TokenStream, to: Span) -> TokenStream {
    path.clone()
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().located_at(to));
            token
        })
        .collect()
}

/// Where the user wrote something, as part of what is expanded: errors stand there, lints do not.
fn located(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}
