//! What an archive consists of: every kind of record, and its place in the order of all.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::api_key::{ApiKey, KeyOwner};
use crate::model::certificate::{Certificate, Issuer, IssuerKeyId, Sha256Digest};
use crate::model::component::Component;
use crate::model::device::Device;
use crate::model::group::DeviceGroup;
use crate::model::health::DeviceHealth;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::idempotency::IdempotencyRecord;
use crate::model::organization::Organization;
use crate::model::quarantine::QuarantinedItem;
use crate::model::reading::Reading;
use crate::model::sensor::Sensor;
use crate::model::serial::hex_octets;
use crate::model::site::Site;
use crate::model::token::RegistrationToken;
use crate::storage::RetainedTopic;
use crate::storage::archive::{decode, encode};

/// A record of an archive.
#[derive(Clone, Debug)]
pub enum ArchiveRecord {
    /// An organization.
    Organization(Organization),
    /// An API key.
    ApiKey(ApiKey),
    /// An issuer.
    Issuer(Issuer),
    /// What is counted of an issuer: of each there is one, also where that is nothing yet.
    IssuerCount {
        /// Which issuer.
        key_id: IssuerKeyId,
        /// How many of its certificates have ever been revoked.
        revocations: u64,
        /// The number of its last CRL.
        crl_number: u64,
    },
    /// A public key that is refused for good, by its SHA-256.
    CompromisedKey(Sha256Digest),
    /// A site.
    Site(Site),
    /// A device group.
    Group(DeviceGroup),
    /// A device, with its session.
    Device(Box<Device>),
    /// A registration token.
    Token(RegistrationToken),
    /// A certificate, of a living device or a deleted one.
    Certificate(Box<Certificate>),
    /// A component.
    Component(Box<Component>),
    /// A sensor, with its latest reading.
    Sensor(Box<Sensor>),
    /// A reading, as one of its sensor's present type.
    Reading(OrganizationId, Reading),
    /// A health report.
    Health(OrganizationId, Box<DeviceHealth>),
    /// A quarantined item.
    Quarantined(QuarantinedItem),
    /// The last message of a retained topic.
    Retained {
        /// Whose device.
        organization_id: OrganizationId,
        /// Which device.
        device_id: DeviceId,
        /// Which topic.
        topic: RetainedTopic,
        /// The message.
        payload: Vec<u8>,
    },
    /// What is remembered of a request.
    Idempotency(IdempotencyRecord),
}

impl ArchiveRecord {
    /// What kind of record it is.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Organization(_) => RecordKind::Organization,
            Self::ApiKey(_) => RecordKind::ApiKey,
            Self::Issuer(_) => RecordKind::Issuer,
            Self::IssuerCount { .. } => RecordKind::IssuerCount,
            Self::CompromisedKey(_) => RecordKind::CompromisedKey,
            Self::Site(_) => RecordKind::Site,
            Self::Group(_) => RecordKind::Group,
            Self::Device(_) => RecordKind::Device,
            Self::Token(_) => RecordKind::Token,
            Self::Certificate(_) => RecordKind::Certificate,
            Self::Component(_) => RecordKind::Component,
            Self::Sensor(_) => RecordKind::Sensor,
            Self::Reading(..) => RecordKind::Reading,
            Self::Health(..) => RecordKind::Health,
            Self::Quarantined(_) => RecordKind::Quarantined,
            Self::Retained { .. } => RecordKind::Retained,
            Self::Idempotency(_) => RecordKind::Idempotency,
        }
    }

    /// Where it stands in an archive.
    #[must_use]
    pub fn bookmark(&self) -> Bookmark {
        let key = match self {
            Self::Organization(it) => it.id.as_bytes().to_vec(),
            Self::ApiKey(it) => join(&[&owner_octets(it.owner), it.id.as_bytes()]),
            Self::Issuer(it) => it.key_id.as_bytes().to_vec(),
            Self::IssuerCount { key_id, .. } => key_id.as_bytes().to_vec(),
            Self::CompromisedKey(digest) => digest.as_bytes().to_vec(),
            Self::Site(it) => join(&[it.organization_id.as_bytes(), it.id.as_bytes()]),
            Self::Group(it) => join(&[it.organization_id.as_bytes(), it.id.as_bytes()]),
            Self::Device(it) => join(&[it.organization_id.as_bytes(), it.id.as_bytes()]),
            Self::Token(it) => join(&[it.organization_id.as_bytes(), it.id.as_bytes()]),
            Self::Certificate(it) => join(&[
                it.organization_id.as_bytes(),
                it.device_id.as_bytes(),
                &it.issue_sequence.to_be_bytes(),
            ]),
            Self::Component(it) => join(&[it.organization_id.as_bytes(), it.id.as_bytes()]),
            Self::Sensor(it) => join(&[it.organization_id.as_bytes(), it.id.as_bytes()]),
            Self::Reading(organization, it) => join(&[
                organization.as_bytes(),
                it.sensor_id.as_bytes(),
                &it.timestamp.unix_millis().to_be_bytes(),
            ]),
            Self::Health(organization, it) => join(&[
                organization.as_bytes(),
                it.device_id.as_bytes(),
                &it.timestamp.unix_millis().to_be_bytes(),
            ]),
            Self::Quarantined(it) => join(&[it.organization_id.as_bytes(), it.id.as_bytes()]),
            Self::Retained {
                organization_id,
                device_id,
                topic,
                ..
            } => join(&[
                organization_id.as_bytes(),
                device_id.as_bytes(),
                &[topic_octet(*topic)],
            ]),
            Self::Idempotency(it) => join(&[&owner_octets(it.owner), it.key.as_str().as_bytes()]),
        };
        Bookmark {
            kind: self.kind(),
            key,
        }
    }

    /// All of it as octets, in a form that never changes: equal records have equal ones, and others
    /// have others. A secret's hash is in them.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        encode::octets(self)
    }

    /// Makes it again from its [`octets`](Self::octets).
    ///
    /// # Errors
    ///
    /// [`Invalid`] for what are not all the octets of a record, or more than them.
    pub fn from_octets(octets: &[u8]) -> Result<Self, Invalid> {
        decode::record(octets)
    }

    /// About how many octets it takes in a storage.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.octets().len()
    }
}

