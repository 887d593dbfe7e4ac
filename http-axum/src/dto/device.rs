//! Devices in JSON.

use std::collections::BTreeMap;

use fieldgate_core::Error;
use fieldgate_core::model::Invalid;
use fieldgate_core::model::device as model;
use fieldgate_core::model::id::{GroupId, SiteId};
use fieldgate_core::model::presence;
use fieldgate_core::model::profile::ProfileRef;
use fieldgate_core::model::tag::Tag;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::dto::enums::DeviceStatus;
use crate::dto::page::page;
use crate::dto::{Check, Location, Metadata, text};
use crate::extract::{FromQuery, QueryPairs, query_unparsable};
use crate::problem::Problem;

/// A thing with an identity and a certificate of its own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    /// Its identifier: its MQTT client id, and the common name of its certificate.
    #[schema(format = "uuid")]
    id: String,
    /// Whose it is.
    #[schema(format = "uuid")]
    organization_id: String,
    /// Its name; unique in the organization.
    #[schema(example = "greenhouse-7")]
    name: String,
    /// Where it is in its life.
    status: DeviceStatus,
    /// Whether it has a session.
    online: bool,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    location: Option<Location>,
    /// Its tags.
    tags: Vec<String>,
    /// Anything else that operators say of it.
    metadata: Metadata,
    /// The site that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uuid")]
    site_id: Option<String>,
    /// What type of device it is: `name@major.minor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "greenhouse@1.0")]
    profile: Option<String>,
    /// The version of its firmware, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    firmware_version: Option<String>,
    /// Its newest certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    certificate: Option<DeviceCertificate>,
    /// When its first session was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    first_session_at: Option<String>,
    /// When it was last heard of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    last_seen_at: Option<String>,
    /// When its status last changed.
    #[schema(format = "date-time")]
    status_changed_at: String,
    /// When it was registered.
    #[schema(format = "date-time")]
    created_at: String,
    /// When an operator last changed it.
    #[schema(format = "date-time")]
    updated_at: String,
    /// Counts the changes by operators; the ETag.
    revision: u64,
}

/// A device's newest certificate, in short.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceCertificate {
    /// Its serial number in lower-case hexadecimal.
    serial_number: String,
    /// Its end.
    #[schema(format = "date-time")]
    not_after: String,
}

impl From<model::Device> for Device {
    fn from(device: model::Device) -> Self {
        let (settings, presence) = (&device.settings, &device.presence);
        let certificate = device.certificate.as_ref();
        Self {
            id: device.id.to_string(),
            organization_id: device.organization_id.to_string(),
            name: settings.name.to_string(),
            status: presence.status().into(),
            online: presence.online(),
            location: settings.location.as_ref().map(Location::from),
            tags: settings.tags.iter().map(Tag::to_string).collect(),
            metadata: (&settings.metadata).into(),
            site_id: text(settings.site_id.as_ref()),
            profile: text(settings.profile.as_ref()),
            firmware_version: text(device.firmware_version.as_ref()),
            certificate: certificate.map(|certificate| DeviceCertificate {
                serial_number: certificate.serial_number.to_string(),
                not_after: certificate.not_after.to_string(),
            }),
            first_session_at: text(presence.first_session_at().as_ref()),
            last_seen_at: text(presence.last_seen_at().as_ref()),
            status_changed_at: presence.status_changed_at().to_string(),
            created_at: device.created_at.to_string(),
            updated_at: device.updated_at.to_string(),
            revision: device.revision.as_u64(),
        }
    }
}

page! {
    /// A page of devices.
    DevicePage of Device
}

/// A device to be made, without a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateDevice {
    /// Its name; unique in the organization.
    #[schema(min_length = 1, max_length = 128, example = "greenhouse-7")]
    pub(crate) name: String,
    /// Where it is.
    pub(crate) location: Option<Location>,
    /// Its tags.
    #[schema(max_items = 64)]
    pub(crate) tags: Option<Vec<String>>,
    /// Anything else.
    pub(crate) metadata: Option<Metadata>,
    /// The site that it belongs to.
    #[schema(format = "uuid")]
    pub(crate) site_id: Option<String>,
    /// What type of device it is: `name@major.minor`.
    #[schema(example = "greenhouse@1.0")]
    pub(crate) profile: Option<String>,
}

impl CreateDevice {
    /// The settings of the device; `name` is the pointer to its name.
    pub(crate) fn parse(
        &self,
        check: &mut Check,
        name_pointer: &str,
    ) -> Option<model::DeviceSettings> {
        let name = check.parse(name_pointer, &self.name);
        let location = check.location(self.location.as_ref());
        let tags = check.tags("/tags", self.tags.as_ref());
        let metadata = check.metadata(self.metadata.as_ref());
        let site_id = check.optional("/siteId", self.site_id.as_ref());
        let profile = check.optional("/profile", self.profile.as_ref());
        Some(model::DeviceSettings {
            name: name?,
            location: location?,
            tags: tags?,
            metadata: metadata?,
            site_id: site_id?,
            profile: profile?,
        })
    }

    /// The settings of the device.
    pub(crate) fn settings(&self) -> Result<model::DeviceSettings, Error> {
        let mut check = Check::default();
        let settings = self.parse(&mut check, "/name");
        settings.ok_or_else(|| check.into_error())
    }
}

