//! A store's content to keep: records of every kind, in most of their states.
//!
//! Each format that a backend has ever stored is kept as a small store with this content, and has
//! to open for ever. So what [`fill`] does never changes; what a later format keeps besides comes
//! behind it.
#![expect(
    clippy::unwrap_used,
    reason = "this is a part of tests: a failure has to name its line"
)]

use std::fmt::Write as _;
use std::sync::Arc;

use crate::model::announcement::{AnnouncedComponent, AnnouncedSensor, Announcement};
use crate::model::api_key::KeyOwner;
use crate::model::certificate::{Certificate, CertificateFate, RevocationReason, Sha256Digest};
use crate::model::device::{Device, DeviceUpdate};
use crate::model::group::DeviceGroup;
use crate::model::health::{ConnectionType, DeviceHealth};
use crate::model::id::{OrganizationId, SiteId};
use crate::model::ingestion::ReportedReading;
use crate::model::limits::Limits;
use crate::model::location::Location;
use crate::model::page::{PageLimit, PageRequest};
use crate::model::presence::{DeviceStatus, NodeId};
use crate::model::quarantine::{QuarantineReason, Rejection};
use crate::model::reading::Value;
use crate::model::sensor::{Sensor, SensorFilter, SensorUpdate, ValueType};
use crate::model::site::Site;
use crate::model::tag::TagSelector;
use crate::model::token::RegistrationToken;
use crate::storage::{
    ArchiveRecord, Effects, PurgePolicy, Redemption, RetainedTopic, Seen, ServerProof, Storage,
};
use crate::testing::fixtures::{
    after, api_key, batch, before, certificate, component, device, double, group, health, issuer,
    issuer_key_id, metadata, noon, organization, parse, quarantined, reading, request, seed, site,
    tags, text, token, unique,
};

type Handle = Arc<dyn Storage>;

/// Fills an empty storage, by calls of the port. Ids are counted up: in a process that has made no
/// other record before, they are always the same.
pub async fn fill(storage: &Handle) {
    authority(storage).await;
    let works = new_organization(storage, "example-works").await;
    let depot = places(storage, works).await;
    pump(storage, works, depot).await;
    fleet(storage, works).await;
    purge(storage).await;
    leftovers(storage, works).await;
    let other = new_organization(storage, "other-works").await;
    register(storage, &device(other, PUMP)).await;
}

/// All records of a storage as text: a line for each, with its bookmark and its sum.
pub async fn records(storage: &Handle) -> String {
    let mut archive = storage.archive(SERVER, None).await.unwrap();
    let mut lines = String::new();
    loop {
        let records = archive.next(100).await.unwrap();
        if records.is_empty() {
            return lines;
        }
        for record in &records {
            writeln!(lines, "{} {}", record.bookmark(), sum(record)).unwrap();
        }
    }
}

/// Asserts that a storage holds the specimen and nothing else, that all that is kept to find it
/// agrees, and that the storage goes on from there.
///
/// # Panics
///
/// If not.
pub async fn assert_holds(storage: &Handle) {
    let found = records(storage).await;
    for (found, expected) in found.lines().zip(RECORDS.lines()) {
        assert_eq!(found, expected, "a record of the specimen has changed");
    }
    assert_eq!(
        found, RECORDS,
        "a record of the specimen is missing, or new"
    );
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);

    // Ids that the specimen does not have: see `fill`.
    while unique() < NEW_IDS {}
    let new = new_organization(storage, "new-works").await;
    register(storage, &device(new, PUMP)).await;
    let pump = device(new, "online");
    storage.create_device(&pump, &Effects::NONE).await.unwrap();
    go_online(storage, &pump).await;
    report(storage, &pump, [reading("a/b", noon(), double(1.5))]).await;
    while purge(storage).await {}
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
}

/// What [`records`] gives for the specimen.
pub const RECORDS: &str = include_str!("specimen/records.txt");

async fn authority(storage: &Handle) {
    for number in [1, 2] {
        storage
            .create_issuer(SERVER, &issuer(number))
            .await
            .unwrap();
    }
    for _ in 0..3 {
        storage.next_crl_number(issuer_key_id(1)).await.unwrap();
    }
    let effects = remembering(KeyOwner::Server, "a key of the server");
    let key = api_key(KeyOwner::Server);
    storage.create_api_key(&key, &effects).await.unwrap();
}

