//! Free-form documents that people and devices attach to things.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::model::Invalid;

/// A JSON object of at most 10 KB (10,240 octets when written without white space), at most 16
/// levels deep.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    members: Map<String, Value>,
}

impl Metadata {
    /// The greatest size of its compact text, in octets.
    pub const MAX_BYTES: usize = 10 * 1024;

    /// The greatest depth; an object of plain values has depth 1.
    pub const MAX_DEPTH: usize = 16;

    /// Takes the members of an object.
    ///
    /// # Errors
    ///
    /// [`Invalid`] where it is too large or too deep.
    pub fn new(members: Map<String, Value>) -> Result<Self, Invalid> {
        if members
            .values()
            .any(|value| depth(value) >= Self::MAX_DEPTH)
        {
            return Err(Invalid::new("metadata is at most 16 levels deep"));
        }
        let metadata = Self { members };
        if metadata.to_string().len() > Self::MAX_BYTES {
            return Err(Invalid::new("metadata has at most 10 KB"));
        }
        Ok(metadata)
    }

    /// The members.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The members, owned.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

// serde_json's own parser stops at 128 levels, so this recursion is bounded.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

impl FromStr for Metadata {
    type Err = Invalid;

    /// Reads the text form: a JSON object.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Self::new(members),
            Ok(_) | Err(_) => Err(Invalid::new("metadata is a JSON object")),
        }
    }
}

impl fmt::Display for Metadata {
    /// Writes the text form: a JSON object without white space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.members).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}
