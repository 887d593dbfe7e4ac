//! The keys under which records lie.
//!
//! All records lie in one tree, for a batch is atomic in one tree only. The first octet of a key is
//! its [`Space`]; what belongs to an organization has its id next. Numbers are big-endian, so that
//! keys sort as what they stand for.

use std::ops::Bound;

use fieldgate_core::model::api_key::{KeyOwner, KeyPrefix};
use fieldgate_core::model::certificate::{IssuerKeyId, Sha256Digest};
use fieldgate_core::model::id::{
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SensorId, SiteId,
    TokenId,
};
use fieldgate_core::model::idempotency::IdempotencyKey;
use fieldgate_core::model::key::Key;
use fieldgate_core::model::organization::Slug;
use fieldgate_core::model::presence::NodeId;
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::text::Name;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::RetainedTopic;
use uuid::Uuid;

use crate::error::Error;
use crate::space::Space;

fn join(space: Space, parts: &[&[u8]]) -> Vec<u8> {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut key = Vec::with_capacity(length);
    key.push(space as u8);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// Declares a function per kind of key, whose arguments are the parts in their order.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($($part:ident: $kind:ty),*) = $space:ident;)+) => {$(
        $(#[$doc])*
        pub(crate) fn $name($($part: $kind),*) -> Vec<u8> {
            join(Space::$space, &[$($part.part().as_ref()),*])
        }
    )+};
}

