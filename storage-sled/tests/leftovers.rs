//! Nothing is left of what was deleted, once it was purged.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure has to name its line"
)]

mod beneath;

use std::path::Path;

use fieldgate_core::model::device::Device;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{TimeRange, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    ComponentStore as _, DeviceStore as _, Effects, MaintenanceStore as _, OrganizationStore as _,
    PurgePolicy, ReadingStore as _, Redemption, ReportStore as _, RetainedTopic, SensorStore as _,
    ServerProof, StorageError, TokenStore as _, Unique,
};
use fieldgate_core::testing::fixtures::{
    after, batch, certificate, component, device, health, noon, organization, quarantined, reading,
    token,
};
use fieldgate_storage_sled::{Durability, SledStorage};

const SERVER: ServerProof = ServerProof::vouch();

#[tokio::test]
async fn a_purged_device_leaves_its_certificates_and_they_leave_when_they_expire() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let device = full_device(&storage).await;
    let organization = device.organization_id;
    let deleted = storage.delete_device(organization, device.id, None, noon());
    deleted.await.unwrap();
    let again = storage.create_device(&device, &Effects::NONE).await;
    assert!(
        matches!(again, Err(StorageError::Taken(Unique::Id))),
        "{again:?}"
    );

    let removed = purge_all(&storage, noon()).await;
    // Two tokens, three components, three sensors, four readings, a health report, an item, and a
    // retained message in two pieces.
    assert_eq!(removed, 2 + 3 + 3 + 4 + 1 + 1 + 2);
    storage.close().await;
    // The certificate, its serial numbers, its place in time, its revocation and its expiry.
    assert_eq!(keys_with(dir.path(), device.id.as_bytes()).len(), 4);

    let storage = open(dir.path());
    let expired = after(2 * 365 * 24 * 3600);
    assert_eq!(purge_all(&storage, expired).await, 1);
    storage.close().await;
    assert_eq!(
        keys_with(dir.path(), device.id.as_bytes()),
        [] as [Vec<u8>; 0]
    );

    let storage = open(dir.path());
    storage
        .create_device(&device, &Effects::NONE)
        .await
        .unwrap();
    storage.close().await;
}

#[tokio::test]
async fn a_purged_component_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let device = full_device(&storage).await;
    let organization = device.organization_id;
    let filter = SensorFilter {
        device_id: Some(device.id),
        ..SensorFilter::default()
    };
    let page = PageRequest::first(PageLimit::MAX);
    let sensors = storage.sensors(organization, &filter, page).await.unwrap();
    assert_eq!(sensors.items.len(), 3);
    let sensor = &sensors.items[0];
    storage
        .delete_sensor(organization, sensor.id, None)
        .await
        .unwrap();
    let other = &sensors.items[1];
    storage
        .delete_component(organization, other.component_id, None)
        .await
        .unwrap();
    purge_all(&storage, noon()).await;
    storage.close().await;
    assert_eq!(
        keys_with(dir.path(), sensor.id.as_bytes()),
        [] as [Vec<u8>; 0]
    );
    assert_eq!(
        keys_with(dir.path(), other.id.as_bytes()),
        [] as [Vec<u8>; 0]
    );
    assert_eq!(
        keys_with(dir.path(), other.component_id.as_bytes()),
        [] as [Vec<u8>; 0]
    );
}

#[tokio::test]
async fn retention_leaves_no_notes_of_days_behind() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let device = full_device(&storage).await;
    let organization = device.organization_id;
    let limits = Limits::default();
    let (first, second) = (after(24 * 3600), after(48 * 3600));
    let readings = [first, second].map(|at| reading("main/a", at, Value::BigInt(1)));
    let mut late = batch(readings);
    late.received_at = second;
    let stored = storage.store_readings(organization, device.id, &late, &limits);
    stored.await.unwrap();
    let sensor = {
        let filter = SensorFilter::default();
        let page = PageRequest::first(PageLimit::MAX);
        let sensors = storage.sensors(organization, &filter, page).await.unwrap();
        let mut sensors = sensors.items.into_iter();
        sensors.find(|sensor| sensor.key.as_str() == "a").unwrap()
    };
    let policy = PurgePolicy {
        readings_before: Some(second),
        ..policy(second)
    };
    let purge = async || storage.purge(SERVER, &policy, 2).await.unwrap();
    while purge().await.more {}
    assert_eq!(purge().await.removed, 0);
    let page = PageRequest::first(PageLimit::MAX);
    let left = storage
        .readings(organization, sensor.id, TimeRange::ALL, page)
        .await
        .unwrap();
    assert_eq!(left.items.len(), 1);
    assert_eq!(left.items[0].timestamp, second);

    // A late reading of a day that was purged already is found again.
    let mut late = batch([reading("main/a", first, Value::BigInt(2))]);
    late.received_at = second;
    let stored = storage.store_readings(organization, device.id, &late, &limits);
    assert_eq!(stored.await.unwrap().stored, 1);
    assert_eq!(purge().await.removed, 1);
    while purge().await.more {}
    purge().await;
    storage.close().await;
    let mut day_and_owner = organization.as_bytes().to_vec();
    day_and_owner.extend(sensor.id.as_bytes());
    let days = keys_with(dir.path(), &day_and_owner);
    let days = days.iter().filter(|key| key[0] == READING_DAY);
    assert_eq!(days.count(), 1);
}

