//! The stored form of registration tokens: hashes, never secrets.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::id::{DeviceId, OrganizationId, TokenId};
use fieldgate_core::model::secret::SecretHash;
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::text::Name;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::model::token::{RegistrationToken, TokenFate};
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{millis, text};

#[derive(Deserialize, Serialize)]
pub(super) struct TokenJson {
    #[serde(with = "text")]
    id: TokenId,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    device_id: DeviceId,
    #[serde(with = "text")]
    device_name: Name,
    #[serde(with = "millis")]
    created_at: Timestamp,
    #[serde(with = "millis")]
    expires_at: Timestamp,
    #[serde(with = "text")]
    secret_sha256: Sha256Digest,
    fate: FateJson,
}

#[derive(Deserialize, Serialize)]
enum FateJson {
    Expired,
    Open,
    Revoked {
        #[serde(with = "millis")]
        at: Timestamp,
    },
    Used {
        #[serde(with = "millis")]
        at: Timestamp,
        #[serde(with = "text")]
        serial_number: SerialNumber,
    },
}

impl JsonRecord for RegistrationToken {
    const WHAT: &'static str = "registration token";

    type Json = TokenJson;

    fn to_json(&self) -> TokenJson {
        TokenJson {
            id: self.id,
            organization_id: self.organization_id,
            device_id: self.device_id,
            device_name: self.device_name.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            secret_sha256: Sha256Digest::from_bytes(*self.secret_hash.as_bytes()),
            fate: match &self.fate {
                TokenFate::Expired => FateJson::Expired,
                TokenFate::Open => FateJson::Open,
                TokenFate::Revoked { at } => FateJson::Revoked { at: *at },
                TokenFate::Used { at, serial_number } => FateJson::Used {
                    at: *at,
                    serial_number: serial_number.clone(),
                },
            },
        }
    }

    fn from_json(json: TokenJson) -> Result<Self, Invalid> {
        Ok(Self {
            id: json.id,
            organization_id: json.organization_id,
            device_id: json.device_id,
            device_name: json.device_name,
            created_at: json.created_at,
            expires_at: json.expires_at,
            secret_hash: SecretHash::from_bytes(*json.secret_sha256.as_bytes()),
            fate: match json.fate {
                FateJson::Expired => TokenFate::Expired,
                FateJson::Open => TokenFate::Open,
                FateJson::Revoked { at } => TokenFate::Revoked { at },
                FateJson::Used { at, serial_number } => TokenFate::Used { at, serial_number },
            },
        })
    }
}
