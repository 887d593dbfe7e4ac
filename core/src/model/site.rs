//! Sites: places that devices belong to.

use crate::model::id::{OrganizationId, SiteId};
use crate::model::location::Location;
use crate::model::revision::Revision;
use crate::model::text::{Description, Name, TimeZone};
use crate::model::timestamp::Timestamp;

/// A place that devices belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its identifier.
    pub id: SiteId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What operators say of it.
    pub settings: SiteSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts its changes.
    pub revision: Revision,
}

/// What operators say of a site.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteSettings {
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub description: Option<Description>,
    /// Where it is.
    pub location: Option<Location>,
    /// Its time zone.
    pub time_zone: Option<TimeZone>,
}
