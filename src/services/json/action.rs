//! Deserializing actions.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::error::JsonError;

/// Deserializes an action. The subject is its receiver, as in `task 'import'`.
pub(crate) fn parse<T: DeserializeOwned>(subject: &str, action: &Value) -> Result<T, JsonError> {
    serde_path_to_error::deserialize(action).map_err(|error| {
        let message = error.inner().to_string();
        let path = path_of(error.path(), &message);
        JsonError::misfit(subject, path, message, action.clone())
    })
}

/// The path of the invalid field, even where serde reports the object around it.
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

/// The path as text; empty for the whole value.
pub(super) fn text_of(path: &Path) -> String {
    if path.iter().next().is_none() { String::new() } else { path.to_string() }
}

/// The name of a missing or an unknown field, which serde reports for the object around it.
fn field_of(message: &str) -> Option<&str> {
    let rest =
        message.strip_prefix("missing field `").or(message.strip_prefix("unknown field `"))?;
    rest.split_once('`').map(|(name, _)| name)
}
