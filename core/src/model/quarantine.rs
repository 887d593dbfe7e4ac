//! The quarantine: what devices sent and could not be taken.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::id::{DeviceId, OrganizationId, QuarantineId};
use crate::model::timestamp::Timestamp;

/// Something that a device sent and that could not be stored as what it was meant to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuarantinedItem {
    /// Its identifier.
    pub id: QuarantineId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Which device sent it.
    pub device_id: DeviceId,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Why it was refused.
    pub rejection: Rejection,
}

/// Why an item was refused, and the item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// The kind of reason.
    pub reason: QuarantineReason,
    /// The reason in words.
    pub detail: String,
    /// What was sent; cut off as [`Rejection::new`] says.
    pub raw: String,
}

impl Rejection {
    /// The greatest size of a kept item, in octets.
    pub const ITEM_MAX_BYTES: usize = 16 * 1024;

    /// The greatest size that is kept of a payload that is no JSON, in octets.
    pub const PAYLOAD_MAX_BYTES: usize = 1024;

    /// A rejection of `raw`, of which the first 16 KB are kept, or the first KB where it is not
    /// JSON at all. What is no UTF-8 is replaced.
    #[must_use]
    pub fn new(reason: QuarantineReason, detail: impl Into<String>, raw: &[u8]) -> Self {
        let max = match reason {
            QuarantineReason::NotJson => Self::PAYLOAD_MAX_BYTES,
            _ => Self::ITEM_MAX_BYTES,
        };
        let kept = &raw[..raw.len().min(max)];
        Self {
            reason,
            detail: detail.into(),
            raw: String::from_utf8_lossy(kept).into_owned(),
        }
    }
}

/// The kind of reason for which an item was refused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum QuarantineReason {
    /// The device would have more components or sensors than it may.
    LimitExceeded,
    /// It is JSON, but not of the shape that the topic wants.
    Malformed,
    /// The metadata is too large or too deep.
    MetadataTooLarge,
    /// The payload is not JSON.
    NotJson,
    /// The timestamp lies too far ahead.
    TimestampAhead,
    /// The value is not of the sensor's type.
    TypeMismatch,
    /// No sensor of the device has this id.
    UnknownSensor,
    /// The value is too long or out of range.
    ValueOutOfRange,
}

impl QuarantineReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::LimitExceeded,
        Self::Malformed,
        Self::MetadataTooLarge,
        Self::NotJson,
        Self::TimestampAhead,
        Self::TypeMismatch,
        Self::UnknownSensor,
        Self::ValueOutOfRange,
    ];

    /// The text form, for example `TYPE_MISMATCH`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Malformed => "MALFORMED",
            Self::MetadataTooLarge => "METADATA_TOO_LARGE",
            Self::NotJson => "NOT_JSON",
            Self::TimestampAhead => "TIMESTAMP_AHEAD",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::UnknownSensor => "UNKNOWN_SENSOR",
            Self::ValueOutOfRange => "VALUE_OUT_OF_RANGE",
        }
    }
}

impl fmt::Display for QuarantineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for QuarantineReason {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| Invalid::new("no such reason for quarantine"))
    }
}

/// Which items a list holds. All parts have to match; an empty part matches all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuarantineFilter {
    /// Of this device.
    pub device_id: Option<DeviceId>,
    /// For this reason.
    pub reason: Option<QuarantineReason>,
}

impl QuarantineFilter {
    /// Whether an item is in the list.
    #[must_use]
    pub fn matches(&self, item: &QuarantinedItem) -> bool {
        self.device_id.is_none_or(|id| id == item.device_id)
            && self
                .reason
                .is_none_or(|reason| reason == item.rejection.reason)
    }
}
