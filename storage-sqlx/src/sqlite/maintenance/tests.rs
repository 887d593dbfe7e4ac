//! What a purge leaves behind, which no answer tells.

use std::time::Duration;

use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    ComponentStore as _, DeviceStore as _, Effects, MaintenanceStore as _, OrganizationStore as _,
    PurgePolicy, Redemption, ReportStore as _, RetainedTopic, SensorStore as _, ServerProof,
    TokenStore as _,
};
use fieldgate_core::testing::fixtures::{
    after, batch, certificate, component, device, health, noon, organization, quarantined, reading,
    tags, token,
};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use crate::SqliteStorage;

#[tokio::test]
async fn nothing_is_left_of_a_deleted_device_once_its_certificates_have_expired() {
    let (storage, _directory, organization) = fresh().await;
    let device = new_device(&storage, organization).await;
    populate(&storage, &device).await;
    let removed = storage
        .delete_device(organization, device.id, None, noon())
        .await;
    removed.unwrap();

    purge(&storage, after(1)).await;
    let left = left(&storage).await;
    assert_eq!(left, ["certificate 1", "deleted_device 1"]);

    purge(&storage, after(366 * 24 * 3600)).await;
    assert_eq!(self::left(&storage).await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_left_of_deleted_components_and_sensors() {
    let (storage, _directory, organization) = fresh().await;
    let device = new_device(&storage, organization).await;
    let readings = ["a/x", "a/y", "b/x"].map(|path| reading(path, noon(), Value::BigInt(7)));
    report(&storage, &device, readings.to_vec()).await;
    let sensors = rows(&storage, "sensor").await;
    let components = rows(&storage, "component").await;
    assert_eq!((components, sensors), (2, 3));

    for component in list(&storage, organization).await.0 {
        let deleted = storage
            .delete_component(organization, component, None)
            .await;
        deleted.unwrap();
        // One of them goes with its sensor, the other after it.
        for sensor in list(&storage, organization).await.1 {
            storage
                .delete_sensor(organization, sensor, None)
                .await
                .unwrap();
        }
    }
    purge(&storage, after(1)).await;

    for table in [
        "component",
        "sensor",
        "sensor_word",
        "deleted_sensor",
        "reading",
    ] {
        assert_eq!(rows(&storage, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn retention_reaches_every_sensor_in_small_steps() {
    let (storage, _directory, organization) = fresh().await;
    let device = new_device(&storage, organization).await;
    let mut readings = Vec::new();
    for sensor in 0..10 {
        for second in 0..7 {
            let path = format!("main/s{sensor}");
            readings.push(reading(&path, after(second), Value::BigInt(7)));
        }
    }
    report(&storage, &device, readings).await;

    let policy = PurgePolicy {
        readings_before: Some(after(4)),
        ..keep_all(noon())
    };
    let mut steps = 0;
    loop {
        let purged = storage.purge(ServerProof::vouch(), &policy, 3).await;
        let purged = purged.unwrap();
        assert!(purged.removed <= 3, "{purged:?}");
        steps += 1;
        if !purged.more {
            break;
        }
    }
    assert_eq!(rows(&storage, "reading").await, 30);
    assert!(steps >= 14, "{steps}");
}

async fn fresh() -> (SqliteStorage, TempDir, OrganizationId) {
    let directory = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(&directory.path().join("test.db")).await;
    let storage = storage.unwrap();
    let organization = organization();
    storage
        .create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE)
        .await
        .unwrap();
    (storage, directory, organization.id)
}

async fn new_device(storage: &SqliteStorage, organization: OrganizationId) -> Device {
    let mut device = device(organization, "pump-7");
    device.settings.tags = tags(&["north", "roof"]);
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    device
}

async fn report(
    storage: &SqliteStorage,
    device: &Device,
    readings: Vec<fieldgate_core::model::ingestion::ReportedReading>,
) {
    let limits = Limits::default();
    let stored = storage
        .store_readings(device.organization_id, device.id, &batch(readings), &limits)
        .await;
    stored.unwrap();
}

/// Gives a device some of everything.
async fn populate(storage: &SqliteStorage, device: &Device) {
    let (organization, limits) = (device.organization_id, Limits::default());
    let mut made = component(device, "made");
    made.settings.tags = tags(&["inside"]);
    let created = storage.create_component(&made, &limits, &Effects::NONE);
    created.await.unwrap();
    let paths = ["a/x", "a/y", "b/x", "made/x"];
    for second in 0..5 {
        let readings = paths.map(|path| reading(path, after(second), Value::BigInt(7)));
        report(storage, device, readings.to_vec()).await;
        let health = health(device.id, after(second));
        storage.store_health(organization, &health).await.unwrap();
        let item = quarantined(device);
        storage.store_quarantined(&item, &limits).await.unwrap();
    }
    for sensor in list(storage, organization).await.1 {
        let found = storage.sensor(organization, sensor).await.unwrap().unwrap();
        let mut settings = found.settings;
        settings.tags = tags(&["hot"]);
        let update = settings.clone().into();
        let updated = storage.update_sensor(organization, sensor, None, &update);
        updated.await.unwrap();
    }
    for topic in [RetainedTopic::Status, RetainedTopic::ConfigReported] {
        storage
            .store_retained(organization, device.id, topic, b"{}", noon())
            .await
            .unwrap();
    }
    let used = token(device);
    storage.create_token(&used, &Effects::NONE).await.unwrap();
    let redeemed = storage
        .consume_token(organization, used.id, &certificate(device), &limits, noon())
        .await;
    assert!(matches!(redeemed, Ok(Redemption::Recorded(_))));
    let open = token(device);
    storage.create_token(&open, &Effects::NONE).await.unwrap();
}

async fn list(
    storage: &SqliteStorage,
    organization: OrganizationId,
) -> (
    Vec<fieldgate_core::model::id::ComponentId>,
    Vec<fieldgate_core::model::id::SensorId>,
) {
    use fieldgate_core::model::component::ComponentFilter;
    use fieldgate_core::model::page::{PageLimit, PageRequest};
    use fieldgate_core::model::sensor::SensorFilter;

    let page = PageRequest::first(PageLimit::MAX);
    let components = storage
        .components(organization, &ComponentFilter::default(), page)
        .await
        .unwrap();
    let page = PageRequest::first(PageLimit::MAX);
    let sensors = storage
        .sensors(organization, &SensorFilter::default(), page)
        .await
        .unwrap();
    (
        components.items.iter().map(|it| it.id).collect(),
        sensors.items.iter().map(|it| it.id).collect(),
    )
}

const fn keep_all(now: Timestamp) -> PurgePolicy {
    PurgePolicy {
        now,
        readings_before: None,
        health_before: None,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    }
}

/// Purges in small steps to the end.
async fn purge(storage: &SqliteStorage, now: Timestamp) {
    loop {
        let policy = keep_all(now.plus(Duration::from_millis(1)));
        let purged = storage.purge(ServerProof::vouch(), &policy, 3).await;
        let purged = purged.unwrap();
        assert!(purged.removed <= 3, "{purged:?}");
        if !purged.more {
            break;
        }
    }
}

async fn rows(storage: &SqliteStorage, table: &str) -> i64 {
    let mut reader = storage.reader().await.unwrap();
    let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let count = sqlx::query_scalar(count).fetch_one(&mut *reader).await;
    count.unwrap()
}

/// The tables that have rows, but for the ones that a device has no part in.
async fn left(storage: &SqliteStorage) -> Vec<String> {
    let mut reader = storage.reader().await.unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .fetch_all(&mut *reader)
            .await
            .unwrap();
    drop(reader);
    let mut left = Vec::new();
    for table in tables {
        let others = ["_sqlx_migrations", "issuer_count", "organization"];
        if others.contains(&table.as_str()) || table.starts_with("sqlite_") {
            continue;
        }
        let count = rows(storage, &table).await;
        if count > 0 {
            left.push(format!("{table} {count}"));
        }
    }
    left
}
