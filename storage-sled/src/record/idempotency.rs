//! The stored form of what is remembered of requests.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::JsonRecord;
use super::parts::{millis, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct IdempotencyJson {
    /// `None` for the server's own.
    #[serde(with = "optional_text")]
    organization_id: Option<OrganizationId>,
    #[serde(with = "text")]
    key: IdempotencyKey,
    #[serde(with = "text")]
    request_sha256: Sha256Digest,
    #[serde(with = "text")]
    resource: Uuid,
    #[serde(with = "millis")]
    created_at: Timestamp,
}

impl JsonRecord for IdempotencyRecord {
    const WHAT: &'static str = "idempotency record";

    type Json = IdempotencyJson;

    fn to_json(&self) -> IdempotencyJson {
        IdempotencyJson {
            organization_id: match self.owner {
                KeyOwner::Organization(id) => Some(id),
                KeyOwner::Server => None,
            },
            key: self.key.clone(),
            request_sha256: self.request_sha256,
            resource: self.resource,
            created_at: self.created_at,
        }
    }

    fn from_json(json: IdempotencyJson) -> Result<Self, Invalid> {
        Ok(Self {
            owner: json
                .organization_id
                .map_or(KeyOwner::Server, KeyOwner::Organization),
            key: json.key,
            request_sha256: json.request_sha256,
            resource: json.resource,
            created_at: json.created_at,
        })
    }
}
