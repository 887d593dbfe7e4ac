//! The nouns of Fieldgate and the rules that each keeps; no I/O, no wire format.
//!
//! Values are parsed where they enter and cannot be wrong afterwards: a function that takes a
//! [`Name`](text::Name) need not check it again.

pub mod announcement;
pub mod api_key;
pub mod certificate;
pub mod component;
pub mod csr;
pub mod device;
pub mod group;
pub mod health;
pub mod id;
pub mod idempotency;
pub mod ingestion;
pub mod key;
pub mod limits;
pub mod location;
pub mod metadata;
pub mod organization;
pub mod page;
pub mod presence;
pub mod profile;
pub mod quarantine;
pub mod reading;
pub mod revision;
pub mod secret;
pub mod sensor;
pub mod serial;
pub mod site;
pub mod tag;
pub mod text;
pub mod timestamp;
pub mod token;

use std::borrow::Cow;

/// Why a value was refused, in words that say what would be accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct Invalid {
    reason: Cow<'static, str>,
}

impl Invalid {
    /// A refusal with its reason: lower-case, no full stop.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}