async fn new_organization(storage: &Handle, slug: &str) -> OrganizationId {
    let mut new = organization();
    new.slug = parse(slug);
    let key = api_key(KeyOwner::Organization(new.id));
    let effects = remembering(KeyOwner::Server, slug);
    let created = storage
        .create_organization(SERVER, &new, Some(&key), &effects)
        .await;
    created.unwrap();
    let name = parse("Beispielwerke (Süd) 漢字");
    let renamed = storage
        .update_organization(SERVER, new.id, None, &new.slug, &name)
        .await;
    renamed.unwrap();
    let touched = storage.touch_api_key(key.owner, key.id, after(7)).await;
    touched.unwrap();
    new.id
}

/// Sites and groups; gives the site with all that a site may have.
async fn places(storage: &Handle, works: OrganizationId) -> SiteId {
    let mut depot = site(works);
    depot.settings.description = Some(parse("Behind the mill: ring twice."));
    depot.settings.location = Some(place());
    depot.settings.time_zone = Some(parse("Europe/Zurich"));
    for new in [&depot, &site(works)] {
        let created: Result<(), _> = storage.create_site(new, &Effects::NONE).await;
        created.unwrap();
    }
    let Site { id, settings, .. } = &depot;
    let changed = storage.update_site(works, *id, None, settings).await;
    changed.unwrap();
    let mut narrow = group(
        works,
        TagSelector {
            all: tags(&["roof"]),
            any: tags(&["north", "süd"]),
            none: tags(&["spare"]),
        },
    );
    narrow.settings.description = Some(parse("On the roof."));
    for new in [&narrow, &group(works, TagSelector::default())] {
        let DeviceGroup { id, settings, .. } = new;
        storage.create_group(new, &Effects::NONE).await.unwrap();
        let changed = storage.update_group(works, *id, None, settings).await;
        changed.unwrap();
    }
    depot.id
}

/// A device with all that a device may have: online, its last certificate and token still open.
async fn pump(storage: &Handle, works: OrganizationId, depot: SiteId) {
    let mut pump = device(works, PUMP);
    pump.settings.location = Some(place());
    pump.settings.tags = tags(&["roof", "süd"]);
    pump.settings.metadata = metadata();
    pump.settings.site_id = Some(depot);
    register(storage, &pump).await;
    go_online(storage, &pump).await;
    go_online(storage, &pump).await;
    issue(storage, &pump, certificate(&pump)).await;
    new_token(storage, &pump).await;
    new_token(storage, &pump).await;
    let announced = storage
        .store_announcement(works, pump.id, &announcement(), &limits())
        .await;
    announced.unwrap();
    let mut manual = component(&pump, "manual");
    manual.settings.profile = Some(parse("valve@1.2"));
    manual.settings.tags = tags(&["inlet"]);
    manual.settings.metadata = metadata();
    let created = storage
        .create_component(&manual, &limits(), &Effects::NONE)
        .await;
    created.unwrap();
    report(storage, &pump, values()).await;
    describe_sensor(storage, &pump).await;
    reports(storage, &pump).await;
    let seen = Seen {
        organization_id: works,
        device_id: pump.id,
        at: after(90),
    };
    storage.touch_devices(SERVER, &[seen]).await.unwrap();
}

fn announcement() -> Announcement {
    let sensor = |key, value_type| AnnouncedSensor {
        key: parse(key),
        value_type,
        unit: Some(parse("Cel")),
        name: Some(parse("Außen <1>")),
    };
    Announcement {
        received_at: after(1),
        seed: seed(),
        firmware_version: Some(parse("1.4.2")),
        profile: Some(parse("logger@2.0")),
        components: vec![AnnouncedComponent {
            key: parse("bme280"),
            name: Some(parse("Klima")),
            profile: Some(parse("environment@1.2")),
            sensors: vec![
                sensor("temperature", ValueType::Double),
                sensor("silent", ValueType::Text),
            ],
        }],
    }
}

