//! Clauses of the greatest and the smallest that the model allows, in every record.

use super::announcement::announcing;
use super::world::{
    SERVER, connect, limits, new_device, new_organization, new_token, only_sensor, pump, redeem,
    sensors_of, stored,
};
use crate::model::announcement::Announcement;
use crate::model::api_key::KeyOwner;
use crate::model::device::DeviceFilter;
use crate::model::health::DeviceHealth;
use crate::model::location::Location;
use crate::model::metadata::Metadata;
use crate::model::quarantine::{QuarantineReason, Rejection};
use crate::model::sensor::ValueType::{Double, Text};
use crate::model::serial::SerialNumber;
use crate::model::tag::{Tag, TagSelector, Tags};
use crate::model::timestamp::Timestamp;
use crate::storage::Effects;
use crate::storage::StorageError::Taken;
use crate::testing::fixtures::{
    api_key, certificate, component, device, group, health, noon, organization, parse, quarantined,
    request, seed, site, token,
};
use crate::testing::storage::Handle;

/// The longest texts of an organization and of its keys.
pub async fn the_longest_texts_of_an_organization(storage: &Handle) {
    let mut organization = organization();
    organization.slug = parse(&"a-9z".repeat(10));
    organization.name = parse(&wide(128));
    organization.created_at = Timestamp::MAX;
    let made = storage
        .create_organization(SERVER, &organization, None, &Effects::NONE)
        .await;
    made.unwrap();
    let found = storage.organization_by_slug(&organization.slug).await;
    assert_eq!(found.unwrap().as_ref(), Some(&organization));
    let owner = KeyOwner::Organization(organization.id);
    let mut key = api_key(owner);
    key.name = parse(&wide(128));
    key.created_at = Timestamp::UNIX_EPOCH;
    let mut record = request(owner, &"~!".repeat(64));
    record.created_at = Timestamp::MAX;
    let effects = Effects {
        idempotency: Some(record.clone()),
    };

    storage.create_api_key(&key, &effects).await.unwrap();

    let found = storage.api_key(owner, key.id).await.unwrap().unwrap();
    assert_eq!((found.name, found.created_at), (key.name, key.created_at));
    let found = storage.idempotency_record(owner, &record.key).await;
    assert_eq!(found.unwrap(), Some(record));
}

/// The longest texts of a device, with as many tags and as much metadata as it may have.
pub async fn the_longest_texts_of_a_device(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut device = device(organization, &wide(128));
    let label = Some(parse(&wide(128)));
    let settings = &mut device.settings;
    settings.location = Some(Location::new(90.0, -180.0, Some(1e5), label).unwrap());
    settings.tags = many_tags();
    settings.metadata = large_metadata();
    settings.profile = Some(parse(&format!("{}@65535.65535", "k".repeat(64))));
    device.firmware_version = Some(parse(&wide(128)));

    storage
        .create_device(&device, &Effects::NONE)
        .await
        .unwrap();

    assert_eq!(stored(storage, &device).await, device);
    let namesake = crate::testing::fixtures::device(organization, &wide(128));
    let answer = storage.create_device(&namesake, &Effects::NONE).await;
    assert_refused!(answer, Taken(_));
    // A name that differs only in its last character is another one.
    let other = format!("{}x", wide(127));
    new_device(storage, organization, &other).await;
    let filter = DeviceFilter {
        tags: device.settings.tags.iter().cloned().collect(),
        profile: device.settings.profile.clone(),
        word_prefix: Some(wide(128)),
        ..DeviceFilter::default()
    };
    let found = all_pages!(
        1,
        |page| storage.devices(organization, &filter, page),
        |it| it.id
    );
    assert_eq!(found, [device]);
}