/// A device as it is to be. What is absent is cleared, except the status, which stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct DeviceUpdate {
    /// Its name; unique in the organization.
    #[schema(min_length = 1, max_length = 128, example = "greenhouse-7")]
    name: String,
    /// ACTIVE, which means enabled, INACTIVE or MAINTENANCE.
    #[schema(value_type = Option<DeviceStatus>)]
    status: Option<String>,
    /// Where it is.
    location: Option<Location>,
    /// Its tags.
    #[schema(max_items = 64)]
    tags: Option<Vec<String>>,
    /// Anything else.
    metadata: Option<Metadata>,
    /// The site that it belongs to.
    #[schema(format = "uuid")]
    site_id: Option<String>,
    /// What type of device it is: `name@major.minor`.
    #[schema(example = "greenhouse@1.0")]
    profile: Option<String>,
}

impl DeviceUpdate {
    /// The change.
    pub(crate) fn parse(self) -> Result<model::DeviceUpdate, Error> {
        let mut check = Check::default();
        let status = check.optional("/status", self.status.as_ref());
        let settings = CreateDevice {
            name: self.name,
            location: self.location,
            tags: self.tags,
            metadata: self.metadata,
            site_id: self.site_id,
            profile: self.profile,
        };
        let settings = settings.parse(&mut check, "/name");
        match (settings, status) {
            (Some(settings), Some(status)) => Ok(model::DeviceUpdate { settings, status }),
            _ => Err(check.into_error()),
        }
    }
}

/// Which devices a list holds. All filters have to match.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct DeviceQuery {
    /// One of these statuses.
    #[param(value_type = Vec<DeviceStatus>)]
    pub(crate) status: Vec<presence::DeviceStatus>,
    /// Online or not.
    pub(crate) online: Option<bool>,
    /// All of these tags.
    #[param(value_type = Vec<String>)]
    pub(crate) tag: Vec<Tag>,
    /// At this site.
    #[param(value_type = Option<String>, format = "uuid")]
    pub(crate) site_id: Option<SiteId>,
    /// In this group.
    #[param(value_type = Option<String>, format = "uuid")]
    pub(crate) group_id: Option<GroupId>,
    /// Of this type: `name@major.minor`.
    #[param(value_type = Option<String>)]
    pub(crate) profile: Option<ProfileRef>,
    /// A word of the name begins with this, in whatever case.
    #[param(max_length = 128)]
    pub(crate) q: Option<String>,
}

impl FromQuery for DeviceQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        Ok(Self {
            status: query.all("status")?,
            online: boolean(query, "online")?,
            tag: query.all("tag")?,
            site_id: query.one("siteId")?,
            group_id: query.one("groupId")?,
            profile: query.one("profile")?,
            q: word_prefix(query)?,
        })
    }
}

/// Takes the beginning of a word; an empty one filters nothing.
pub(super) fn word_prefix(query: &mut QueryPairs) -> Result<Option<String>, Problem> {
    let prefix = query.text("q")?.filter(|prefix| !prefix.is_empty());
    if prefix
        .as_ref()
        .is_some_and(|prefix| prefix.chars().nth(128).is_some())
    {
        let invalid = Invalid::new("what is searched for has at most 128 characters");
        return Err(query_unparsable("q", &invalid));
    }
    Ok(prefix)
}

fn boolean(query: &mut QueryPairs, name: &str) -> Result<Option<bool>, Problem> {
    match query.text(name)?.as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(query_unparsable(name, &Invalid::new("it is true or false"))),
    }
}

/// How many devices there are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceSummary {
    /// All of them.
    total: u64,
    /// Those with a session.
    online: u64,
    /// By status: an entry for each status.
    by_status: Vec<StatusCount>,
    /// By site: an entry for each site that has devices.
    by_site: Vec<SiteCount>,
    /// By profile: an entry for each profile that devices have.
    by_profile: Vec<ProfileCount>,
}

/// How many devices have a status.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusCount {
    /// The status.
    status: DeviceStatus,
    /// How many.
    count: u64,
}

/// How many devices are at a site.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SiteCount {
    /// The site; null for devices without one.
    #[schema(required = true, format = "uuid")]
    site_id: Option<String>,
    /// How many.
    count: u64,
}

/// How many devices have a profile.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileCount {
    /// The profile; null for devices without one.
    #[schema(required = true)]
    profile: Option<String>,
    /// How many.
    count: u64,
}

impl From<model::DeviceSummary> for DeviceSummary {
    fn from(summary: model::DeviceSummary) -> Self {
        let of_status = |status| summary.by_status.get(status).copied().unwrap_or(0);
        let by_status = DeviceStatus::ALL.iter().map(|status| StatusCount {
            status: (*status).into(),
            count: of_status(status),
        });
        Self {
            total: summary.total,
            online: summary.online,
            by_status: by_status.collect(),
            by_site: counts(&summary.by_site, |site_id, count| SiteCount {
                site_id,
                count,
            }),
            by_profile: counts(&summary.by_profile, |profile, count| ProfileCount {
                profile,
                count,
            }),
        }
    }
}

fn counts<K: ToString, T>(
    counts: &BTreeMap<Option<K>, u64>,
    entry: impl Fn(Option<String>, u64) -> T,
) -> Vec<T> {
    let entries = counts.iter();
    entries
        .map(|(key, count)| entry(key.as_ref().map(K::to_string), *count))
        .collect()
}
