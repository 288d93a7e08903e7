//! Finding the current runtime.

use std::env;
use std::ffi::OsStr;
use std::sync::Arc;

use crate::backend::{self, Known};
use crate::error::NoRuntime;
use crate::seam::{self, Runtime};

/// The environment variable that [`from_env`] reads.
const VARIABLE: &str = "ASYNC_RUNTIME";

/// Returns the runtime that the calling code runs on, if it can be determined.
///
/// It is the first of these that exists:
///
/// 1. the [`Ambient`](crate::Ambient) that the running task was spawned through, at any depth, on any
///    backend, or the runtime that was [entered](crate::runtime::enter) on this thread, whichever was entered
///    last;
/// 2. the runtime declared by the executor of this thread through a
///    [`ThreadContext`](crate::runtime::ThreadContext). The simulation of `async-runtime-compat-sim` declares
///    the runtime of the running task's node;
/// 3. the tokio runtime that this thread is in, by `tokio::runtime::Handle::try_current`;
/// 4. async-std's, inside one of its tasks or its `block_on`, by `async_std::task::try_current`;
/// 5. smol's or async-std's global executor, if it is the only backend that is compiled in.
///
/// smol cannot tell whether code runs in one of its tasks, so on smol, and on custom executors, use an
/// [`Ambient`](crate::Ambient) to find the runtime reliably. Step 5 depends on the features of the whole build:
/// it no longer applies once any crate enables a second backend. No environment variable is read.
///
/// # Choosing a default
///
/// **In a library** take an `Arc<dyn Runtime>`, and have no default. If a constructor without the parameter
/// must stay, let it call `current()` and return the error. Do not fall back to a runtime of the library's
/// choice: a second runtime starts threads that the owner of the process does not expect, and sockets of the
/// first runtime panic on it. Enable no backend feature.
///
/// **In a binary** call this, or [`from_env`], once, in `main`, inside the runtime that the binary starts, and
/// pass it on. For parts of the program that cannot be passed a runtime, wrap it with
/// [`Ambient::new`](crate::Ambient::new), so that they find the same one.
///
/// # Errors
///
/// [`NoRuntime`] if none of these exists, or if several backends are possible. The error lists where this
/// function looked, which backends are enabled, and how to provide a runtime.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::{NoRuntime, current};
///
/// pub struct Client {
///     runtime: Arc<dyn Runtime>,
/// }
///
/// impl Client {
///     /// Creates a client on the current runtime.
///     pub fn new() -> Result<Client, NoRuntime> {
///         Ok(Client::on(current()?))
///     }
///
///     pub fn on(runtime: Arc<dyn Runtime>) -> Client {
///         Client { runtime }
///     }
/// }
/// ```
pub fn current() -> Result<Arc<dyn Runtime>, NoRuntime> {
    find(seam::entered(), backend::KNOWN)
}

/// Returns the runtime that the environment variable `ASYNC_RUNTIME` names, or else the [`current`] one.
///
/// This is for binaries that let their user choose. Call it once, in `main`; libraries should not read the
/// environment.
///
/// The values are `tokio`, `smol` and `async-std`, where the features are enabled. `tokio` is the runtime that
/// this thread is in, so call this inside one. The others are the global executors. An empty value counts as
/// unset.
///
/// # Errors
///
/// [`NoRuntime`] if the value is none of these (the error lists the accepted ones), if it is `tokio` and this
/// thread is in no tokio runtime, or in the cases of [`current`].
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::{NoRuntime, from_env};
///
/// # async fn serve(_: Arc<dyn Runtime>) {}
/// async fn run() -> Result<(), NoRuntime> {
///     let runtime = from_env()?;
///     serve(runtime).await;
///     Ok(())
/// }
/// ```
pub fn from_env() -> Result<Arc<dyn Runtime>, NoRuntime> {
    match env::var_os(VARIABLE) {
        Some(value) if !value.is_empty() => choose(&value, backend::KNOWN),
        _ => current(),
    }
}

fn find(inner: Option<Arc<dyn Runtime>>, known: &[Known]) -> Result<Arc<dyn Runtime>, NoRuntime> {
    let entered = || known.iter().find_map(|backend| (backend.entered)());
    if let Some(runtime) = inner.or_else(entered) {
        return Ok(runtime);
    }
    if let [Known { global: Some(global), .. }] = known {
        return Ok(global());
    }
    let missing: Vec<_> = ["this thread runs no task of an `Ambient` runtime"]
        .into_iter()
        .chain(known.iter().filter_map(|backend| backend.missing))
        .collect();
    let why = match known {
        [] => "no backend is enabled".to_owned(),
        [only] => format!("the only enabled backend, `{}`, has no global runtime", only.name),
        several => format!("several backends are enabled: {}", list(several)),
    };
    Err(NoRuntime::new(format!(
        "there is no current runtime: {}, and there is no default, because {why}; pass an \
         `Arc<dyn Runtime>` to the code that needs it, or call this inside a runtime",
        missing.join(", "),
    )))
}