/// The longest texts of sites and groups.
pub async fn the_longest_texts_of_sites_and_groups(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut site = site(organization);
    site.settings.name = parse(&wide(128));
    site.settings.description = Some(parse(&wide(1024)));
    site.settings.time_zone = Some(parse(&"z".repeat(64)));
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let found = storage.site(organization, site.id).await.unwrap();
    assert_eq!(found, Some(site));

    let selector = TagSelector {
        all: many_tags(),
        any: many_tags(),
        none: many_tags(),
    };
    let mut group = group(organization, selector);
    group.settings.name = parse(&wide(128));
    group.settings.description = Some(parse(&wide(1024)));
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let found = storage.group(organization, group.id).await.unwrap();
    let size = storage.group_sizes(organization, &[group.id]).await;
    assert_eq!(size.unwrap(), [0]);
    assert_eq!(found, Some(group));
}

/// The longest texts of components and sensors.
pub async fn the_longest_texts_of_components_and_sensors(storage: &Handle) {
    let pump = pump(storage).await;
    let mut manual = component(&pump, &"K.-_".repeat(16));
    manual.settings.name = parse(&wide(128));
    manual.settings.tags = many_tags();
    manual.settings.metadata = large_metadata();
    let created = storage
        .create_component(&manual, &limits(), &Effects::NONE)
        .await;
    created.unwrap();
    let found = storage.component(pump.organization_id, manual.id).await;
    assert_eq!(found.unwrap().as_ref(), Some(&manual));

    let mut announcement = announcing(&[(manual.key.as_str(), &[("s", Text)])]);
    let sensor = &mut announcement.components[0].sensors[0];
    sensor.key = manual.key.clone();
    sensor.unit = Some(parse(&wide(64)));
    sensor.name = Some(parse(&wide(128)));
    let announcement = Announcement {
        firmware_version: Some(parse(&wide(128))),
        ..announcement
    };
    let stored = storage
        .store_announcement(pump.organization_id, pump.id, &announcement, &limits())
        .await;
    assert!(stored.unwrap().refused.is_empty());
    let mut sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.unit, Some(parse(&wide(64))));
    sensor.settings.tags = many_tags();
    let updated = storage
        .update_sensor(
            pump.organization_id,
            sensor.id,
            None,
            &sensor.settings.clone().into(),
        )
        .await;
    assert_eq!(updated.unwrap().settings, sensor.settings);
}

/// As many components and sensors as a device may have are created by one announcement.
pub async fn the_fullest_device(storage: &Handle) {
    let pump = pump(storage).await;
    let keys: Vec<_> = (0..64).map(|number| format!("k{number}")).collect();
    let sensors: Vec<_> = keys[..16]
        .iter()
        .map(|key| (key.as_str(), Double))
        .collect();
    let components: Vec<_> = keys
        .iter()
        .map(|key| (key.as_str(), &sensors[..]))
        .collect();
    let announcement = Announcement {
        seed: seed(),
        ..announcing(&components)
    };

    let outcome = storage
        .store_announcement(pump.organization_id, pump.id, &announcement, &limits())
        .await
        .unwrap();

    assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    assert_eq!(sensors_of(storage, &pump).await.len(), 1024);
}

/// The greatest and the smallest numbers of a health report.
pub async fn the_greatest_numbers_of_health(storage: &Handle) {
    let pump = pump(storage).await;
    let greatest = DeviceHealth {
        uptime_seconds: u64::MAX,
        free_heap_bytes: Some(u64::MAX),
        signal_strength_dbm: Some(i32::MAX),
        readings_sent: u64::MAX,
        readings_dropped: u64::MAX,
        extra: Some(large_metadata()),
        ..health(pump.id, Timestamp::UNIX_EPOCH)
    };
    let smallest = DeviceHealth {
        uptime_seconds: 0,
        free_heap_bytes: Some(0),
        signal_strength_dbm: Some(i32::MIN),
        readings_sent: 0,
        readings_dropped: 0,
        extra: Some(Metadata::default()),
        ..health(pump.id, noon())
    };
    for report in [greatest, smallest] {
        let taken = storage.store_health(pump.organization_id, &report).await;
        assert!(taken.unwrap());
        let found = storage.latest_health(pump.organization_id, pump.id).await;
        assert_eq!(found.unwrap(), Some(report));
    }
}

