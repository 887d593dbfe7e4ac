//! The stored form of sites.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::id::{OrganizationId, SiteId};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::site::{Site, SiteSettings};
use fieldgate_core::model::text::{Description, Name, TimeZone};
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{LocationJson, millis, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct SiteJson {
    #[serde(with = "text")]
    id: SiteId,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    name: Name,
    #[serde(with = "optional_text")]
    description: Option<Description>,
    location: Option<LocationJson>,
    #[serde(with = "optional_text")]
    time_zone: Option<TimeZone>,
    #[serde(with = "millis")]
    created_at: Timestamp,
    revision: u64,
}

impl JsonRecord for Site {
    const WHAT: &'static str = "site";

    type Json = SiteJson;

    fn to_json(&self) -> SiteJson {
        let settings = &self.settings;
        SiteJson {
            id: self.id,
            organization_id: self.organization_id,
            name: settings.name.clone(),
            description: settings.description.clone(),
            location: settings.location.as_ref().map(LocationJson::new),
            time_zone: settings.time_zone.clone(),
            created_at: self.created_at,
            revision: self.revision.as_u64(),
        }
    }

    fn from_json(json: SiteJson) -> Result<Self, Invalid> {
        let location = json.location.map(LocationJson::into_model);
        Ok(Self {
            id: json.id,
            organization_id: json.organization_id,
            settings: SiteSettings {
                name: json.name,
                description: json.description,
                location: location.transpose()?,
                time_zone: json.time_zone,
            },
            created_at: json.created_at,
            revision: Revision::from_u64(json.revision),
        })
    }
}
