//! Device groups: saved selections of devices by their tags.

use crate::model::id::{GroupId, OrganizationId};
use crate::model::revision::Revision;
use crate::model::tag::TagSelector;
use crate::model::text::{Description, Name};
use crate::model::timestamp::Timestamp;

/// A saved selection. Who belongs to it is computed from the tags, never stored by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceGroup {
    /// Its identifier.
    pub id: GroupId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What operators say of it.
    pub settings: GroupSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts its changes.
    pub revision: Revision,
}

/// What operators say of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSettings {
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub description: Option<Description>,
    /// Which devices belong to it.
    pub selector: TagSelector,
}