/// Values of each type, and at the ends of their ranges.
fn values() -> Vec<ReportedReading> {
    let mut described = reading("bme280/temperature", after(2), double(21.25));
    described.metadata = Some(metadata());
    let mut values = vec![described];
    for (number, (path, value)) in [
        ("bme280/temperature", double(-0.0)),
        ("bme280/temperature", double(f64::MAX)),
        ("bme280/temperature", double(5e-324)),
        ("main/count", Value::BigInt(i64::MIN)),
        ("main/count", Value::BigInt(i64::MAX)),
        ("main/open", Value::Boolean(true)),
        ("main/open", Value::Boolean(false)),
        ("main/note", text("漢字 \u{0} 🚜")),
        ("main/note", text("")),
        // Stored as BIGINT, and read as DOUBLE from the second one on.
        ("main/level", Value::BigInt(7)),
        ("main/level", double(7.5)),
    ]
    .into_iter()
    .enumerate()
    {
        values.push(reading(path, after(10 + number as u64), value));
    }
    // In another month, and out of order.
    values.push(reading("main/open", before(40 * DAY), Value::Boolean(true)));
    // None of its type: it comes into the quarantine.
    values.push(reading("main/open", after(60), double(1.0)));
    values
}

async fn describe_sensor(storage: &Handle, pump: &Device) {
    let sensor = sensors(storage, pump).await.pop().unwrap();
    let update = SensorUpdate {
        name: parse("Named by people"),
        value_type: None,
        unit: Some(parse("m")),
        tags: tags(&["tank"]),
    };
    let changed = storage
        .update_sensor(pump.organization_id, sensor.id, None, &update)
        .await;
    changed.unwrap();
}

/// Health, quarantine, and the last messages of retained topics.
async fn reports(storage: &Handle, pump: &Device) {
    let works = pump.organization_id;
    let full = DeviceHealth {
        free_heap_bytes: Some(131_072),
        signal_strength_dbm: Some(-67),
        connection_type: ConnectionType::Wifi,
        readings_dropped: 2,
        extra: Some(metadata()),
        ..health(pump.id, after(30))
    };
    for report in [
        health(pump.id, before(40 * DAY)),
        health(pump.id, noon()),
        full,
    ] {
        assert!(storage.store_health(works, &report).await.unwrap());
    }
    for reason in QuarantineReason::ALL {
        let mut item = quarantined(pump);
        item.rejection = Rejection::new(reason, "as an example", "{\"süß\": \u{0}}".as_bytes());
        storage.store_quarantined(&item, &limits()).await.unwrap();
    }
    for topic in [RetainedTopic::Status, RetainedTopic::ConfigReported] {
        let stored = storage
            .store_retained(works, pump.id, topic, b"{\"a\":\"\xff\"}", noon())
            .await;
        stored.unwrap();
    }
}

/// A device in each of the other states, and tokens in each of theirs.
async fn fleet(storage: &Handle, works: OrganizationId) {
    register(storage, &device(works, "pending")).await;
    for (name, status) in [
        ("offline", None),
        ("inactive", Some(DeviceStatus::Inactive)),
        ("maintenance", Some(DeviceStatus::Maintenance)),
    ] {
        let mut new = device(works, name);
        new.settings.tags = tags(&["north", "roof", "spare"]);
        storage.create_device(&new, &Effects::NONE).await.unwrap();
        go_online(storage, &new).await;
        match status {
            Some(_) => set_status(storage, &new, status).await,
            None => go_offline(storage, &new).await,
        }
    }
    let tokens = device(works, "never connected");
    register(storage, &tokens).await;
    set_status(storage, &tokens, Some(DeviceStatus::Inactive)).await;
    let revoked = new_token(storage, &tokens).await;
    let state = storage.revoke_token(works, revoked.id, after(3)).await;
    state.unwrap();
    let mut expired = token(&tokens);
    expired.expires_at = after(60);
    let created = storage.create_token(&expired, &Effects::NONE).await;
    created.unwrap();
    set_status(storage, &tokens, Some(DeviceStatus::Active)).await;
    lost(storage, works).await;
}

/// A device that was deleted, with a key that is refused for good.
async fn lost(storage: &Handle, works: OrganizationId) {
    let lost = device(works, "lost");
    storage.create_device(&lost, &Effects::NONE).await.unwrap();
    issue(storage, &lost, certificate(&lost)).await;
    let known = Certificate {
        fate: CertificateFate::Revoked {
            at: after(5),
            reason: RevocationReason::KeyCompromise,
        },
        ..certificate(&lost)
    };
    issue(storage, &lost, known).await;
    delete(storage, &lost).await;
}

