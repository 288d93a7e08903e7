//! The function that is to be tested: whether it can be, and which attributes go where.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parser, Result};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, FnArg, ItemFn, Meta, ReturnType, Signature, Token, Type};

/// A function that can be tested, and what belongs to the tests that are made of it.
pub(crate) struct Function {
    /// The function itself, with the attributes that stay on it.
    pub(crate) item: ItemFn,
    /// Those that say whether there is a function.
    pub(crate) gates: Vec<TokenStream>,
    /// Those that say what is to become of a test.
    pub(crate) of_tests: Vec<TokenStream>,
}

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Function> {
        let mut item: ItemFn = syn::parse2(item.clone()).map_err(|error| {
            // What is wrong inside of a function is said best by the compiler.
            let is_function = item.into_iter().any(|token| token.to_string() == "fn");
            if is_function {
                error
            } else {
                Error::new(error.span(), "this attribute goes on an async function")
            }
        })?;
        check_signature(&item.sig)?;
        let (mut gates, mut of_tests, mut stay) = (Vec::new(), Vec::new(), Vec::new());
        for attribute in std::mem::take(&mut item.attrs) {
            if attribute.path().segments.last().is_some_and(|name| name.ident == "test") {
                let why = "a second test attribute: this one makes the tests by itself";
                return Err(Error::new_spanned(attribute, why));
            }
            if attribute.path().is_ident("cfg") {
                gates.push(attribute.into_token_stream());
            } else if attribute.path().is_ident("cfg_attr") {
                let (tests, function) = split(&attribute)?;
                of_tests.extend(tests);
                stay.extend(function);
            } else if is_of_test(attribute.meta.path()) {
                of_tests.push(attribute.into_token_stream());
            } else {
                stay.push(attribute);
            }
        }
        item.attrs = stay;
        let function = Function { item, gates, of_tests };
        function.check_output()?;
        Ok(function)
    }

    /// That of a test that should panic is checked here, because the compiler would point at what
    /// is expanded.
    fn check_output(&self) -> Result<()> {
        let should_panic =
            self.of_tests.iter().any(|attribute| attribute.to_string().contains("should_panic"));
        match self.output() {
            Some(output) if should_panic => {
                let why = "a test that should panic returns nothing: call `unwrap` where it should";
                Err(Error::new_spanned(output, why))
            }
            _ => Ok(()),
        }
    }

    /// The type of the one argument, if there is one.
    pub(crate) fn argument(&self) -> Option<&Type> {
        match self.item.sig.inputs.first()? {
            FnArg::Typed(argument) => Some(&argument.ty),
            FnArg::Receiver(_) => None,
        }
    }

    /// What it returns, if that is something else than `()`.
    pub(crate) fn output(&self) -> Option<&Type> {
        match &self.item.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => match &**ty {
                Type::Tuple(tuple) if tuple.elems.is_empty() => None,
                ty => Some(ty),
            },
        }
    }
}

fn is_of_test(path: &syn::Path) -> bool {
    path.is_ident("should_panic") || path.is_ident("ignore")
}

/// Tells apart what a `cfg_attr` has for the tests and for the function.
fn split(attribute: &Attribute) -> Result<(Vec<TokenStream>, Vec<Attribute>)> {
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let mut metas = parser.parse2(attribute.meta.require_list()?.tokens.clone())?.into_iter();
    let Some(condition) = metas.next() else {
        return Err(Error::new_spanned(attribute, "this `cfg_attr` has no condition"));
    };
    let (tests, function): (Vec<_>, Vec<_>) = metas.partition(|meta| is_of_test(meta.path()));
    let tests = tests.iter().map(|meta| quote! { #[cfg_attr(#condition, #meta)] });
    let function = function.iter().map(|meta| syn::parse_quote! { #[cfg_attr(#condition, #meta)] });
    Ok((tests.collect(), function.collect()))
}

fn check_signature(signature: &Signature) -> Result<()> {
    const TAKES: &str = "it takes nothing, or one of `Arc<dyn Runtime>`, `Arc<dyn Spawner>`, \
                         `Arc<dyn Timer>`, `Arc<dyn Blocking>`";

    let error = |what: &dyn ToTokens, why: &str| Err(Error::new_spanned(what, why));
    if let Some(token) = &signature.constness {
        return error(&token, "a test cannot be `const`");
    }
    if let Some(token) = &signature.unsafety {
        return error(&token, "a test cannot be `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        return error(&abi, "a test cannot be `extern`");
    }
    if signature.asyncness.is_none() {
        let why = "the function must be async: write `async fn`, or use `#[test]` for one that \
                   needs no runtime";
        return error(&signature.fn_token, why);
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        return error(generics, "a test cannot be generic");
    }
    if let Some(clause) = &generics.where_clause {
        return error(&clause, "a test cannot be generic");
    }
    if let Some(variadic) = &signature.variadic {
        return error(&variadic, "a test cannot be variadic");
    }
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver)) => {
            let why = "a test is a free function: it has no `self`";
            return error(&receiver, why);
        }
        Some(FnArg::Typed(argument)) => match &*argument.ty {
            Type::ImplTrait(ty) => {
                return error(&ty, &format!("a test cannot be generic: {TAKES}"));
            }
            Type::Reference(ty) => {
                return error(&ty, &format!("a test cannot take a reference: {TAKES}"));
            }
            _ => {}
        },
        None => {}
    }
    match inputs.next() {
        Some(second) => error(&second, &format!("a test has no second argument: {TAKES}")),
        None => Ok(()),
    }
}
