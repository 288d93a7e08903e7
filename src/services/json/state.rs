//! Serialization of states.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::services::run::RunError;
use crate::services::service::{ServiceState, SetUp};
use crate::services::task::{Repeat, RunRecord, TaskState};

impl Serialize for TaskState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (state, reason) = match self {
            TaskState::NotStarted => ("not_started", None),
            TaskState::Running => ("running", None),
            TaskState::Completed => ("completed", None),
            TaskState::Failed(error) => ("failed", Some(error.message())),
        };
        write(serializer, state, reason)
    }
}

/// `"always"`, `"once"`, or `{"once_per": "db"}` with the key.
impl Serialize for Repeat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Repeat::Always => serializer.serialize_unit_variant("Repeat", 0, "always"),
            Repeat::Once => serializer.serialize_unit_variant("Repeat", 1, "once"),
            Repeat::OncePer(key) => {
                serializer.serialize_newtype_variant("Repeat", 2, "once_per", key)
            }
        }
    }
}

impl Serialize for RunRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("RunRecord", 3)?;
        record.serialize_field("run", &self.number)?;
        record.serialize_field("repeat", &self.repeat)?;
        record.serialize_field("state", &self.state)?;
        record.end()
    }
}

/// `{"state": "running"}`; the states are `stopped`, `setup_required`, `setting_up`, `starting`,
/// `running`, `stopping` and `failed`, which has a `reason`.
impl Serialize for ServiceState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(serializer, self.phase().as_str(), self.failure().map(RunError::message))
    }
}

/// `"done"`, `"needed"` or `"unchecked"`.
impl Serialize for SetUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            SetUp::Done => "done",
            SetUp::Needed => "needed",
            SetUp::Unchecked => "unchecked",
        })
    }
}

fn write<S: Serializer>(
    serializer: S,
    state: &str,
    reason: Option<String>,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1 + usize::from(reason.is_some())))?;
    map.serialize_entry("state", state)?;
    if let Some(reason) = reason {
        map.serialize_entry("reason", &reason)?;
    }
    map.end()
}
