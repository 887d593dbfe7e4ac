//! Where the partitions of readings end, and what changes them.

use std::collections::BTreeMap;

use fieldgate_core::model::device::Device;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{TimeRange, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    MaintenanceStore as _, PurgePolicy, ReadingStore as _, ReportStore as _, SensorStore as _,
    ServerProof,
};
use fieldgate_core::testing::fixtures::{self, parse};
use fieldgate_storage_sqlx::PostgresStorage;
use fieldgate_storage_sqlx::testing::TestDatabase;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::{connect, execute, new_device, open};

#[tokio::test]
async fn a_month_has_its_first_moment_and_its_last() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    // The month of a leap day, and the ends of a year.
    purge(&storage, parse("2028-03-15T00:00:00Z"), None).await;
    let months = [
        (
            "2027_12",
            "2027-12-01T00:00:00Z",
            "2027-12-31T23:59:59.999Z",
        ),
        (
            "2028_01",
            "2028-01-01T00:00:00Z",
            "2028-01-31T23:59:59.999Z",
        ),
        (
            "2028_02",
            "2028-02-01T00:00:00Z",
            "2028-02-29T23:59:59.999Z",
        ),
        (
            "2028_03",
            "2028-03-01T00:00:00Z",
            "2028-03-31T23:59:59.999Z",
        ),
    ];
    let mut times: Vec<Timestamp> = Vec::new();
    for (_, first, last) in months {
        times.extend([parse::<Timestamp>(first), parse(last)]);
    }

    for at in &times {
        report(&storage, &device, *at).await;
    }

    let places = places(&database).await;
    for (month, ..) in months {
        assert_eq!(places[&format!("reading_{month}")], 2, "{places:?}");
    }
    assert_eq!(places["reading_default"], 0, "{places:?}");
    times.reverse();
    assert_eq!(readings(&storage, &device).await, times);
}

#[tokio::test]
async fn no_time_is_too_far_away() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    let times = [
        parse("9999-12-31T23:59:59.998Z"),
        parse("2999-01-01T00:00:00Z"),
        parse("1971-05-05T05:05:05.005Z"),
        Timestamp::UNIX_EPOCH,
    ];
    for at in times {
        report(&storage, &device, at).await;
    }
    assert_eq!(readings(&storage, &device).await, times);
    let before = places(&database).await;
    assert_eq!(before["reading_default"], 2, "{before:?}");
    assert_eq!(before["reading_past"], 2, "{before:?}");
    assert_eq!(before.values().sum::<i64>(), 4, "{before:?}");

    // Retention holds for what has no month too.
    purge(&storage, fixtures::noon(), Some(fixtures::noon())).await;
    assert_eq!(readings(&storage, &device).await, times[..2]);
}

/// Nobody has removed anything for months, which is what makes new ones.
#[tokio::test]
async fn what_comes_where_no_month_was_made_is_kept_and_found_its_place() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    purge(&storage, parse("2030-01-10T00:00:00Z"), None).await;
    let ahead = places(&database).await;
    assert!(ahead.contains_key("reading_2030_03"), "{ahead:?}");
    assert!(!ahead.contains_key("reading_2030_04"), "{ahead:?}");
    let times: [Timestamp; 3] = [
        parse("2030-09-01T00:00:00Z"),
        parse("2030-05-31T23:59:59.999Z"),
        parse("2030-02-02T02:02:02Z"),
    ];
    for at in times {
        report(&storage, &device, at).await;
    }
    let before = places(&database).await;
    assert_eq!(before["reading_default"], 2, "{before:?}");
    storage.close().await;

    let storage = open(&database.url()).await.unwrap();
    purge(&storage, parse("2030-09-10T00:00:00Z"), None).await;

    let after = places(&database).await;
    assert_eq!(after["reading_2030_09"], 1, "{after:?}");
    // Months between are made where something comes for them; what was there is kept meanwhile.
    assert_eq!(after["reading_default"], 1, "{after:?}");
    report(&storage, &device, parse("2030-05-01T00:00:00Z")).await;
    let after = places(&database).await;
    assert_eq!(after["reading_2030_05"], 2, "{after:?}");
    assert_eq!(after["reading_default"], 0, "{after:?}");
    let found = readings(&storage, &device).await;
    assert_eq!(found[..2], times[..2]);
    assert_eq!(found.len(), 4);
}

