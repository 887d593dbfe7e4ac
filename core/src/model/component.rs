//! Components: the addressable parts of a device.

use std::fmt;

use crate::model::id::{ComponentId, DeviceId, OrganizationId};
use crate::model::key::Key;
use crate::model::metadata::Metadata;
use crate::model::profile::ProfileRef;
use crate::model::revision::Revision;
use crate::model::tag::{Tag, Tags};
use crate::model::text::Name;

/// An addressable part of a device; it has no certificate of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Its identifier.
    pub id: ComponentId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The device that it is a part of.
    pub device_id: DeviceId,
    /// How the device names it; unique in the device, never changes.
    pub key: Key,
    /// How it came about.
    pub origin: ComponentOrigin,
    /// What operators say of it.
    pub settings: ComponentSettings,
    /// Counts the changes by operators.
    pub revision: Revision,
}

/// What operators say of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentSettings {
    /// What people call it.
    pub name: Name,
    /// The sensor profile that it follows.
    pub profile: Option<ProfileRef>,
    /// Its tags.
    pub tags: Tags,
    /// Anything else.
    pub metadata: Metadata,
}

/// How a component came about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ComponentOrigin {
    /// The device announced it or reported for it.
    Announced,
    /// An operator made it.
    Manual,
}

impl fmt::Display for ComponentOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announced => "ANNOUNCED",
            Self::Manual => "MANUAL",
        })
    }
}

/// Which components a list holds. All parts have to match; an empty part matches all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComponentFilter {
    /// Of this device.
    pub device_id: Option<DeviceId>,
    /// Of this profile.
    pub profile: Option<ProfileRef>,
    /// All of these tags.
    pub tags: Vec<Tag>,
}

impl ComponentFilter {
    /// Whether a component is in the list.
    #[must_use]
    pub fn matches(&self, component: &Component) -> bool {
        let settings = &component.settings;
        self.device_id.is_none_or(|id| id == component.device_id)
            && (self.profile.is_none() || self.profile == settings.profile)
            && self.tags.iter().all(|tag| settings.tags.contains(tag))
    }
}
