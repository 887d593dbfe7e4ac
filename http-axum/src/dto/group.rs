//! Device groups in JSON.

use fieldgate_core::Error;
use fieldgate_core::model::group as model;
use fieldgate_core::model::tag;
use fieldgate_core::service::CountedGroup;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dto::page::page;
use crate::dto::{Check, text};

/// A saved selection of devices by their tags.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceGroup {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    #[schema(example = "Greenhouses, north")]
    name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// Which devices belong to it.
    selector: TagSelector,
    /// How many devices belong to it.
    device_count: u64,
}

impl From<CountedGroup> for DeviceGroup {
    fn from(counted: CountedGroup) -> Self {
        let settings = &counted.group.settings;
        Self {
            id: counted.group.id.to_string(),
            name: settings.name.to_string(),
            description: text(settings.description.as_ref()),
            selector: (&settings.selector).into(),
            device_count: counted.device_count,
        }
    }
}

page! {
    /// A page of device groups.
    DeviceGroupPage of DeviceGroup
}

/// Chooses devices by their tags. A part that is absent chooses all.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagSelector {
    /// Each of these tags is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 64)]
    all: Option<Vec<String>>,
    /// At least one of these is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 64)]
    any: Option<Vec<String>>,
    /// None of these is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 64)]
    none: Option<Vec<String>>,
}

impl From<&tag::TagSelector> for TagSelector {
    fn from(selector: &tag::TagSelector) -> Self {
        let part = |tags: &tag::Tags| {
            let texts = tags.iter().map(ToString::to_string).collect();
            (!tags.is_empty()).then_some(texts)
        };
        Self {
            all: part(&selector.all),
            any: part(&selector.any),
            none: part(&selector.none),
        }
    }
}

/// A device group to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateDeviceGroup {
    /// Its name.
    #[schema(min_length = 1, max_length = 128, example = "Greenhouses, north")]
    name: String,
    /// What it is for.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
    /// Which devices belong to it.
    selector: TagSelector,
}

impl CreateDeviceGroup {
    /// The settings.
    pub(crate) fn parse(&self) -> Result<model::GroupSettings, Error> {
        let mut check = Check::default();
        let name = check.parse("/name", &self.name);
        let description = check.optional("/description", self.description.as_ref());
        let all = check.tags("/selector/all", self.selector.all.as_ref());
        let any = check.tags("/selector/any", self.selector.any.as_ref());
        let none = check.tags("/selector/none", self.selector.none.as_ref());
        match (name, description, all, any, none) {
            (Some(name), Some(description), Some(all), Some(any), Some(none)) => {
                Ok(model::GroupSettings {
                    name,
                    description,
                    selector: tag::TagSelector { all, any, none },
                })
            }
            _ => Err(check.into_error()),
        }
    }
}

/// A device group as it is to be. What is absent is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceGroupUpdate {
    /// Its name.
    #[schema(min_length = 1, max_length = 128, example = "Greenhouses, north")]
    name: String,
    /// What it is for.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
    /// Which devices belong to it.
    selector: TagSelector,
}

impl From<DeviceGroupUpdate> for CreateDeviceGroup {
    fn from(update: DeviceGroupUpdate) -> Self {
        Self {
            name: update.name,
            description: update.description,
            selector: update.selector,
        }
    }
}
