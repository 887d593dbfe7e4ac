//! The stored form of organizations.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::organization::{Organization, Slug};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::text::Name;
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{millis, text};

#[derive(Deserialize, Serialize)]
pub(super) struct OrganizationJson {
    #[serde(with = "text")]
    id: OrganizationId,
    #[serde(with = "text")]
    slug: Slug,
    #[serde(with = "text")]
    name: Name,
    #[serde(with = "millis")]
    created_at: Timestamp,
    revision: u64,
}

impl JsonRecord for Organization {
    const WHAT: &'static str = "organization";

    type Json = OrganizationJson;

    fn to_json(&self) -> OrganizationJson {
        OrganizationJson {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            created_at: self.created_at,
            revision: self.revision.as_u64(),
        }
    }

    fn from_json(json: OrganizationJson) -> Result<Self, Invalid> {
        Ok(Self {
            id: json.id,
            slug: json.slug,
            name: json.name,
            created_at: json.created_at,
            revision: Revision::from_u64(json.revision),
        })
    }
}
