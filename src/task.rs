//! The running task.
//!
//! A task has an id if its spawner, or a decorator around it, is [`Identified`](crate::decorate::Identified), if it runs
//! in a simulation, and if its executor gives ids itself. Tasks of other spawners have none: an id would add to the cost
//! of every spawn on executors that have none of their own. On tokio, `tokio::task::id()` works as ever; it is another
//! number.
//!
//! # Examples
//!
//! ```
//! # use async_runtime_compat::FnSpawner;
//! use async_runtime_compat::decorate::Identified;
//! use async_runtime_compat::{prelude::*, task};
//!
//! /// Deep inside of the program.
//! fn log(line: &str) {
//!     match task::try_id() {
//!         Some(id) => println!("task {id}: {line}"),
//!         None => println!("{line}"),
//!     }
//! }
//!
//! # let threads = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
//! let spawner = Identified::new(threads);
//! let task = spawner.spawn_with_handle(async {
//!     log("it starts");
//!     task::id()
//! });
//! let id = task.id();
//! # futures_lite::future::block_on(async {
//! assert_eq!(Some(task.await?), id);
//! # Ok::<(), JoinError>(())
//! # }).unwrap();
//! assert_eq!(task::try_id(), None);
//! ```

use crate::ids;
use crate::seam::running_id;

pub use crate::ids::TaskId;

/// Returns the id of the running task.
///
/// It can be called anywhere in the task: in its future, in the future's destructor, and in a function that runs as
/// blocking work.
///
/// # Panics
///
/// Panics outside of tasks, and in a task without an id. [`try_id`] returns `None` there.
#[must_use]
#[track_caller]
pub fn id() -> TaskId {
    match try_id() {
        Some(id) => id,
        None => panic!(
            "no task with an id is running here: spawn it through `decorate::Identified`, or call `task::try_id`"
        ),
    }
}

/// Returns the id of the running task, or `None` outside of tasks and in a task without an id.
///
/// As on tokio, the future of a `block_on` is not a task, and neither is the future that is passed to a simulation.
#[must_use]
pub fn try_id() -> Option<TaskId> {
    running_id().or_else(ids::entered)
}
