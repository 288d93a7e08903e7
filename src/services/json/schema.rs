//! JSON schemas.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of values that are read: actions.
pub(crate) fn read<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::default().for_deserialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The schema of values that are written: events and outputs.
pub(crate) fn written<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::default().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
