//! Records to begin a test with: complete, valid, and each with an id of its own.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::model::api_key::{ApiKey, KeyOwner, KeyPrefix, Scope};
use crate::model::certificate::{Certificate, CertificateFate, Issuer, IssuerKeyId, Sha256Digest};
use crate::model::component::{Component, ComponentOrigin, ComponentSettings};
use crate::model::device::{Device, DeviceSettings};
use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::health::{ConnectionType, DeviceHealth};
use crate::model::id::{
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SiteId, TokenId,
};
use crate::model::idempotency::IdempotencyRecord;
use crate::model::ingestion::{IdSeed, ReadingBatch, ReportedReading, SensorAddress};
use crate::model::metadata::Metadata;
use crate::model::organization::Organization;
use crate::model::quarantine::{QuarantineReason, QuarantinedItem, Rejection};
use crate::model::reading::{Finite, Value, ValueText};
use crate::model::revision::Revision;
use crate::model::secret::{Secret, SecretHash};
use crate::model::serial::SerialNumber;
use crate::model::site::{Site, SiteSettings};
use crate::model::tag::{TagSelector, Tags};
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenFate};

/// The time at which all records of this module were made.
#[must_use]
pub fn noon() -> Timestamp {
    parse("2026-06-15T12:00:00.123Z")
}

/// So many seconds after [`noon`].
#[must_use]
pub fn after(secs: u64) -> Timestamp {
    noon().plus(Duration::from_secs(secs))
}

/// So many seconds before [`noon`].
#[must_use]
pub fn before(secs: u64) -> Timestamp {
    noon().minus(Duration::from_secs(secs))
}

/// Reads a value that the test knows to be valid.
///
/// # Panics
///
/// If it is not.
#[must_use]
#[track_caller]
pub fn parse<T: FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("not a valid value: {text:.80?}"))
}

/// Octets for an id: none are given twice in a process, and later ones make greater ids.
#[must_use]
pub fn unique() -> [u8; 10] {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    // The last two octets are left to be counted up from a seed.
    let mut octets = [0; 10];
    octets[3..8].copy_from_slice(&number.to_be_bytes()[3..]);
    octets
}

/// 32 octets that are given only once.
#[must_use]
pub fn unique_digest() -> Sha256Digest {
    Sha256Digest::of(&unique())
}

/// A seed for the ids of a batch or an announcement.
#[must_use]
pub fn seed() -> IdSeed {
    IdSeed::from_random(unique())
}

/// A set of tags.
///
/// # Panics
///
/// For more than 64, and for texts that are no tags.
#[must_use]
#[track_caller]
pub fn tags(texts: &[&str]) -> Tags {
    let tags = texts.iter().map(|text| parse(text)).collect();
    Tags::new(tags).unwrap_or_else(|_| panic!("too many tags: {texts:?}"))
}

/// Metadata with members of each kind.
#[must_use]
pub fn metadata() -> Metadata {
    parse(
        r#"{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"'</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}"#,
    )
}

/// An organization with a slug of its own.
#[must_use]
pub fn organization() -> Organization {
    let octets = unique();
    let id = OrganizationId::new(noon(), octets);
    let number = id.as_uuid().as_u128() >> 16 & 0xff_ffff;
    Organization {
        id,
        slug: parse(&format!("organization-{number}")),
        name: parse("Example Works"),
        created_at: noon(),
        revision: Revision::FIRST,
    }
}

/// A device's settings that say no more than its name.
#[must_use]
pub fn device_settings(name: &str) -> DeviceSettings {
    DeviceSettings {
        name: parse(name),
        location: None,
        tags: Tags::default(),
        metadata: Metadata::default(),
        site_id: None,
        profile: None,
    }
}

/// A device that has just been registered.
#[must_use]
pub fn device(organization: OrganizationId, name: &str) -> Device {
    let id = DeviceId::new(noon(), unique());
    Device::register(id, organization, device_settings(name), noon())
}

/// An open token for a device, which lives for a day from [`noon`] on.
#[must_use]
pub fn token(device: &Device) -> RegistrationToken {
    RegistrationToken {
        id: TokenId::new(noon(), unique()),
        organization_id: device.organization_id,
        device_id: device.id,
        device_name: device.settings.name.clone(),
        created_at: noon(),
        expires_at: after(24 * 3600),
        secret_hash: secret_hash(),
        fate: TokenFate::Open,
    }
}

/// The hash of a secret that nobody knows.
#[must_use]
pub fn secret_hash() -> SecretHash {
    Secret::from_random(*unique_digest().as_bytes()).hash()
}

/// A certificate for a device, issued at [`noon`] for a year, with a key of its own.
#[must_use]
pub fn certificate(device: &Device) -> Certificate {
    let digest = unique_digest();
    let mut serial_number = [0; 16];
    serial_number.copy_from_slice(&digest.as_bytes()[..16]);
    Certificate {
        serial_number: SerialNumber::from_random(serial_number),
        organization_id: device.organization_id,
        device_id: device.id,
        subject: format!("CN={},O={}", device.id, device.organization_id),
        fingerprint_sha256: digest,
        public_key_sha256: unique_digest(),
        issuer_key_id: issuer_key_id(1),
        not_before: before(60).whole_seconds(),
        not_after: after(365 * 24 * 3600).whole_seconds(),
        issued_at: noon(),
        issue_sequence: 0,
        first_used_at: None,
        fate: CertificateFate::Good,
        pem: format!("-----BEGIN CERTIFICATE-----\n{digest}\n-----END CERTIFICATE-----\n"),
    }
}

