//! Finding a runtime where none was passed.

use std::env;
use std::ffi::OsStr;
use std::sync::Arc;

use crate::backend::{self, Known};
use crate::error::NoRuntime;
use crate::seam::{self, Runtime};

/// The environment variable that [`from_env`] reads.
const VARIABLE: &str = "ASYNC_RUNTIME";

/// The runtime that the calling code runs on, as far as it can be known.
///
/// It is, in this order,
///
/// 1. the [`Ambient`](crate::Ambient) runtime that the running task was spawned through, at
///    whatever depth, on any backend; or the runtime that this thread
///    [entered](crate::runtime::enter), whichever was entered last;
/// 2. the runtime of the executor that runs this thread's tasks, if the executor
///    [says so](crate::runtime::enter_context), as the simulation of `async-runtime-compat-sim` does:
///    there it is the runtime of the running task's node;
/// 3. the tokio runtime that this thread is in, as `tokio::runtime::Handle::try_current` tells;
/// 4. async-std's, inside of one of its tasks or of its `block_on`, as
///    `async_std::task::try_current` tells;
/// 5. smol's or async-std's global executor, if it is the only backend that is compiled in.
///
/// smol does not tell its tasks from others, so on smol, and on executors of the caller's, it takes
/// an [`Ambient`](crate::Ambient) to be found reliably. Step 5 depends on the features of the whole
/// build: another crate that turns on another backend takes it away. It reads no environment
/// variable.
///
/// # Choosing a default
///
/// **In a library** take an `Arc<dyn Runtime>`, and have no default. Where a constructor without
/// the parameter must stay, let it call `current()` and pass the error on. Do not fall back on a
/// runtime of the library's choice: a second runtime in the process starts threads that its owner
/// does not know of, and sockets that belong to the other one panic on it. Turn on no backend.
///
/// **In a binary** call it, or [`from_env`], once, in `main`, inside of the runtime that the binary
/// starts; then pass it on. If parts of the program cannot be passed anything, pass on
/// [`Ambient::new`](crate::Ambient::new) of it, so that they find the same.
///
/// # Errors
///
/// [`NoRuntime`] if none of that is there, or if several backends might be meant. It says what was
/// looked for, which backends are enabled, and what to do.
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
///     /// On the current runtime.
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

/// The runtime that the environment variable `ASYNC_RUNTIME` names, or else [`current`].
///
/// It is for binaries, whose user may choose. Call it once, in `main`; a library has no business
/// with the environment.
///
/// The values are `tokio`, `smol` and `async-std`, as far as the features are enabled. `tokio` is
/// the runtime that this thread is in, so call it inside of one. The others are the global
/// executors. An empty value is none.
///
/// # Errors
///
/// [`NoRuntime`] if the value is none of these, and it says which are; if it is `tokio` and this
/// thread is in no tokio runtime; and as [`current`].
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
         `Arc<dyn Runtime>` to where it is needed, or call this inside of a runtime",
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
                "the environment variable `{VARIABLE}` is `{name}`, but {missing}: start the \
                 runtime, and look for it inside"
            ))
        });
    }
    let value = value.to_string_lossy();
    let why = if backend::FEATURES.contains(&&*value) && named.is_none() {
        format!("the feature `{value}` is not enabled")
    } else {
        "that names no runtime".to_owned()
    };
    let accepted: Vec<_> = known.iter().filter(|backend| backend.can_be_named()).collect();
    let accepted = match &*accepted {
        [] => "none, for lack of a backend".to_owned(),
        accepted => list(accepted.iter().copied()),
    };
    Err(NoRuntime::new(format!(
        "the environment variable `{VARIABLE}` is `{value}`, but {why}; with the features that are \
         enabled the values are {accepted}"
    )))
}

fn list<'a>(backends: impl IntoIterator<Item = &'a Known>) -> String {
    let names: Vec<_> = backends.into_iter().map(|backend| format!("`{}`", backend.name)).collect();
    names.join(", ")
}

#[cfg(test)]
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
        let words = ["`ASYNC_RUNTIME` is `tokyo`", "names no runtime", "are `tokio`, `smol`"];
        says(choose("tokyo".as_ref(), &known), &words);
        let disabled = ["the feature `async-std` is not enabled", "are `tokio`, `smol`"];
        says(choose("async-std".as_ref(), &known), &disabled);
        says(choose("async-executor".as_ref(), &known), &["names no runtime"]);
        says(choose("Smol".as_ref(), &known), &["names no runtime"]);
        says(choose("smol".as_ref(), &[]), &["is not enabled", "none, for lack of a backend"]);
    }

    #[test]
    fn runtime_that_is_named_must_be_there() {
        says(
            choose("tokio".as_ref(), &[ENTERABLE]),
            &["is `tokio`, but this thread is in no tokio runtime"],
        );
    }
}
