//! The stored form of API keys: hashes, never secrets.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::api_key::{ApiKey, KeyOwner, KeyPrefix};
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::id::{ApiKeyId, OrganizationId};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::secret::SecretHash;
use fieldgate_core::model::text::Name;
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{millis, optional_millis, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct ApiKeyJson {
    #[serde(with = "text")]
    id: ApiKeyId,
    /// `None` for the server's own.
    #[serde(with = "optional_text")]
    organization_id: Option<OrganizationId>,
    #[serde(with = "text")]
    name: Name,
    #[serde(with = "text")]
    prefix: KeyPrefix,
    #[serde(with = "text")]
    secret_sha256: Sha256Digest,
    scopes: Vec<String>,
    #[serde(with = "millis")]
    created_at: Timestamp,
    #[serde(with = "optional_millis")]
    expires_at: Option<Timestamp>,
    #[serde(with = "optional_millis")]
    last_used_at: Option<Timestamp>,
    revision: u64,
}

impl JsonRecord for ApiKey {
    const WHAT: &'static str = "API key";

    type Json = ApiKeyJson;

    fn to_json(&self) -> ApiKeyJson {
        ApiKeyJson {
            id: self.id,
            organization_id: match self.owner {
                KeyOwner::Organization(id) => Some(id),
                KeyOwner::Server => None,
            },
            name: self.name.clone(),
            prefix: self.prefix,
            secret_sha256: Sha256Digest::from_bytes(*self.secret_hash.as_bytes()),
            scopes: self.scopes.iter().map(ToString::to_string).collect(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            revision: self.revision.as_u64(),
        }
    }

    fn from_json(json: ApiKeyJson) -> Result<Self, Invalid> {
        let scopes = json.scopes.iter().map(|scope| scope.parse());
        Ok(Self {
            id: json.id,
            owner: json
                .organization_id
                .map_or(KeyOwner::Server, KeyOwner::Organization),
            name: json.name,
            prefix: json.prefix,
            secret_hash: SecretHash::from_bytes(*json.secret_sha256.as_bytes()),
            scopes: scopes.collect::<Result<_, _>>()?,
            created_at: json.created_at,
            expires_at: json.expires_at,
            last_used_at: json.last_used_at,
            revision: Revision::from_u64(json.revision),
        })
    }
}
