//! Components in JSON.

use fieldgate_core::Error;
use fieldgate_core::model::component as model;
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::profile::ProfileRef;
use fieldgate_core::model::tag::Tag;
use fieldgate_core::service::NewComponent;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::dto::enums::ComponentOrigin;
use crate::dto::page::page;
use crate::dto::{Check, Metadata, text};
use crate::extract::{FromQuery, QueryPairs};
use crate::problem::Problem;

/// An addressable part of a device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Component {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// The device that it is a part of.
    #[schema(format = "uuid")]
    device_id: String,
    /// How the device names it; unique in the device.
    #[schema(example = "bme280")]
    key: String,
    /// What people call it.
    name: String,
    /// The sensor profile that it follows: `name@major.minor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "environment@1.0")]
    profile: Option<String>,
    /// Its tags.
    tags: Vec<String>,
    /// Anything else that operators say of it.
    metadata: Metadata,
    /// How it came about.
    origin: ComponentOrigin,
}

impl From<model::Component> for Component {
    fn from(component: model::Component) -> Self {
        let settings = &component.settings;
        Self {
            id: component.id.to_string(),
            device_id: component.device_id.to_string(),
            key: component.key.to_string(),
            name: settings.name.to_string(),
            profile: text(settings.profile.as_ref()),
            tags: settings.tags.iter().map(Tag::to_string).collect(),
            metadata: (&settings.metadata).into(),
            origin: component.origin.into(),
        }
    }
}

page! {
    /// A page of components.
    ComponentPage of Component
}

/// A component to be made by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateComponent {
    /// The device that it is a part of.
    #[schema(format = "uuid")]
    device_id: String,
    /// How the device names it; unique in the device, never changes.
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$", example = "bme280")]
    key: String,
    /// What people call it; its key if absent.
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    /// The sensor profile that it follows: `name@major.minor`.
    #[schema(example = "environment@1.0")]
    profile: Option<String>,
    /// Its tags.
    #[schema(max_items = 64)]
    tags: Option<Vec<String>>,
    /// Anything else.
    metadata: Option<Metadata>,
}

impl CreateComponent {
    /// The component.
    pub(crate) fn parse(&self) -> Result<NewComponent, Error> {
        let mut check = Check::default();
        let device_id = check.parse("/deviceId", &self.device_id);
        let key = check.parse("/key", &self.key);
        let update = ComponentUpdate {
            // Every key is a name as well.
            name: self.name.as_ref().unwrap_or(&self.key).clone(),
            profile: self.profile.clone(),
            tags: self.tags.clone(),
            metadata: self.metadata.clone(),
        };
        let settings = if key.is_some() {
            update.parse_into(&mut check)
        } else {
            None
        };
        match (device_id, key, settings) {
            (Some(device_id), Some(key), Some(settings)) => Ok(NewComponent {
                device_id,
                key,
                settings,
            }),
            _ => Err(check.into_error()),
        }
    }
}

/// A component as it is to be. What is absent is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComponentUpdate {
    /// What people call it.
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// The sensor profile that it follows: `name@major.minor`.
    #[schema(example = "environment@1.0")]
    profile: Option<String>,
    /// Its tags.
    #[schema(max_items = 64)]
    tags: Option<Vec<String>>,
    /// Anything else.
    metadata: Option<Metadata>,
}

impl ComponentUpdate {
    /// The settings.
    pub(crate) fn parse(&self) -> Result<model::ComponentSettings, Error> {
        let mut check = Check::default();
        let settings = self.parse_into(&mut check);
        settings.ok_or_else(|| check.into_error())
    }

    fn parse_into(&self, check: &mut Check) -> Option<model::ComponentSettings> {
        let name = check.parse("/name", &self.name);
        let profile = check.optional("/profile", self.profile.as_ref());
        let tags = check.tags("/tags", self.tags.as_ref());
        let metadata = check.metadata(self.metadata.as_ref());
        Some(model::ComponentSettings {
            name: name?,
            profile: profile?,
            tags: tags?,
            metadata: metadata?,
        })
    }
}

/// Which components a list holds. All filters have to match.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ComponentQuery {
    /// Of this device.
    #[param(value_type = Option<String>, format = "uuid")]
    device_id: Option<DeviceId>,
    /// Of this sensor profile: `name@major.minor`.
    #[param(value_type = Option<String>)]
    profile: Option<ProfileRef>,
    /// All of these tags.
    #[param(value_type = Vec<String>)]
    tag: Vec<Tag>,
}

impl FromQuery for ComponentQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        Ok(Self {
            device_id: query.one("deviceId")?,
            profile: query.one("profile")?,
            tag: query.all("tag")?,
        })
    }
}

impl From<&ComponentQuery> for model::ComponentFilter {
    fn from(query: &ComponentQuery) -> Self {
        Self {
            device_id: query.device_id,
            profile: query.profile.clone(),
            tags: query.tag.clone(),
        }
    }
}