fn choose(value: &OsStr, known: &[Known]) -> Result<Arc<dyn Runtime>, NoRuntime> {
    let named = known.iter().find(|backend| value == backend.name);
    if let Some(Known { global: Some(global), .. }) = named {
        return Ok(global());
    }
    if let Some(Known { name, entered, missing: Some(missing), .. }) = named {
        return entered().ok_or_else(|| {
            NoRuntime::new(format!(
                "the environment variable `{VARIABLE}` is `{name}`, but {missing}: call this \
                 inside the runtime"
            ))
        });
    }
    let value = value.to_string_lossy();
    let why = if backend::FEATURES.contains(&&*value) && named.is_none() {
        format!("the feature `{value}` is not enabled")
    } else {
        "no runtime has that name".to_owned()
    };
    let accepted: Vec<_> = known.iter().filter(|backend| backend.can_be_named()).collect();
    let accepted = match &*accepted {
        [] => "none, since no backend is enabled".to_owned(),
        accepted => list(accepted.iter().copied()),
    };
    Err(NoRuntime::new(format!(
        "the environment variable `{VARIABLE}` is `{value}`, but {why}; with the enabled features \
         the values are {accepted}"
    )))
}

fn list<'a>(backends: impl IntoIterator<Item = &'a Known>) -> String {
    let names: Vec<_> = backends.into_iter().map(|backend| format!("`{}`", backend.name)).collect();
    names.join(", ")
}

#[cfg(all(test, not(model)))]
mod tests {
    use super::*;

    fn never() -> Option<Arc<dyn Runtime>> {
        None
    }

    fn unused() -> Arc<dyn Runtime> {
        panic!("not this one")
    }

    const ENTERABLE: Known = Known {
        name: "tokio",
        entered: never,
        global: None,
        missing: Some("this thread is in no tokio runtime"),
    };
    const GLOBAL: Known =
        Known { name: "smol", entered: never, global: Some(unused), missing: None };
    const INSTANCE: Known =
        Known { name: "async-executor", entered: never, global: None, missing: None };

    #[track_caller]
    fn says(result: Result<Arc<dyn Runtime>, NoRuntime>, words: &[&str]) {
        let text = result.err().expect("there is no runtime").to_string();
        for word in words {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
    }

    #[test]
    fn without_a_backend_it_says_so() {
        says(find(None, &[]), &["no backend is enabled", "pass an `Arc<dyn Runtime>`"]);
    }

    #[test]
    fn several_backends_are_no_default() {
        let words =
            ["this thread is in no tokio runtime", "several backends are enabled: `tokio`, `smol`"];
        says(find(None, &[ENTERABLE, GLOBAL]), &words);
        says(find(None, &[GLOBAL, INSTANCE]), &["`smol`, `async-executor`"]);
    }

    #[test]
    fn one_that_needs_an_instance_is_no_default() {
        says(
            find(None, &[ENTERABLE]),
            &["the only enabled backend, `tokio`, has no global runtime"],
        );
        says(find(None, &[INSTANCE]), &["the only enabled backend, `async-executor`"]);
    }

    #[test]
    #[should_panic(expected = "not this one")]
    fn only_one_is_the_default() {
        let _ = find(None, &[GLOBAL]);
    }

    #[test]
    fn bad_values_are_answered_with_the_good_ones() {
        let known = [ENTERABLE, GLOBAL, INSTANCE];
        let words =
            ["`ASYNC_RUNTIME` is `tokyo`", "no runtime has that name", "are `tokio`, `smol`"];
        says(choose("tokyo".as_ref(), &known), &words);
        let disabled = ["the feature `async-std` is not enabled", "are `tokio`, `smol`"];
        says(choose("async-std".as_ref(), &known), &disabled);
        says(choose("async-executor".as_ref(), &known), &["no runtime has that name"]);
        says(choose("Smol".as_ref(), &known), &["no runtime has that name"]);
        says(
            choose("smol".as_ref(), &[]),
            &["is not enabled", "none, since no backend is enabled"],
        );
    }

    #[test]
    fn runtime_that_is_named_must_be_there() {
        says(
            choose("tokio".as_ref(), &[ENTERABLE]),
            &["is `tokio`, but this thread is in no tokio runtime"],
        );
    }
}