/// The kinds of records, in the order in which an archive has them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RecordKind {
    /// Organizations.
    Organization,
    /// API keys.
    ApiKey,
    /// Issuers.
    Issuer,
    /// What is counted of issuers.
    IssuerCount,
    /// Public keys that are refused for good.
    CompromisedKey,
    /// Sites.
    Site,
    /// Device groups.
    Group,
    /// Devices.
    Device,
    /// Registration tokens.
    Token,
    /// Certificates.
    Certificate,
    /// Components.
    Component,
    /// Sensors.
    Sensor,
    /// Readings.
    Reading,
    /// Health reports.
    Health,
    /// Quarantined items.
    Quarantined,
    /// Last messages of retained topics.
    Retained,
    /// What is remembered of requests.
    Idempotency,
}

impl RecordKind {
    /// All of them, in their order.
    pub const ALL: [Self; 17] = [
        Self::Organization,
        Self::ApiKey,
        Self::Issuer,
        Self::IssuerCount,
        Self::CompromisedKey,
        Self::Site,
        Self::Group,
        Self::Device,
        Self::Token,
        Self::Certificate,
        Self::Component,
        Self::Sensor,
        Self::Reading,
        Self::Health,
        Self::Quarantined,
        Self::Retained,
        Self::Idempotency,
    ];

    /// What people call a record of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::ApiKey => "api-key",
            Self::Issuer => "issuer",
            Self::IssuerCount => "issuer-count",
            Self::CompromisedKey => "compromised-key",
            Self::Site => "site",
            Self::Group => "group",
            Self::Device => "device",
            Self::Token => "token",
            Self::Certificate => "certificate",
            Self::Component => "component",
            Self::Sensor => "sensor",
            Self::Reading => "reading",
            Self::Health => "health",
            Self::Quarantined => "quarantined",
            Self::Retained => "retained",
            Self::Idempotency => "idempotency",
        }
    }

    /// The kind behind this one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind > self)
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecordKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Invalid::new("no such kind of record"))
    }
}

/// A place in an archive: right behind a record. It is good for every archive, also of another
/// storage. Its text form is `<kind>:<key in hexadecimal>`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Bookmark {
    /// The kind of the record.
    pub kind: RecordKind,
    /// The key of the record, by which those of its kind are in order: the octets of the ids (and
    /// numbers, big-endian) that make it unique, from the organization or owner on. An owner is 17
    /// octets: zeros for the server, else 1 and the organization's id.
    pub key: Vec<u8>,
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind)?;
        self.key
            .iter()
            .try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for Bookmark {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::new("a bookmark is a kind of record and a key in hexadecimal");
        let (kind, key) = text.split_once(':').ok_or_else(refused)?;
        Ok(Self {
            kind: kind.parse()?,
            key: hex_octets(key).ok_or_else(refused)?,
        })
    }
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn owner_octets(owner: KeyOwner) -> [u8; 17] {
    let mut octets = [0; 17];
    if let KeyOwner::Organization(id) = owner {
        octets[0] = 1;
        octets[1..].copy_from_slice(id.as_bytes());
    }
    octets
}

const fn topic_octet(topic: RetainedTopic) -> u8 {
    match topic {
        RetainedTopic::ConfigReported => 1,
        RetainedTopic::Status => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookmarks_read_back() {
        let bookmark =
            ArchiveRecord::CompromisedKey(Sha256Digest::from_bytes([0xab; 32])).bookmark();
        assert_eq!(bookmark.to_string().parse::<Bookmark>().unwrap(), bookmark);
        for other in ["", "device", "device:0", "devices:00", "device:0g"] {
            assert!(other.parse::<Bookmark>().is_err(), "{other}");
        }
    }

    #[test]
    fn kinds_are_in_their_order() {
        assert!(RecordKind::ALL.is_sorted());
        for kind in RecordKind::ALL {
            assert_eq!(kind.as_str().parse::<RecordKind>().unwrap(), kind);
        }
    }
}
