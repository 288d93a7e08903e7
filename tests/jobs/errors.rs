//! Errors of jobs as one string.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{TaskWrapper, full_message};

use crate::kit::{Job, everywhere};

everywhere! {
    failure_is_told_with_all_its_causes,
    other_ends_are_told_with_their_reasons,
    refused_start_names_the_state,
}

/// An error with a source.
#[derive(Debug)]
struct While(&'static str, Option<Box<While>>);

impl fmt::Display for While {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for While {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_ref().map(|source| source as &(dyn Error + 'static))
    }
}

fn failing(rt: Arc<dyn Runtime>) -> TaskWrapper<Job> {
    let task = Job::new(|action, cx| async move {
        match action {
            0 => Err("disk is full".into()),
            1 => {
                let disk = While("no space left", None);
                let file = While("cannot write 'index'", Some(Box::new(disk)));
                Err(While("saving failed", Some(Box::new(file))).into())
            }
            // It has its source's message in its own.
            2 => {
                let disk = While("no space left", None);
                Err(While("cannot write: no space left", Some(Box::new(disk))).into())
            }
            3 => Err(io::Error::other("disk is full").into()),
            4 => std::panic::resume_unwind(Box::new("index out of bounds")),
            _ => {
                cx.cancel_token().cancelled().await;
                Err("it was writing".into())
            }
        }
    });
    TaskWrapper::builder(rt, task).name("failing").grace(std::time::Duration::MAX).build()
}

async fn failure_is_told_with_all_its_causes(rt: Arc<dyn Runtime>) {
    let failing = failing(rt);
    for (action, message) in [
        (0, "disk is full"),
        (1, "saving failed: cannot write 'index': no space left"),
        (2, "cannot write: no space left"),
        (3, "disk is full"),
    ] {
        let error = failing.start(action).unwrap().await.unwrap_err();
        assert_eq!(full_message(&error), format!("task 'failing' failed: {message}"));
        assert_eq!(format!("{error:#}"), full_message(&error), "they are the same");
        assert_eq!(error.to_string(), "task 'failing' failed", "the causes are its sources");
        assert_eq!(failing.state().to_string(), format!("failed: {message}"));
    }
}

async fn other_ends_are_told_with_their_reasons(rt: Arc<dyn Runtime>) {
    let failing = failing(rt);
    let error = failing.start(4).unwrap().await.unwrap_err();
    assert_eq!(full_message(&error), "task 'failing' panicked: index out of bounds");
    let run = failing.start(5).unwrap();
    let state = failing.cancel().await;
    let message = full_message(&run.await.unwrap_err());
    assert_eq!(message, "task 'failing' was cancelled: it was writing");
    assert_eq!(full_message(state.error().unwrap()), message);
}

async fn refused_start_names_the_state(rt: Arc<dyn Runtime>) {
    let failing = failing(rt);
    let run = failing.start(5).unwrap();
    let error = failing.start(5).unwrap_err();
    assert!(full_message(&error).starts_with("task 'failing' is already running: "), "{error}");
    failing.cancel().await;
    drop(run);
}