keys! {
    meta(name: &str) = Meta;

    organizations() = Organization;
    organization(id: OrganizationId) = Organization;
    /// → the organization's id.
    slug(slug: &Slug) = Slug;

    api_keys(owner: KeyOwner) = ApiKey;
    api_key(owner: KeyOwner, id: ApiKeyId) = ApiKey;
    api_key_id(id: ApiKeyId) = ApiKeyId;
    /// → the key under which the API key lies.
    api_key_prefix(prefix: KeyPrefix) = ApiKeyPrefix;

    sites(organization: OrganizationId) = Site;
    site(organization: OrganizationId, id: SiteId) = Site;
    devices_at_site(organization: OrganizationId, site: SiteId) = DeviceAtSite;
    device_at_site(organization: OrganizationId, site: SiteId, device: DeviceId) = DeviceAtSite;

    groups(organization: OrganizationId) = Group;
    groups_by_tag(organization: OrganizationId, lead: Lead<'_>) = GroupByTag;
    group_by_tag(organization: OrganizationId, lead: Lead<'_>, id: GroupId) = GroupByTag;
    uncounted_groups() = UncountedGroup;
    /// → the last device that is in its size; empty before the first one.
    uncounted_group(organization: OrganizationId, id: GroupId) = UncountedGroup;
    tallies(organization: OrganizationId, kind: u8) = Tally;
    /// → how many there are.
    tally(organization: OrganizationId, kind: u8, value: &[u8]) = Tally;
    group(organization: OrganizationId, id: GroupId) = Group;

    all_idempotency_of(owner: KeyOwner) = Idempotency;
    idempotency(owner: KeyOwner, key: &IdempotencyKey) = Idempotency;
    all_idempotency_by_time() = IdempotencyByTime;
    idempotency_from(at: Timestamp) = IdempotencyByTime;
    /// → the key under which the record lies.
    idempotency_by_time(at: Timestamp, owner: KeyOwner, key: &IdempotencyKey) = IdempotencyByTime;

    devices(organization: OrganizationId) = Device;
    device(organization: OrganizationId, id: DeviceId) = Device;
    /// → the device's id.
    device_name(organization: OrganizationId, name: &Name) = DeviceName;
    sessions_of_node(node: &NodeId) = SessionOfNode;
    session_of_node(node: &NodeId, organization: OrganizationId, device: DeviceId) = SessionOfNode;

    tokens(organization: OrganizationId) = Token;
    token(organization: OrganizationId, id: TokenId) = Token;
    /// → the organization's id.
    token_owner(id: TokenId) = TokenOwner;
    tokens_of_device(organization: OrganizationId, device: DeviceId) = TokenOfDevice;
    token_of_device(organization: OrganizationId, device: DeviceId, id: TokenId) = TokenOfDevice;
    /// → the id of the device's open token.
    open_token(organization: OrganizationId, device: DeviceId) = OpenToken;
    open_tokens_by_end() = OpenTokenByEnd;
    open_tokens_from(end: Timestamp) = OpenTokenByEnd;
    open_token_by_end(end: Timestamp, organization: OrganizationId, id: TokenId) = OpenTokenByEnd;

    certificates(organization: OrganizationId, device: DeviceId) = Certificate;
    certificate(organization: OrganizationId, device: DeviceId, sequence: u64) = Certificate;
    certificate_by_serial(issuer: IssuerKeyId, serial: &SerialNumber) = CertificateBySerial;
    /// → the issue sequence.
    serial_of_device(
        organization: OrganizationId, device: DeviceId, serial: &SerialNumber
    ) = SerialOfDevice;
    certificates_by_issue(organization: OrganizationId, device: DeviceId) = CertificateByIssue;
    certificate_by_issue(
        organization: OrganizationId, device: DeviceId, at: Timestamp, sequence: u64
    ) = CertificateByIssue;
    good_certificates(organization: OrganizationId, device: DeviceId) = GoodCertificate;
    good_certificate(
        organization: OrganizationId, device: DeviceId, sequence: u64
    ) = GoodCertificate;
    key_holders(public_key: Sha256Digest) = KeyHolder;
    /// → the end of the certificate.
    key_holder(
        public_key: Sha256Digest, organization: OrganizationId, device: DeviceId, sequence: u64
    ) = KeyHolder;
    compromised_key(public_key: Sha256Digest) = CompromisedKey;
    revoked_certificates(issuer: IssuerKeyId) = RevokedCertificate;
    revoked_certificate(issuer: IssuerKeyId, serial: &SerialNumber) = RevokedCertificate;
    orphans_by_end() = OrphanByEnd;
    orphans_from(end: Timestamp) = OrphanByEnd;
    orphan_by_end(
        end: Timestamp, organization: OrganizationId, device: DeviceId, sequence: u64
    ) = OrphanByEnd;
    issuers() = Issuer;
    issuer(id: IssuerKeyId) = Issuer;
    revocation_counts() = RevocationCount;
    revocation_count(issuer: IssuerKeyId) = RevocationCount;
    crl_numbers() = CrlNumber;
    crl_number(issuer: IssuerKeyId) = CrlNumber;

    components(organization: OrganizationId) = Component;
    component(organization: OrganizationId, id: ComponentId) = Component;
    component_keys(organization: OrganizationId, device: DeviceId) = ComponentKey;
    /// → the component's id.
    component_key(organization: OrganizationId, device: DeviceId, key: &Key) = ComponentKey;
    components_of_device(organization: OrganizationId, device: DeviceId) = ComponentOfDevice;
    component_of_device(
        organization: OrganizationId, device: DeviceId, id: ComponentId
    ) = ComponentOfDevice;

    sensors(organization: OrganizationId) = Sensor;
    sensor(organization: OrganizationId, id: SensorId) = Sensor;
    /// → the sensor's id.
    sensor_key(organization: OrganizationId, component: ComponentId, key: &Key) = SensorKey;
    sensors_of_device(organization: OrganizationId, device: DeviceId) = SensorOfDevice;
    /// → the component's id.
    sensor_of_device(
        organization: OrganizationId, device: DeviceId, id: SensorId
    ) = SensorOfDevice;
    sensors_of_component(
        organization: OrganizationId, component: ComponentId
    ) = SensorOfComponent;
    sensor_of_component(
        organization: OrganizationId, component: ComponentId, id: SensorId
    ) = SensorOfComponent;

    readings(organization: OrganizationId, sensor: SensorId) = Reading;
    reading(organization: OrganizationId, sensor: SensorId, at: Timestamp) = Reading;
    reading_days() = ReadingDay;
    reading_days_from(day: Day) = ReadingDay;
    reading_day(day: Day, organization: OrganizationId, sensor: SensorId) = ReadingDay;

    health_reports(organization: OrganizationId, device: DeviceId) = Health;
    health_report(organization: OrganizationId, device: DeviceId, at: Timestamp) = Health;
    health_days() = HealthDay;
    health_days_from(day: Day) = HealthDay;
    health_day(day: Day, organization: OrganizationId, device: DeviceId) = HealthDay;

    quarantine(organization: OrganizationId) = Quarantined;
    quarantined(organization: OrganizationId, id: QuarantineId) = Quarantined;
    quarantine_of_device(organization: OrganizationId, device: DeviceId) = QuarantinedOfDevice;
    quarantined_of_device(
        organization: OrganizationId, device: DeviceId, id: QuarantineId
    ) = QuarantinedOfDevice;
    quarantine_by_time() = QuarantinedByTime;
    quarantine_from(at: Timestamp) = QuarantinedByTime;
    quarantined_by_time(
        at: Timestamp, organization: OrganizationId, id: QuarantineId
    ) = QuarantinedByTime;

    all_retained(organization: OrganizationId, device: DeviceId) = Retained;
    retained(organization: OrganizationId, device: DeviceId, topic: RetainedTopic) = Retained;
    retained_piece(
        organization: OrganizationId, device: DeviceId, topic: RetainedTopic, piece: u16
    ) = Retained;

    deleted_devices() = DeletedDevice;
    deleted_device(organization: OrganizationId, id: DeviceId) = DeletedDevice;
    deleted_components() = DeletedComponent;
    deleted_component(organization: OrganizationId, id: ComponentId) = DeletedComponent;
    deleted_sensors() = DeletedSensor;
    deleted_sensor(organization: OrganizationId, id: SensorId) = DeletedSensor;
}

/// The tag under which a group is found; empty for one that is held against each device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Lead<'a>(pub(crate) &'a str);

/// The days of 1970 and after, by which retention finds what is old.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Day(u32);

impl Day {
    pub(crate) fn of(at: Timestamp) -> Self {
        let day = at.unix_millis() / MILLIS_PER_DAY;
        Self(u32::try_from(day).unwrap_or(u32::MAX))
    }

    /// Its first instant.
    pub(crate) fn begin(self) -> Timestamp {
        Timestamp::from_unix_millis(i64::from(self.0) * MILLIS_PER_DAY).unwrap_or(Timestamp::MAX)
    }

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A stretch of keys.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub(crate) lower: Bound<Vec<u8>>,
    pub(crate) upper: Bound<Vec<u8>>,
}

impl Range {
    /// All keys that begin so.
    pub(crate) fn of(prefix: Vec<u8>) -> Self {
        Self {
            upper: end_of(&prefix),
            lower: Bound::Included(prefix),
        }
    }

    /// Only those behind a key.
    pub(crate) fn after(self, key: Option<Vec<u8>>) -> Self {
        Self {
            lower: key.map_or(self.lower, Bound::Excluded),
            upper: self.upper,
        }
    }

    /// Only those from a key on.
    pub(crate) fn from(self, key: Vec<u8>) -> Self {
        Self {
            lower: Bound::Included(key),
            upper: self.upper,
        }
    }

    /// Only those ahead of a key.
    pub(crate) fn before(self, key: Option<Vec<u8>>) -> Self {
        Self {
            lower: self.lower,
            upper: key.map_or(self.upper, Bound::Excluded),
        }
    }

    /// Behind all that is in it.
    pub(crate) fn past(self) -> Bound<Vec<u8>> {
        match self.upper {
            Bound::Excluded(end) => Bound::Included(end),
            Bound::Included(last) => Bound::Excluded(last),
            Bound::Unbounded => Bound::Unbounded,
        }
    }

    /// Whether no key can be in it; sled panics on some of these.
    pub(crate) fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Included(lower) | Bound::Excluded(lower), Bound::Excluded(upper)) => {
                lower >= upper
            }
            _ => false,
        }
    }
}