/// The largest quarantined item.
pub async fn the_largest_quarantined_item(storage: &Handle) {
    let pump = pump(storage).await;
    let mut item = quarantined(&pump);
    // Each octet is no UTF-8, and is replaced by a character of three octets.
    let raw = vec![0xff; 20_000];
    let detail = wide(2000);
    item.rejection = Rejection::new(QuarantineReason::Malformed, detail, &raw);
    item.received_at = Timestamp::MAX;

    storage.store_quarantined(&item, &limits()).await.unwrap();

    let found = storage
        .quarantined_item(pump.organization_id, item.id)
        .await;
    assert_eq!(found.unwrap(), Some(item));
}

/// The longest and the shortest serial numbers, and the longest name of a node.
pub async fn the_longest_serial_numbers(storage: &Handle) {
    let pump = pump(storage).await;
    for octets in [&[0x7f; 20][..], &[0xff; 19], &[1], &[1, 0]] {
        let mut signed = certificate(&pump);
        signed.serial_number = SerialNumber::from_be_bytes(octets).unwrap();
        let token = new_token(storage, &pump).await;
        let recorded = redeem(storage, &token, &signed).await;
        let found = storage
            .certificate(pump.organization_id, pump.id, &signed.serial_number)
            .await;
        assert_eq!(found.unwrap(), Some(recorded.clone()));
        let newest = stored(storage, &pump).await.certificate.unwrap();
        assert_eq!(newest.serial_number, signed.serial_number);
        connect(storage, &recorded, noon()).await;
    }
    let certificate = stored(storage, &pump).await.certificate.unwrap();
    let node = parse(&"n".repeat(64));
    let opened = storage
        .open_session(
            pump.organization_id,
            pump.id,
            &certificate.serial_number,
            &node,
            noon(),
        )
        .await;
    opened.unwrap().unwrap();
    assert_eq!(stored(storage, &pump).await.session.unwrap().node, node);
}

/// The earliest and the latest times of a token.
pub async fn the_first_and_the_last_instant(storage: &Handle) {
    let pump = pump(storage).await;
    let mut eternal = token(&pump);
    eternal.device_name = parse(&wide(128));
    eternal.created_at = Timestamp::UNIX_EPOCH;
    eternal.expires_at = Timestamp::MAX;
    storage
        .create_token(&eternal, &Effects::NONE)
        .await
        .unwrap();

    let found = storage.token(eternal.id).await.unwrap().unwrap();

    assert_eq!(found.device_name, eternal.device_name);
    let times = (found.created_at, found.expires_at);
    assert_eq!(times, (Timestamp::UNIX_EPOCH, Timestamp::MAX));
}

/// A text of so many characters of four octets each.
fn wide(chars: usize) -> String {
    "\u{1F69C}".repeat(chars)
}

fn many_tags() -> Tags {
    let tag = |number: u32| -> Tag {
        let last = char::from_u32(0x1F600 + number).unwrap();
        parse(&format!("{}{last}", wide(63)))
    };
    Tags::new((0..64).map(tag).collect()).unwrap()
}

/// Metadata that is as large as it may be, and as deep.
fn large_metadata() -> Metadata {
    let deep = format!("{}{}", "[".repeat(15), "]".repeat(15));
    let head = format!(r#"{{"deep":{deep},"number":-1.5e-300,"text":""#);
    let room = Metadata::MAX_BYTES - head.len() - 2;
    let metadata: Metadata = parse(&format!(r#"{head}{}"}}"#, "x".repeat(room)));
    assert_eq!(metadata.to_string().len(), Metadata::MAX_BYTES);
    metadata
}
