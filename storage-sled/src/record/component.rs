//! The stored form of components.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::component::{Component, ComponentOrigin, ComponentSettings};
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::metadata::Metadata;
use fieldgate_core::model::profile::ProfileRef;
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::text::Name;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{TagsJson, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct ComponentJson {
    #[serde(with = "text")]
    id: ComponentId,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    device_id: DeviceId,
    #[serde(with = "text")]
    key: Key,
    origin: OriginJson,
    #[serde(with = "text")]
    name: Name,
    #[serde(with = "optional_text")]
    profile: Option<ProfileRef>,
    tags: TagsJson,
    #[serde(with = "text")]
    metadata: Metadata,
    revision: u64,
}

#[derive(Deserialize, Serialize)]
enum OriginJson {
    Announced,
    Manual,
}

impl JsonRecord for Component {
    const WHAT: &'static str = "component";

    type Json = ComponentJson;

    fn to_json(&self) -> ComponentJson {
        let settings = &self.settings;
        ComponentJson {
            id: self.id,
            organization_id: self.organization_id,
            device_id: self.device_id,
            key: self.key.clone(),
            origin: match self.origin {
                ComponentOrigin::Announced => OriginJson::Announced,
                ComponentOrigin::Manual => OriginJson::Manual,
            },
            name: settings.name.clone(),
            profile: settings.profile.clone(),
            tags: TagsJson::new(&settings.tags),
            metadata: settings.metadata.clone(),
            revision: self.revision.as_u64(),
        }
    }

    fn from_json(json: ComponentJson) -> Result<Self, Invalid> {
        Ok(Self {
            id: json.id,
            organization_id: json.organization_id,
            device_id: json.device_id,
            key: json.key,
            origin: match json.origin {
                OriginJson::Announced => ComponentOrigin::Announced,
                OriginJson::Manual => ComponentOrigin::Manual,
            },
            settings: ComponentSettings {
                name: json.name,
                profile: json.profile,
                tags: json.tags.into_model()?,
                metadata: json.metadata,
            },
            revision: Revision::from_u64(json.revision),
        })
    }
}