/// The first key behind all that begin with `prefix`.
fn end_of(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(octet) = end.pop() {
        if octet < u8::MAX {
            end.push(octet + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// Reads a key from its first part on.
#[derive(Debug)]
pub(crate) struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    /// Behind the kind.
    pub(crate) fn new(key: &'a [u8]) -> Self {
        Self(key.get(1..).unwrap_or_default())
    }

    /// Without a kind: a value that holds parts of keys.
    pub(crate) const fn value(value: &'a [u8]) -> Self {
        Self(value)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Error::Misplaced { what: "key" })?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, Error> {
        self.array().map(Uuid::from_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn day(&mut self) -> Result<Day, Error> {
        self.array().map(u32::from_be_bytes).map(Day)
    }

    pub(crate) fn timestamp(&mut self) -> Result<Timestamp, Error> {
        let millis = i64::from_be_bytes(self.array()?);
        Timestamp::from_unix_millis(millis).map_err(Error::invalid("key"))
    }
}

/// Something that is a part of keys.
trait Part {
    fn part(&self) -> impl AsRef<[u8]>;
}

macro_rules! parts {
    ($($kind:ty: |$value:ident| $octets:expr;)+) => {$(
        impl Part for $kind {
            fn part(&self) -> impl AsRef<[u8]> {
                let $value = self;
                $octets
            }
        }
    )+};
}

parts! {
    ApiKeyId: |id| *id.as_bytes();
    ComponentId: |id| *id.as_bytes();
    DeviceId: |id| *id.as_bytes();
    GroupId: |id| *id.as_bytes();
    OrganizationId: |id| *id.as_bytes();
    QuarantineId: |id| *id.as_bytes();
    SensorId: |id| *id.as_bytes();
    SiteId: |id| *id.as_bytes();
    TokenId: |id| *id.as_bytes();
    IssuerKeyId: |id| *id.as_bytes();
    Sha256Digest: |digest| *digest.as_bytes();
    KeyPrefix: |prefix| prefix.to_string();
    KeyOwner: |owner| owner_octets(*owner);
    RetainedTopic: |topic| [topic_octet(*topic)];
    Timestamp: |at| at.unix_millis().to_be_bytes();
    Day: |day| day.0.to_be_bytes();
    u8: |number| [*number];
    u16: |number| number.to_be_bytes();
    u64: |number| number.to_be_bytes();
    &str: |text| *text;
    &[u8]: |octets| *octets;
    // No tag is the beginning of another key: the zero is in none of them.
    Lead<'_>: |lead| format!("{}\0", lead.0);
    &Slug: |slug| slug.as_str();
    &Name: |name| name.as_str();
    &Key: |key| key.as_str();
    &IdempotencyKey: |key| key.as_str();
    &SerialNumber: |serial| serial.as_be_bytes();
    // No node's name is the beginning of another key: the zero is in none of them.
    &NodeId: |node| format!("{}\0", node.as_str());
}

fn owner_octets(owner: KeyOwner) -> [u8; 17] {
    let mut octets = [0; 17];
    if let KeyOwner::Organization(id) = owner {
        octets[0] = 1;
        octets[1..].copy_from_slice(id.as_bytes());
    }
    octets
}

// Not the enum's own numbers, which may change.
pub(crate) const fn topic_octet(topic: RetainedTopic) -> u8 {
    match topic {
        RetainedTopic::ConfigReported => 1,
        RetainedTopic::Status => 2,
    }
}

const MILLIS_PER_DAY: i64 = 24 * 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_ones_ends_behind_its_carry() {
        assert_eq!(end_of(&[1, 255, 255]), Bound::Excluded(vec![2]));
        assert_eq!(end_of(&[1, 2]), Bound::Excluded(vec![1, 3]));
        assert_eq!(end_of(&[255]), Bound::Unbounded);
    }

    #[test]
    fn times_sort_as_their_keys() {
        let early = Timestamp::from_unix_millis(255).unwrap();
        let late = Timestamp::from_unix_millis(256).unwrap();
        let sensor = SensorId::new(early, [0; 10]);
        let organization = OrganizationId::new(early, [0; 10]);
        assert!(reading(organization, sensor, early) < reading(organization, sensor, late));
        assert_eq!(Day::of(late).begin(), Timestamp::UNIX_EPOCH);
        assert_eq!(Day::of(Day::of(late).next().begin()), Day::of(late).next());
    }

    #[test]
    fn keys_read_back() {
        let at = Timestamp::from_unix_millis(1_700_000_000_000).unwrap();
        let organization = OrganizationId::new(at, [7; 10]);
        let sensor = SensorId::new(at, [9; 10]);
        let key = reading(organization, sensor, at);
        let mut reader = KeyReader::new(&key);
        assert_eq!(reader.uuid().unwrap(), *organization.as_uuid());
        assert_eq!(reader.uuid().unwrap(), *sensor.as_uuid());
        assert_eq!(reader.timestamp().unwrap(), at);
        assert!(reader.array::<1>().is_err());
    }
}
