//! Typed inside, JSON outside: for registries and wire protocols.

mod action;
mod descriptor;
mod error;
mod order;
mod program;
mod run;
mod schema;
mod service;
mod service_stack;
mod state;
mod task;
mod task_stack;

pub(crate) use self::action::parse;
pub use self::descriptor::Descriptor;
pub use self::error::{JsonError, JsonEventError, RegisterError};
pub use self::program::{Part, PartError, Program, ProgramError};
pub use self::run::{JsonEvents, JsonHandle, JsonRun};
pub(crate) use self::run::{erase, to_value};
pub(crate) use self::schema::{read, written};
pub use self::service::JsonService;
pub use self::service_stack::{
    ServiceStack, StackSetUpError, StackStartError, StackStopError, StackedService,
};
pub use self::task::JsonTask;
pub use self::task_stack::{StackedTask, TaskStack};