/// What deleted devices, components and sensors leave behind for the next purge: in no archive, and
/// in the way of none that opens the store.
async fn leftovers(storage: &Handle, works: OrganizationId) {
    for name in ["gone", "smaller"] {
        let new = device(works, name);
        register(storage, &new).await;
        go_online(storage, &new).await;
        report(storage, &new, values()).await;
        reports(storage, &new).await;
        if name == "gone" {
            delete(storage, &new).await;
            continue;
        }
        let sensors = sensors(storage, &new).await;
        let (first, last) = (sensors.first().unwrap(), sensors.last().unwrap());
        let deleted = storage
            .delete_component(works, first.component_id, None)
            .await;
        deleted.unwrap();
        let deleted = storage.delete_sensor(works, last.id, None).await;
        deleted.unwrap();
    }
}

/// Purges, at a time when what was to live for a minute has expired; says whether there is more.
async fn purge(storage: &Handle) -> bool {
    let policy = PurgePolicy {
        now: after(120),
        readings_before: None,
        health_before: None,
        quarantined_before: before(DAY),
        idempotency_before: before(DAY),
    };
    storage.purge(SERVER, &policy, 1000).await.unwrap().more
}

async fn register(storage: &Handle, device: &Device) {
    let owner = KeyOwner::Organization(device.organization_id);
    let effects = remembering(owner, device.settings.name.as_str());
    let registered = storage
        .register_device(device, &token(device), &effects)
        .await;
    registered.unwrap();
}

async fn new_token(storage: &Handle, device: &Device) -> RegistrationToken {
    let token = token(device);
    storage.create_token(&token, &Effects::NONE).await.unwrap();
    token
}

async fn issue(storage: &Handle, device: &Device, certificate: Certificate) -> Certificate {
    let token = new_token(storage, device).await;
    let works = device.organization_id;
    let redeemed = storage
        .consume_token(works, token.id, &certificate, &limits(), noon())
        .await;
    match redeemed.unwrap() {
        Redemption::Recorded(certificate) => certificate,
        Redemption::Refused(refused) => panic!("refused: {refused:?}"),
    }
}

/// Opens a session with a new certificate.
async fn go_online(storage: &Handle, device: &Device) {
    let used = issue(storage, device, certificate(device)).await;
    let (works, id) = (device.organization_id, device.id);
    let serial = &used.serial_number;
    let opened = storage
        .open_session(works, id, serial, &NodeId::main(), after(4))
        .await;
    opened.unwrap().unwrap();
}

async fn go_offline(storage: &Handle, device: &Device) {
    let works = device.organization_id;
    let stored = storage.device(works, device.id).await.unwrap().unwrap();
    let closed = storage
        .close_session(works, device.id, stored.session_epoch, after(50))
        .await;
    assert!(closed.unwrap());
}

async fn set_status(storage: &Handle, device: &Device, status: Option<DeviceStatus>) {
    let update = DeviceUpdate {
        settings: device.settings.clone(),
        status,
    };
    let works = device.organization_id;
    let updated = storage
        .update_device(works, device.id, None, &update, after(55))
        .await;
    updated.unwrap();
}

async fn delete(storage: &Handle, device: &Device) {
    let deleted = storage
        .delete_device(device.organization_id, device.id, None, after(56))
        .await;
    deleted.unwrap();
}

async fn report(
    storage: &Handle,
    device: &Device,
    readings: impl IntoIterator<Item = ReportedReading> + Send,
) {
    let works = device.organization_id;
    let stored = storage
        .store_readings(works, device.id, &batch(readings), &limits())
        .await;
    stored.unwrap();
}

async fn sensors(storage: &Handle, device: &Device) -> Vec<Sensor> {
    let filter = SensorFilter {
        device_id: Some(device.id),
        ..SensorFilter::default()
    };
    let first = PageRequest::first(PageLimit::MAX);
    let sensors = storage
        .sensors(device.organization_id, &filter, first)
        .await;
    sensors.unwrap().items
}

fn remembering(owner: KeyOwner, key: &str) -> Effects {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    Effects {
        idempotency: Some(request(owner, &key)),
    }
}

fn limits() -> Limits {
    Limits::default()
}

fn place() -> Location {
    Location::new(47.376_9, 8.541_7, Some(408.5), Some(parse("Dach (Süd)"))).unwrap()
}

fn sum(record: &ArchiveRecord) -> String {
    Sha256Digest::of(&record.octets()).to_string()
}

const SERVER: ServerProof = ServerProof::vouch();

/// Greater than what the ids of the specimen are made from.
const NEW_IDS: [u8; 10] = [0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0];

const PUMP: &str = "Pump 7 (Süd)";

const DAY: u64 = 24 * 3600;
