//! The kinds of keys: their first octets, and which of them lead to records.

use fieldgate_core::storage::RecordKind;

/// The kinds of keys. A number that was used once never gets another meaning.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Space {
    Meta = 0x00,

    Organization = 0x01,
    Slug = 0x02,
    ApiKey = 0x03,
    ApiKeyPrefix = 0x04,
    Site = 0x05,
    DeviceAtSite = 0x06,
    Group = 0x07,
    Idempotency = 0x08,
    IdempotencyByTime = 0x09,
    ApiKeyId = 0x0a,

    Device = 0x10,
    DeviceName = 0x11,
    SessionOfNode = 0x12,
    Token = 0x13,
    TokenOwner = 0x14,
    TokenOfDevice = 0x15,
    OpenToken = 0x16,
    OpenTokenByEnd = 0x17,

    Certificate = 0x20,
    CertificateBySerial = 0x21,
    SerialOfDevice = 0x22,
    CertificateByIssue = 0x23,
    GoodCertificate = 0x24,
    KeyHolder = 0x25,
    CompromisedKey = 0x26,
    RevokedCertificate = 0x27,
    OrphanByEnd = 0x28,
    Issuer = 0x29,
    RevocationCount = 0x2a,
    CrlNumber = 0x2b,

    Component = 0x30,
    ComponentKey = 0x31,
    ComponentOfDevice = 0x32,
    Sensor = 0x33,
    SensorKey = 0x34,
    SensorOfDevice = 0x35,
    SensorOfComponent = 0x36,

    Reading = 0x40,
    ReadingDay = 0x41,
    Health = 0x42,
    HealthDay = 0x43,
    Quarantined = 0x44,
    QuarantinedOfDevice = 0x45,
    QuarantinedByTime = 0x46,
    Retained = 0x47,

    DeletedDevice = 0x50,
    DeletedComponent = 0x51,
    DeletedSensor = 0x52,

    Tally = 0x60,
    GroupByTag = 0x61,
    UncountedGroup = 0x62,
}

/// How the keys of a kind of record begin; none for what is counted, which lies in two places.
pub(crate) fn records(kind: RecordKind) -> Option<Vec<u8>> {
    let space = match kind {
        RecordKind::Organization => Space::Organization,
        RecordKind::ApiKey => Space::ApiKey,
        RecordKind::Issuer => Space::Issuer,
        RecordKind::IssuerCount => return None,
        RecordKind::CompromisedKey => Space::CompromisedKey,
        RecordKind::Site => Space::Site,
        RecordKind::Group => Space::Group,
        RecordKind::Device => Space::Device,
        RecordKind::Token => Space::Token,
        RecordKind::Certificate => Space::Certificate,
        RecordKind::Component => Space::Component,
        RecordKind::Sensor => Space::Sensor,
        RecordKind::Reading => Space::Reading,
        RecordKind::Health => Space::Health,
        RecordKind::Quarantined => Space::Quarantined,
        RecordKind::Retained => Space::Retained,
        RecordKind::Idempotency => Space::Idempotency,
    };
    Some(vec![space as u8])
}

/// Whether a key leads to a record that is there. Days may stay a little longer than their records.
pub(crate) fn is_link(key: &[u8]) -> bool {
    LINKS
        .iter()
        .any(|space| key.first() == Some(&(*space as u8)))
}

/// The kind of a key, in errors.
pub(crate) fn describe(key: &[u8]) -> String {
    let of_kind = |space: &&Space| key.first() == Some(&(**space as u8));
    let found = LINKS.iter().chain(&DAYS).find(of_kind);
    found.map_or_else(|| "its key".to_owned(), |space| format!("{space:?}"))
}

/// The kinds of keys that lead to records.
const LINKS: [Space; 26] = [
    Space::Slug,
    Space::ApiKeyPrefix,
    Space::ApiKeyId,
    Space::DeviceAtSite,
    Space::GroupByTag,
    Space::IdempotencyByTime,
    Space::DeviceName,
    Space::SessionOfNode,
    Space::TokenOwner,
    Space::TokenOfDevice,
    Space::OpenToken,
    Space::OpenTokenByEnd,
    Space::CertificateBySerial,
    Space::SerialOfDevice,
    Space::CertificateByIssue,
    Space::GoodCertificate,
    Space::KeyHolder,
    Space::RevokedCertificate,
    Space::OrphanByEnd,
    Space::ComponentKey,
    Space::ComponentOfDevice,
    Space::SensorKey,
    Space::SensorOfDevice,
    Space::SensorOfComponent,
    Space::QuarantinedOfDevice,
    Space::QuarantinedByTime,
];

/// The kinds of keys by which retention finds what is old.
const DAYS: [Space; 2] = [Space::ReadingDay, Space::HealthDay];
