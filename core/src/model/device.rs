//! Devices: the things with an identity and a certificate of their own.

use std::collections::BTreeMap;

use crate::model::id::{DeviceId, OrganizationId, SiteId};
use crate::model::location::Location;
use crate::model::metadata::Metadata;
use crate::model::presence::{DeviceStatus, Presence, Session, SessionEpoch, StatusRefused};
use crate::model::profile::ProfileRef;
use crate::model::revision::Revision;
use crate::model::serial::SerialNumber;
use crate::model::tag::{Tag, TagSelector, Tags};
use crate::model::text::{FirmwareVersion, Name};
use crate::model::timestamp::Timestamp;

/// A device as the registry knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its identifier; never changes.
    pub id: DeviceId,
    /// Whose it is; never changes.
    pub organization_id: OrganizationId,
    /// What operators say of it.
    pub settings: DeviceSettings,
    /// Its status, and whether it is online.
    pub presence: Presence,
    /// The version of its firmware, as it announced it.
    pub firmware_version: Option<FirmwareVersion>,
    /// Its newest certificate.
    pub certificate: Option<CertificateSummary>,
    /// The number of its newest session; zero before the first.
    pub session_epoch: SessionEpoch,
    /// Its live session.
    pub session: Option<Session>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When an operator last changed it.
    pub updated_at: Timestamp,
    /// Counts the changes by operators.
    pub revision: Revision,
}

/// What operators say of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSettings {
    /// Its name; unique in the organization.
    pub name: Name,
    /// Where it is.
    pub location: Option<Location>,
    /// Its tags.
    pub tags: Tags,
    /// Anything else.
    pub metadata: Metadata,
    /// The site that it belongs to.
    pub site_id: Option<SiteId>,
    /// What type of device it is.
    pub profile: Option<ProfileRef>,
}

impl DeviceSettings {
    /// Nothing but a name.
    #[must_use]
    pub fn named(name: Name) -> Self {
        Self {
            name,
            location: None,
            tags: Tags::default(),
            metadata: Metadata::default(),
            site_id: None,
            profile: None,
        }
    }
}

/// What a device's record says of its newest certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateSummary {
    /// Its serial number.
    pub serial_number: SerialNumber,
    /// Its end.
    pub not_after: Timestamp,
}

/// A change by an operator: all settings anew, and the status if it is to change.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceUpdate {
    /// The new settings.
    pub settings: DeviceSettings,
    /// The status to set; `None` leaves it.
    pub status: Option<DeviceStatus>,
}

impl Device {
    /// A device that has been named but never seen.
    #[must_use]
    pub const fn register(
        id: DeviceId,
        organization_id: OrganizationId,
        settings: DeviceSettings,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            organization_id,
            settings,
            presence: Presence::pending(now),
            firmware_version: None,
            certificate: None,
            session_epoch: SessionEpoch::from_u64(0),
            session: None,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// Applies an operator's change; returns the session that has to end for it.
    ///
    /// # Errors
    ///
    /// [`StatusRefused`]; nothing has changed then.
    pub fn update(
        &mut self,
        update: &DeviceUpdate,
        now: Timestamp,
    ) -> Result<Option<Session>, StatusRefused> {
        let ends = match update.status {
            Some(status) => self.presence.set_status(status, now)?,
            None => false,
        };
        self.settings = update.settings.clone();
        self.updated_at = now;
        self.revision = self.revision.next();
        Ok(if ends { self.session.take() } else { None })
    }
}

/// Which devices a list holds. All parts have to match; an empty part matches all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceFilter {
    /// One of these statuses.
    pub statuses: Vec<DeviceStatus>,
    /// Online or not.
    pub online: Option<bool>,
    /// All of these tags.
    pub tags: Vec<Tag>,
    /// At this site.
    pub site_id: Option<SiteId>,
    /// Chosen by this selector (that of a group).
    pub selector: Option<TagSelector>,
    /// Of this profile.
    pub profile: Option<ProfileRef>,
    /// A word of the name begins with this, in whatever case. See [`name_words`].
    pub word_prefix: Option<String>,
}

impl DeviceFilter {
    /// Whether a device is in the list.
    #[must_use]
    pub fn matches(&self, device: &Device) -> bool {
        let settings = &device.settings;
        (self.statuses.is_empty() || self.statuses.contains(&device.presence.status()))
            && self
                .online
                .is_none_or(|online| online == device.presence.online())
            && self.tags.iter().all(|tag| settings.tags.contains(tag))
            && (self.site_id.is_none() || self.site_id == settings.site_id)
            && self
                .selector
                .as_ref()
                .is_none_or(|selector| selector.matches(&settings.tags))
            && (self.profile.is_none() || self.profile == settings.profile)
            && self.word_prefix.as_ref().is_none_or(|prefix| {
                let prefix = prefix.to_lowercase();
                name_words(settings.name.as_str()).any(|word| word.starts_with(&prefix))
            })
    }
}

/// The searchable words of a name, in lower case: the name itself, and what follows each
/// character that is neither letter nor digit.
///
/// Each word runs to the end of the name, so that a prefix may span several words.
pub fn name_words(name: &str) -> impl Iterator<Item = String> + '_ {
    let mut starts_word = true;
    name.char_indices()
        .filter_map(move |(index, char)| {
            let starts = index == 0 || (starts_word && char.is_alphanumeric());
            starts_word = !char.is_alphanumeric();
            starts.then_some(index)
        })
        .map(|index| name[index..].to_lowercase())
}

/// How many devices there are, by status, by presence, by site and by profile.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DeviceSummary {
    /// All devices.
    pub total: u64,
    /// Those with a session.
    pub online: u64,
    /// By status; statuses without devices may be missing.
    pub by_status: BTreeMap<DeviceStatus, u64>,
    /// By site; `None` holds those without one.
    pub by_site: BTreeMap<Option<SiteId>, u64>,
    /// By profile; `None` holds those without one.
    pub by_profile: BTreeMap<Option<ProfileRef>, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_after_anything_that_is_no_letter_or_digit() {
        let words: Vec<String> = name_words("Greenhouse-7 (Süd)").collect();
        assert_eq!(words, ["greenhouse-7 (süd)", "7 (süd)", "süd)"]);
    }
}
