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
//! In a simulation the body is not run once but checked, as often as that takes:
//! `__testing::simulate(what, which, |runtime| async { … })`.
//!
//! The function stays in its own scope, so that whatever it names is found. Which backends are
//! enabled only the library knows, and so it is a macro of the library that keeps a test, drops it,
//! or says that it cannot be there.

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
    let krate = Crate::new(args.krate.as_ref());
    let support = &krate.support;

    let name = &function.item.sig.ident;
    let tests = args.runs.iter().map(|run| one(&function, run, support, args.listed));
    let at_least_one = if args.listed {
        TokenStream::new()
    } else {
        quote! { #support::at_least_one! {} }
    };
    let import = &krate.import;
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

/// The path of the library, from within the module.
struct Crate {
    import: TokenStream,
    support: TokenStream,
}

impl Crate {
    fn new(path: Option<&Path>) -> Crate {
        let Some(path) = path else {
            let support = quote! { ::async_runtime_compat::__testing };
            return Crate { import: TokenStream::new(), support };
        };
        let first = path.segments.first().map(|segment| &segment.ident);
        let is_absolute = path.leading_colon.is_some() || first.is_some_and(|it| it == "crate");
        // Any other path means what it means where it was written.
        let import = if is_absolute {
            TokenStream::new()
        } else {
            quote! {
                #[allow(unused_imports)]
                use super::*;
            }
        };
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
        Crate { import, support: quote! { #prefix #path::__testing } }
    }
}

fn one(function: &Function, run: &Run, support: &TokenStream, listed: bool) -> TokenStream {
    let name = &function.item.sig.ident;
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
    let Calls { run: call_run, argument, report } = Calls::of(run.backend);
    let timeout = match run.timeout {
        None => TokenStream::new(),
        Some(Limit::Never) => quote! { .without_timeout() },
        Some(Limit::After(limit)) => {
            let (secs, nanos) = (limit.as_secs(), limit.subsec_nanos());
            quote! { .timeout(::core::time::Duration::new(#secs, #nanos)) }
        }
    };
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
    // What stands at the type is the error of a type that is no outcome.
    let output = function.output();
    let span = output.map_or_else(Span::call_site, |ty| located(ty.span()));
    let outcome = moved(support, span);
    let report = report.map(|name| Ident::new(name, span));
    let report = quote_spanned! { span=> #outcome #(::#report)* (output) };
    let output_name = Ident::new("output", span);
    let (returns, end) = match output {
        // One that is simulated fails by a panic, which says more.
        _ if run.backend == Backend::Sim => (TokenStream::new(), quote! { ; }),
        None => (TokenStream::new(), quote! { ; }),
        Some(_) => (quote! { -> ::std::process::ExitCode }, TokenStream::new()),
    };
    let kept = quote! {
        #[::core::prelude::v1::test]
        #(#of_tests)*
        fn #test() #returns {
            #support::#call_run(
                #support::Test::new(
                    ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#test)),
                    #feature,
                ) #timeout,
                #backend,
                |#runtime| async move {
                    let #output_name = #call.await;
                    #report
                },
            ) #end
        }
    };
    quote_spanned! { span_of_gate=> #gate { #mode #feature { #kept } } }
}

/// What of the library a test calls.
struct Calls {
    run: Ident,
    argument: [&'static str; 2],
    report: [&'static str; 2],
}

impl Calls {
    fn of(backend: Backend) -> Calls {
        match backend {
            Backend::Sim => Calls {
                run: format_ident!("simulate"),
                argument: ["SimArgument", "of"],
                report: ["SimOutcome", "error"],
            },
            _ => Calls {
                run: format_ident!("run"),
                argument: ["Argument", "of"],
                report: ["Outcome", "report"],
            },
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
        Backend::Sim => check(&run.simulation, support),
    }
}

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
