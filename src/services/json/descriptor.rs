//! Descriptions of jobs and services for clients.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

/// A job or a service as its callers see it: its name, its purpose, and the JSON schemas (draft
/// 2020-12) of all that goes in and comes out.
///
/// [`TaskStack::all_actions`](crate::services::TaskStack::all_actions) and
/// [`ServiceStack::all_actions`](crate::services::ServiceStack::all_actions) return one for each. It
/// can be serialized, with the fields in this order.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::services::{Task, TaskContext, TaskStack};
/// use async_runtime_compat::smol::SmolSpawner;
/// use serde_json::json;
///
/// struct Greeter;
///
/// impl Task for Greeter {
///     type Action = String;
///     type Event = ();
///     type Output = u32;
///     type Error = std::convert::Infallible;
///
///     async fn run(&self, name: String, _: TaskContext<()>) -> Result<u32, Self::Error> {
///         Ok(name.len() as u32)
///     }
///
///     fn description(&self) -> &str {
///         "greets, and counts the letters"
///     }
/// }
///
/// let tasks = TaskStack::new(Arc::new(SmolSpawner));
/// tasks.register("greeter", Greeter).unwrap();
///
/// let all = serde_json::to_value(tasks.all_actions()).unwrap();
/// assert_eq!(all[0]["name"], "greeter");
/// assert_eq!(all[0]["description"], "greets, and counts the letters");
/// assert_eq!(all[0]["action"]["type"], "string");
/// assert_eq!(all[0]["output"]["type"], "integer");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Descriptor {
    /// The name under which it was registered.
    pub name: String,
    /// The kind of job or service; see [`Task::type_name`](crate::services::Task::type_name).
    /// Serialized as `type`.
    pub type_name: String,
    /// Its purpose; see [`Task::description`](crate::services::Task::description).
    pub description: String,
    /// The schema of an action.
    pub action: Value,
    /// The schema of an event.
    pub event: Value,
    /// The schema of the result. An action of a service has none: `null`.
    pub output: Value,
    /// The schema of an error: a string, the message, unless a
    /// [`JsonTask`](crate::services::JsonTask) or [`JsonService`](crate::services::JsonService) of
    /// your own has another.
    pub error: Value,
}

impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Descriptor", 7)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("type", &self.type_name)?;
        fields.serialize_field("description", &self.description)?;
        fields.serialize_field("action", &self.action)?;
        fields.serialize_field("event", &self.event)?;
        fields.serialize_field("output", &self.output)?;
        fields.serialize_field("error", &self.error)?;
        fields.end()
    }
}
