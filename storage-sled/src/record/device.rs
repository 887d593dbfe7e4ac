//! The stored form of devices, with their presence and their session.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::device::{CertificateSummary, Device, DeviceSettings};
use fieldgate_core::model::id::{DeviceId, OrganizationId, SiteId};
use fieldgate_core::model::metadata::Metadata;
use fieldgate_core::model::presence::{DeviceStatus, Presence, Session, SessionEpoch};
use fieldgate_core::model::profile::ProfileRef;
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::text::{FirmwareVersion, Name};
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{LocationJson, TagsJson, millis, optional_millis, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct DeviceJson {
    #[serde(with = "text")]
    id: DeviceId,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    name: Name,
    location: Option<LocationJson>,
    tags: TagsJson,
    /// Its text form, which is kept to the letter.
    #[serde(with = "text")]
    metadata: Metadata,
    #[serde(with = "optional_text")]
    site_id: Option<SiteId>,
    #[serde(with = "optional_text")]
    profile: Option<ProfileRef>,
    presence: PresenceJson,
    #[serde(with = "optional_text")]
    firmware_version: Option<FirmwareVersion>,
    certificate: Option<CertificateSummaryJson>,
    session_epoch: u64,
    session: Option<SessionJson>,
    #[serde(with = "millis")]
    created_at: Timestamp,
    #[serde(with = "millis")]
    updated_at: Timestamp,
    revision: u64,
}

#[derive(Deserialize, Serialize)]
struct PresenceJson {
    #[serde(with = "text")]
    status: DeviceStatus,
    online: bool,
    #[serde(with = "optional_millis")]
    first_session_at: Option<Timestamp>,
    #[serde(with = "optional_millis")]
    last_seen_at: Option<Timestamp>,
    #[serde(with = "millis")]
    status_changed_at: Timestamp,
}

#[derive(Deserialize, Serialize)]
struct CertificateSummaryJson {
    #[serde(with = "text")]
    serial_number: SerialNumber,
    #[serde(with = "millis")]
    not_after: Timestamp,
}

#[derive(Deserialize, Serialize)]
struct SessionJson {
    epoch: u64,
    node: String,
    #[serde(with = "text")]
    serial_number: SerialNumber,
}

impl JsonRecord for Device {
    const WHAT: &'static str = "device";

    type Json = DeviceJson;

    fn to_json(&self) -> DeviceJson {
        let settings = &self.settings;
        let presence = &self.presence;
        let certificate = self.certificate.as_ref();
        let session = self.session.as_ref();
        DeviceJson {
            id: self.id,
            organization_id: self.organization_id,
            name: settings.name.clone(),
            location: settings.location.as_ref().map(LocationJson::new),
            tags: TagsJson::new(&settings.tags),
            metadata: settings.metadata.clone(),
            site_id: settings.site_id,
            profile: settings.profile.clone(),
            presence: PresenceJson {
                status: presence.status(),
                online: presence.online(),
                first_session_at: presence.first_session_at(),
                last_seen_at: presence.last_seen_at(),
                status_changed_at: presence.status_changed_at(),
            },
            firmware_version: self.firmware_version.clone(),
            certificate: certificate.map(|certificate| CertificateSummaryJson {
                serial_number: certificate.serial_number.clone(),
                not_after: certificate.not_after,
            }),
            session_epoch: self.session_epoch.as_u64(),
            session: session.map(|session| SessionJson {
                epoch: session.epoch.as_u64(),
                node: session.node.as_str().to_owned(),
                serial_number: session.serial_number.clone(),
            }),
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: self.revision.as_u64(),
        }
    }

    fn from_json(json: DeviceJson) -> Result<Self, Invalid> {
        let location = json.location.map(LocationJson::into_model);
        let session = json.session.map(|session| {
            Ok(Session {
                epoch: SessionEpoch::from_u64(session.epoch),
                node: session.node.parse()?,
                serial_number: session.serial_number,
            })
        });
        Ok(Self {
            id: json.id,
            organization_id: json.organization_id,
            settings: DeviceSettings {
                name: json.name,
                location: location.transpose()?,
                tags: json.tags.into_model()?,
                metadata: json.metadata,
                site_id: json.site_id,
                profile: json.profile,
            },
            presence: Presence::from_parts(
                json.presence.status,
                json.presence.online,
                json.presence.first_session_at,
                json.presence.last_seen_at,
                json.presence.status_changed_at,
            )?,
            firmware_version: json.firmware_version,
            certificate: json.certificate.map(|certificate| CertificateSummary {
                serial_number: certificate.serial_number,
                not_after: certificate.not_after,
            }),
            session_epoch: SessionEpoch::from_u64(json.session_epoch),
            session: session.transpose()?,
            created_at: json.created_at,
            updated_at: json.updated_at,
            revision: Revision::from_u64(json.revision),
        })
    }
}
