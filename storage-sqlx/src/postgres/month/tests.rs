//! Which partitions are made, when, and where what has none lies.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldgate_core::model::device::Device;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{Reading, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    ArchiveRecord, ArchiveStore as _, DeviceStore as _, Effects, MaintenanceStore as _,
    OrganizationStore as _, PurgePolicy, ReportStore as _, SensorStore as _, ServerProof,
};
use fieldgate_core::testing::fixtures::{
    batch, device, health, noon, organization, parse, reading,
};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::PostgresStorage;
use crate::postgres::month::month_of;
use crate::testing::TestDatabase;

#[test]
fn months_are_those_of_the_calendar() {
    for (time, year, month) in [
        ("1970-01-01T00:00:00Z", 1970, 1),
        ("1999-12-31T23:59:59.999Z", 1999, 12),
        ("2000-02-29T12:00:00Z", 2000, 2),
        ("2000-03-01T00:00:00Z", 2000, 3),
        ("2026-06-30T23:59:59.999Z", 2026, 6),
        ("2026-07-01T00:00:00Z", 2026, 7),
        ("2100-02-28T23:00:00Z", 2100, 2),
        ("9999-12-31T23:59:59.999Z", 9999, 12),
    ] {
        let parsed = time.parse();
        assert_eq!(parsed.map(month_of), Ok(year * 12 + month - 1), "{time}");
    }
}

/// What comes late for the one is no reason for a partition of the other, which retention would
/// drop again.
#[tokio::test]
async fn each_table_has_the_months_that_it_needs() {
    let (database, storage, device) = furnished().await;
    purge(&storage, noon(), None, Some(parse("2026-05-10T00:00:00Z"))).await;

    report(&storage, &device, parse("2026-01-10T00:00:00Z")).await;
    for late in ["2026-01-10T00:00:00Z", "2026-05-20T00:00:00Z"] {
        let report = health(device.id, parse(late));
        let stored = storage.store_health(device.organization_id, &report).await;
        assert!(stored.unwrap());
    }

    let places = places(&database).await;
    assert_eq!(places.get("reading_2026_01"), Some(&1), "{places:?}");
    assert_eq!(places.get("health_2026_01"), None, "{places:?}");
    assert_eq!(places.get("health_2026_05"), Some(&1), "{places:?}");
    assert_eq!(places.get("health_default"), Some(&1), "{places:?}");
}

/// The default partition is looked through for each new month.
#[tokio::test]
async fn what_is_older_than_all_months_is_in_the_way_of_none() {
    let (database, storage, device) = furnished().await;
    purge(&storage, noon(), None, None).await;
    for old in ["1970-01-01T00:00:00Z", "2019-12-31T23:59:59.999Z"] {
        report(&storage, &device, parse(old)).await;
    }
    let places = places(&database).await;
    assert_eq!(places["reading_past"], 2, "{places:?}");
    assert_eq!(places["reading_default"], 0, "{places:?}");
}

#[tokio::test]
async fn what_is_imported_has_its_months_however_old_it_is() {
    let (database, storage, device) = furnished().await;
    purge(&storage, noon(), None, None).await;
    report(&storage, &device, noon()).await;
    let (all, page) = (SensorFilter::default(), PageRequest::first(PageLimit::MAX));
    let sensors = storage.sensors(device.organization_id, &all, page).await;
    let record = ArchiveRecord::Reading(
        device.organization_id,
        Reading {
            sensor_id: sensors.unwrap().items[0].id,
            timestamp: parse("2020-01-01T00:00:00Z"),
            value: Value::BigInt(1),
            metadata: None,
        },
    );

    let imported = storage.import(ServerProof::vouch(), &[record]).await;

    imported.unwrap();
    let places = places(&database).await;
    assert_eq!(places.get("reading_2020_01"), Some(&1), "{places:?}");
    assert_eq!(places["reading_default"], 0, "{places:?}");
}

/// Each attempt is in everyone's way.
#[tokio::test]
async fn a_month_that_cannot_be_made_is_left_alone_for_a_while() {
    let (database, storage, _) = furnished().await;
    let now: Timestamp = parse("2030-01-10T00:00:00Z");
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let mut busy = admin.begin().await.unwrap();
    let read = "SELECT count(*) FROM fieldgate.health_default";
    sqlx::raw_sql(read).execute(&mut *busy).await.unwrap();
    purge(&storage, now, None, None).await;
    busy.rollback().await.unwrap();

    for (later, is_made) in [(60, false), (2 * 3600, true)] {
        let later = now.plus(Duration::from_secs(later));
        purge(&storage, later, None, None).await;
        let places = places(&database).await;
        for month in ["health_2030_01", "reading_2030_03"] {
            assert_eq!(places.contains_key(month), is_made, "{later} {places:?}");
        }
    }
}

async fn furnished() -> (TestDatabase, PostgresStorage, Device) {
    let database = TestDatabase::fresh().await;
    let settings = database.url().parse().unwrap();
    let storage = PostgresStorage::open(&settings).await.unwrap();
    let organization = organization();
    let (server, none) = (ServerProof::vouch(), Effects::NONE);
    let created = storage.create_organization(server, &organization, None, &none);
    created.await.unwrap();
    let device = device(organization.id, "pump-7");
    storage.create_device(&device, &none).await.unwrap();
    (database, storage, device)
}

async fn report(storage: &PostgresStorage, device: &Device, at: Timestamp) {
    let batch = batch([reading("m/n", at, Value::BigInt(1))]);
    let limits = Limits::default();
    let stored = storage.store_readings(device.organization_id, device.id, &batch, &limits);
    assert_eq!(stored.await.unwrap().stored, 1);
}

async fn purge(
    storage: &PostgresStorage,
    now: Timestamp,
    readings_before: Option<Timestamp>,
    health_before: Option<Timestamp>,
) {
    let policy = PurgePolicy {
        now,
        readings_before,
        health_before,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    };
    let server = ServerProof::vouch;
    while storage.purge(server(), &policy, 100).await.unwrap().more {}
}

/// How many rows each partition holds.
async fn places(database: &TestDatabase) -> BTreeMap<String, i64> {
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let parts = "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid \
                 WHERE inhparent IN ('fieldgate.health'::regclass, 'fieldgate.reading'::regclass)";
    let parts = sqlx::query_scalar(parts).fetch_all(&mut admin).await;
    let parts: Vec<String> = parts.unwrap();
    let mut places = BTreeMap::new();
    for part in parts {
        let count = format!("SELECT count(*) FROM fieldgate.{part}");
        let count = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut admin);
        places.insert(part, count.await.unwrap());
    }
    places
}