/// By others than the storage too, and while readings of those months arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_made_once_by_however_many() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    let months = 2035 * 12..2036 * 12;
    let making: Vec<_> = (0..3)
        .map(|_| {
            let (url, months) = (database.url(), months.clone());
            tokio::spawn(async move {
                let mut raw = connect(&url).await;
                let server = "SET fieldgate.server = 'on'; SET search_path = fieldgate";
                execute(&mut raw, server.to_owned()).await;
                for month in months {
                    execute(&mut raw, format!("SELECT add_month('reading', {month})")).await;
                }
            })
        })
        .collect();
    let mut count = 0;
    while making.iter().any(|making| !making.is_finished()) || count < 24 {
        let at = format!(
            "2035-{:02}-02T00:00:{:02}.{:03}Z",
            count % 12 + 1,
            count / 12 % 60,
            count / 720
        );
        report(&storage, &device, parse(&at)).await;
        count += 1;
    }
    for making in making {
        making.await.unwrap();
    }

    let places = places(&database).await;
    let made = places.keys().filter(|name| name.contains("_2035_")).count();
    assert_eq!(made, 12, "{places:?}");
    assert_eq!(places["reading_default"], 0, "{places:?}");
    assert_eq!(places.values().sum::<i64>(), count, "{places:?}");
}

/// A month that somebody reads is dropped later; what it holds is gone all the same.
#[tokio::test]
async fn a_month_that_is_being_read_keeps_nobody_waiting_for_long() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    purge(&storage, parse("2030-01-10T00:00:00Z"), None).await;
    let old = parse("2030-01-10T00:00:00Z");
    report(&storage, &device, old).await;
    let mut admin = connect(&database.admin_url()).await;
    let mut reading = admin.begin().await.unwrap();
    let look = "SELECT count(*) FROM fieldgate.reading";
    sqlx::raw_sql(look).execute(&mut *reading).await.unwrap();
    let (now, before) = (parse("2030-06-10T00:00:00Z"), parse("2030-05-10T00:00:00Z"));

    purge(&storage, now, Some(before)).await;

    let kept = places(&database).await;
    assert_eq!(kept.get("reading_2030_01"), Some(&0), "{kept:?}");
    assert!(readings(&storage, &device).await.is_empty());
    reading.rollback().await.unwrap();
    purge(&storage, now, Some(before)).await;
    let kept = places(&database).await;
    assert_eq!(kept.get("reading_2030_01"), None, "{kept:?}");
}

async fn report(storage: &PostgresStorage, device: &Device, at: Timestamp) {
    let reading = fixtures::reading("m/n", at, Value::BigInt(1));
    let mut batch = fixtures::batch([reading]);
    // Nothing is from the future.
    batch.received_at = at;
    let limits = Limits::default();
    let stored = storage.store_readings(device.organization_id, device.id, &batch, &limits);
    assert_eq!(stored.await.unwrap().stored, 1, "{at}");
}

async fn readings(storage: &PostgresStorage, device: &Device) -> Vec<Timestamp> {
    let organization = device.organization_id;
    let (all, page) = (SensorFilter::default(), PageRequest::first(PageLimit::MAX));
    let sensors = storage.sensors(organization, &all, page).await.unwrap();
    let sensor = sensors.items[0].id;
    let page = PageRequest::first(PageLimit::MAX);
    let found = storage.readings(organization, sensor, TimeRange::ALL, page);
    let found = found.await.unwrap().items;
    found.iter().map(|reading| reading.timestamp).collect()
}

async fn purge(storage: &PostgresStorage, now: Timestamp, readings_before: Option<Timestamp>) {
    let policy = PurgePolicy {
        now,
        readings_before,
        health_before: None,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    };
    let server = ServerProof::vouch;
    while storage.purge(server(), &policy, 100).await.unwrap().more {}
}

/// How many readings each partition holds.
async fn places(database: &TestDatabase) -> BTreeMap<String, i64> {
    let mut admin = connect(&database.admin_url()).await;
    let parts = "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid \
                 WHERE inhparent = 'fieldgate.reading'::regclass";
    let parts = sqlx::query_scalar(parts).fetch_all(&mut admin).await;
    let parts: Vec<String> = parts.unwrap();
    let mut places = BTreeMap::new();
    for part in parts {
        let held = count(&mut admin, &part).await;
        places.insert(part, held);
    }
    places
}

async fn count(admin: &mut PgConnection, part: &str) -> i64 {
    let count = format!("SELECT count(*) FROM fieldgate.{part}");
    let count = sqlx::query_scalar(AssertSqlSafe(count));
    count.fetch_one(admin).await.unwrap()
}