#[tokio::test]
async fn a_step_of_retention_goes_on_where_the_last_one_ended() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let device = full_device(&storage).await;
    let organization = device.organization_id;
    let limits = Limits::default();
    // Of a day that is not over, so that the notes of all sensors stay.
    let sensors = 0..40;
    let readings = sensors.map(|n| reading(&format!("main/n{n}"), after(60), Value::BigInt(1)));
    let readings = batch(readings);
    let stored = storage.store_readings(organization, device.id, &readings, &limits);
    assert_eq!(stored.await.unwrap().stored, 40);
    let policy = PurgePolicy {
        readings_before: Some(after(30)),
        ..policy(after(60))
    };
    let round = async |limit| {
        let (mut steps, mut removed) = (0, 0);
        loop {
            let purged = storage.purge(SERVER, &policy, limit).await.unwrap();
            steps += 1;
            removed += purged.removed;
            if !purged.more {
                return (steps, removed);
            }
        }
    };
    assert_eq!(round(100).await, (2, 4));

    // With the three sensors that the device had, there are 43 notes.
    assert_eq!(round(10).await, (5, 0));
    assert_eq!(round(43).await, (1, 0));
    // What comes in behind the search is found by the next round.
    let step = storage.purge(SERVER, &policy, 42).await.unwrap();
    assert!(step.more);
    let late = |n| reading(&format!("main/n{n}"), after(10), Value::BigInt(2));
    let late = batch((0..40).map(late));
    let stored = storage.store_readings(organization, device.id, &late, &limits);
    assert_eq!(stored.await.unwrap().stored, 40);
    let (_, of_this_round) = round(50).await;
    assert!(of_this_round <= 1, "{of_this_round}");
    let (_, of_the_next) = round(50).await;
    assert_eq!(of_this_round + of_the_next, 40);
}

fn open(dir: &Path) -> SledStorage {
    let storage = SledStorage::builder(dir);
    storage.durability(Durability::Process).open().unwrap()
}

/// A device that has some of everything.
async fn full_device(storage: &SledStorage) -> Device {
    let organization = organization();
    let created = storage.create_organization(SERVER, &organization, None, &Effects::NONE);
    created.await.unwrap();
    let device = device(organization.id, "pump-7");
    let limits = Limits::default();
    let first = token(&device);
    storage
        .register_device(&device, &first, &Effects::NONE)
        .await
        .unwrap();
    let certificate = certificate(&device);
    let redeemed = storage
        .consume_token(organization.id, first.id, &certificate, &limits, noon())
        .await;
    assert!(
        matches!(redeemed, Ok(Redemption::Recorded(_))),
        "{redeemed:?}"
    );
    storage
        .create_token(&token(&device), &Effects::NONE)
        .await
        .unwrap();
    let own = component(&device, "own");
    storage
        .create_component(&own, &limits, &Effects::NONE)
        .await
        .unwrap();
    let readings = [
        reading("main/a", noon(), Value::BigInt(1)),
        reading("main/a", after(1), Value::BigInt(2)),
        reading("main/b", noon(), Value::Boolean(true)),
        reading("other/c", noon(), Value::BigInt(3)),
    ];
    let readings = batch(readings);
    let stored = storage.store_readings(organization.id, device.id, &readings, &limits);
    assert_eq!(stored.await.unwrap().stored, 4);
    let report = health(device.id, noon());
    assert!(
        storage
            .store_health(organization.id, &report)
            .await
            .unwrap()
    );
    storage
        .store_quarantined(&quarantined(&device), &limits)
        .await
        .unwrap();
    let payload = vec![7; 40_000];
    let topic = RetainedTopic::Status;
    storage
        .store_retained(organization.id, device.id, topic, &payload, noon())
        .await
        .unwrap();
    let retained = storage
        .retained(organization.id, device.id, topic)
        .await
        .unwrap();
    assert_eq!(retained, Some(payload));
    device
}

const fn policy(now: Timestamp) -> PurgePolicy {
    PurgePolicy {
        now,
        readings_before: None,
        health_before: None,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    }
}

/// Purges in small steps until nothing is left to purge; how many records went.
async fn purge_all(storage: &SledStorage, now: Timestamp) -> usize {
    let mut removed = 0;
    loop {
        let step = storage.purge(SERVER, &policy(now), 2).await.unwrap();
        assert!(step.removed <= 2);
        removed += step.removed;
        if !step.more {
            return removed;
        }
    }
}

/// The keys and values that hold `part`, behind sled's own opening.
fn keys_with(dir: &Path, part: &[u8]) -> Vec<Vec<u8>> {
    let db = beneath::open(dir);
    let holds = |octets: &[u8]| octets.windows(part.len()).any(|window| window == part);
    let entries = db.iter().map(Result::unwrap);
    let found = entries.filter(|(key, value)| holds(key) || holds(value));
    found.map(|(key, _)| key.to_vec()).collect()
}

/// The first octet of the keys that say of which sensors there are readings of a day.
const READING_DAY: u8 = 0x41;