/// The key id of an issuer.
#[must_use]
pub const fn issuer_key_id(number: u8) -> IssuerKeyId {
    IssuerKeyId::from_bytes([number; 20])
}

/// An issuer.
#[must_use]
pub fn issuer(number: u8) -> Issuer {
    Issuer {
        key_id: issuer_key_id(number),
        certificate_pem: format!("issuer {number}\n"),
        root_pem: format!("root {number}\n"),
        created_at: after(number.into()),
    }
}

/// A key with some scopes.
#[must_use]
pub fn api_key(owner: KeyOwner) -> ApiKey {
    let digest = unique_digest();
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&digest.as_bytes()[..8]);
    let scopes = match owner {
        KeyOwner::Organization(_) => BTreeSet::from([Scope::DevicesRead, Scope::TokensWrite]),
        KeyOwner::Server => BTreeSet::from([Scope::Server]),
    };
    ApiKey {
        id: ApiKeyId::new(noon(), unique()),
        owner,
        name: parse("deployment"),
        prefix: KeyPrefix::from_random(u64::from_be_bytes(prefix)),
        secret_hash: secret_hash(),
        scopes,
        created_at: noon(),
        expires_at: Some(after(3600)),
        last_used_at: None,
        revision: Revision::FIRST,
    }
}

/// A site.
#[must_use]
pub fn site(organization: OrganizationId) -> Site {
    Site {
        id: SiteId::new(noon(), unique()),
        organization_id: organization,
        settings: SiteSettings {
            name: parse("Depot"),
            description: None,
            location: None,
            time_zone: None,
        },
        created_at: noon(),
        revision: Revision::FIRST,
    }
}

/// A group of the devices that a selector chooses.
#[must_use]
pub fn group(organization: OrganizationId, selector: TagSelector) -> DeviceGroup {
    DeviceGroup {
        id: GroupId::new(noon(), unique()),
        organization_id: organization,
        settings: GroupSettings {
            name: parse("Pumps"),
            description: None,
            selector,
        },
        created_at: noon(),
        revision: Revision::FIRST,
    }
}

/// A component that an operator made.
#[must_use]
pub fn component(device: &Device, key: &str) -> Component {
    Component {
        id: ComponentId::new(noon(), unique()),
        organization_id: device.organization_id,
        device_id: device.id,
        key: parse(key),
        origin: ComponentOrigin::Manual,
        settings: ComponentSettings {
            name: parse::<Name>(key),
            profile: None,
            tags: Tags::default(),
            metadata: Metadata::default(),
        },
        revision: Revision::FIRST,
    }
}

/// A health report.
#[must_use]
pub fn health(device: DeviceId, timestamp: Timestamp) -> DeviceHealth {
    DeviceHealth {
        device_id: device,
        timestamp,
        uptime_seconds: 3600,
        free_heap_bytes: None,
        signal_strength_dbm: None,
        connection_type: ConnectionType::Ethernet,
        readings_sent: 7,
        readings_dropped: 0,
        extra: None,
    }
}

/// An item for the quarantine, later than those before it.
#[must_use]
pub fn quarantined(device: &Device) -> QuarantinedItem {
    QuarantinedItem {
        id: QuarantineId::new(noon(), unique()),
        organization_id: device.organization_id,
        device_id: device.id,
        received_at: noon(),
        rejection: Rejection::new(QuarantineReason::NotJson, "no JSON", b"<xml/>"),
    }
}

/// What is remembered of a request.
#[must_use]
pub fn request(owner: KeyOwner, key: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        owner,
        key: parse(key),
        request_sha256: unique_digest(),
        resource: Uuid::from_bytes([7; 16]),
        created_at: noon(),
    }
}

/// A batch that arrives at [`noon`].
#[must_use]
pub fn batch(readings: impl IntoIterator<Item = ReportedReading>) -> ReadingBatch {
    ReadingBatch {
        received_at: noon(),
        seed: seed(),
        items: readings.into_iter().map(Ok).collect(),
    }
}

/// A reading of the sensor `component/sensor`.
#[must_use]
pub fn reading(path: &str, timestamp: Timestamp, value: Value) -> ReportedReading {
    let (component, sensor) = path.split_once('/').unwrap_or(("main", path));
    ReportedReading {
        sensor: SensorAddress::Keys {
            component: parse(component),
            sensor: parse(sensor),
        },
        timestamp: Some(timestamp),
        value,
        metadata: None,
        raw: Bytes::from_static(b"{}"),
    }
}

/// A DOUBLE.
///
/// # Panics
///
/// For what is not finite.
#[must_use]
#[track_caller]
pub fn double(number: f64) -> Value {
    let finite = Finite::new(number).unwrap_or_else(|_| panic!("not finite: {number}"));
    Value::Double(finite)
}

/// A TEXT.
///
/// # Panics
///
/// For more than 1,000 characters.
#[must_use]
#[track_caller]
pub fn text(text: &str) -> Value {
    Value::Text(ValueText::new(text).unwrap_or_else(|_| panic!("too long: {text}")))
}
