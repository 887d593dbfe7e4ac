//! The stored form of device groups.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::group::{DeviceGroup, GroupSettings};
use fieldgate_core::model::id::{GroupId, OrganizationId};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::text::{Description, Name};
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{SelectorJson, millis, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct GroupJson {
    #[serde(with = "text")]
    id: GroupId,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    name: Name,
    #[serde(with = "optional_text")]
    description: Option<Description>,
    selector: SelectorJson,
    #[serde(with = "millis")]
    created_at: Timestamp,
    revision: u64,
}

impl JsonRecord for DeviceGroup {
    const WHAT: &'static str = "device group";

    type Json = GroupJson;

    fn to_json(&self) -> GroupJson {
        GroupJson {
            id: self.id,
            organization_id: self.organization_id,
            name: self.settings.name.clone(),
            description: self.settings.description.clone(),
            selector: SelectorJson::new(&self.settings.selector),
            created_at: self.created_at,
            revision: self.revision.as_u64(),
        }
    }

    fn from_json(json: GroupJson) -> Result<Self, Invalid> {
        Ok(Self {
            id: json.id,
            organization_id: json.organization_id,
            settings: GroupSettings {
                name: json.name,
                description: json.description,
                selector: json.selector.into_model()?,
            },
            created_at: json.created_at,
            revision: Revision::from_u64(json.revision),
        })
    }
}
