//! The stored form of quarantined items: JSON, and behind it the item as it was sent.
//!
//! In JSON, an item of control characters would take six times its size.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::id::{DeviceId, OrganizationId, QuarantineId};
use fieldgate_core::model::quarantine::{QuarantineReason, QuarantinedItem, Rejection};
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::parts::{millis, text};
use super::{FORMAT, JsonRecord, Record, body, push_item, read_json, split_item, write_json};
use crate::error::Error;

#[derive(Deserialize, Serialize)]
struct HeadJson {
    #[serde(with = "text")]
    id: QuarantineId,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    device_id: DeviceId,
    #[serde(with = "millis")]
    received_at: Timestamp,
    #[serde(with = "text")]
    reason: QuarantineReason,
    detail: String,
}

/// An item without what was sent.
struct Head(QuarantinedItem);

impl JsonRecord for Head {
    const WHAT: &'static str = WHAT;

    type Json = HeadJson;

    fn to_json(&self) -> HeadJson {
        head(&self.0)
    }

    fn from_json(json: HeadJson) -> Result<Self, Invalid> {
        Ok(Self(QuarantinedItem {
            id: json.id,
            organization_id: json.organization_id,
            device_id: json.device_id,
            received_at: json.received_at,
            rejection: Rejection {
                reason: json.reason,
                detail: json.detail,
                raw: String::new(),
            },
        }))
    }
}

impl Record for QuarantinedItem {
    const WHAT: &'static str = WHAT;

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut json = Vec::new();
        write_json::<Head>(&mut json, &head(self))?;
        let mut octets = vec![FORMAT];
        push_item(&mut octets, &json);
        octets.extend_from_slice(self.rejection.raw.as_bytes());
        Ok(octets)
    }

    fn decode(octets: &[u8]) -> Result<Self, Error> {
        let (json, raw) = split_item(WHAT, body(WHAT, octets)?)?;
        let Head(mut item) = read_json(json)?;
        let raw = std::str::from_utf8(raw).map_err(|error| Error::decode(WHAT, error))?;
        raw.clone_into(&mut item.rejection.raw);
        Ok(item)
    }
}

fn head(item: &QuarantinedItem) -> HeadJson {
    HeadJson {
        id: item.id,
        organization_id: item.organization_id,
        device_id: item.device_id,
        received_at: item.received_at,
        reason: item.rejection.reason,
        detail: item.rejection.detail.clone(),
    }
}

const WHAT: &str = "quarantined item";
