//! Reading an action.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::error::JsonError;

/// Reads an action from a value. The subject is who is to take it, as in `task 'import'`.
pub(crate) fn parse<T: DeserializeOwned>(subject: &str, action: &Value) -> Result<T, JsonError> {
    serde_path_to_error::deserialize(action).map_err(|error| {
        let message = error.inner().to_string();
        let path = path_of(error.path(), &message);
        JsonError::misfit(subject, path, message, action.clone())
    })
}

/// The path of the wrong field, where the error stands at the object around it.
fn path_of(path: &Path, message: &str) -> String {
    let mut text = text_of(path);
    if let Some(name) = field_of(message) {
        if !matches!(path.iter().next_back(), Some(Segment::Map { key }) if key == name) {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(name);
        }
    }
    text
}

/// The path as text; empty for the value as a whole.
pub(super) fn text_of(path: &Path) -> String {
    if path.iter().next().is_none() { String::new() } else { path.to_string() }
}

/// The name of a field that is missing, or of one that there should not be: serde says so of the
/// object.
fn field_of(message: &str) -> Option<&str> {
    let rest =
        message.strip_prefix("missing field `").or(message.strip_prefix("unknown field `"))?;
    rest.split_once('`').map(|(name, _)| name)
}
