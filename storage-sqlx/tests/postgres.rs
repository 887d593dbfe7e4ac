//! What a PostgreSQL database has to be to be opened, and what happens when it fails.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::collections::BTreeMap;

use fieldgate_core::model::device::{Device, DeviceUpdate};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{TimeRange, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    DeviceStore as _, Effects, MaintenanceStore as _, OrganizationStore as _, PurgePolicy,
    ReadingStore as _, ReportStore as _, Seen, SensorStore as _, ServerProof, SessionStore as _,
    StorageError,
};
use fieldgate_core::testing::fixtures::{after, batch, device, noon, organization, parse, reading};
use fieldgate_storage_sqlx::testing::TestDatabase;
use fieldgate_storage_sqlx::{PostgresOpenError, PostgresStorage};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

#[tokio::test]
async fn a_role_that_no_wall_holds_for_is_refused() {
    let database = TestDatabase::fresh().await;
    let refused = open(&database.admin_url()).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::RoleTooMighty { .. }),
        "{refused:?}"
    );
    let mighty = format!("mighty_{}", database.name());
    let mut admin = connect(&database.admin_url()).await;
    execute(
        &mut admin,
        format!(
            "CREATE ROLE {mighty} LOGIN BYPASSRLS PASSWORD '{}'",
            database.password()
        ),
    )
    .await;
    let url = database.url().replace("fieldgate_test_app", &mighty);
    let refused = open(&url).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::RoleTooMighty { .. }),
        "{refused:?}"
    );
    execute(&mut admin, format!("DROP ROLE {mighty}")).await;
}

#[tokio::test]
async fn what_is_not_there_is_named_without_the_password() {
    let database = TestDatabase::fresh().await;
    let missing = database.url().replace(database.name(), "no_such_database");
    let refused = open(&missing).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::DatabaseMissing { .. }),
        "{refused:?}"
    );
    assert!(
        refused
            .to_string()
            .contains("CREATE DATABASE no_such_database")
    );

    let nobody = database.url().replace("fieldgate_test_app", "no_such_role");
    let refused = open(&nobody).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::SignIn { .. }),
        "{refused:?}"
    );

    let nowhere = "postgres://me:hush@127.0.0.1:1/plant?connect_timeout=3";
    let refused = open(nowhere).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::Unreachable { .. }),
        "{refused:?}"
    );
    let text = format!("{refused} {refused:?}");
    assert!(
        text.contains("127.0.0.1:1") && !text.contains("hush"),
        "{text}"
    );
}

#[tokio::test]
async fn the_owner_makes_the_schema_and_admits_the_server() {
    let database = TestDatabase::bare().await;
    let refused = open(&database.url()).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::NotMigrated { .. }),
        "{refused:?}"
    );

    open(&database.owner_url()).await.unwrap().close().await;
    let refused = open(&database.url()).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::NotAdmitted { .. }),
        "{refused:?}"
    );

    let mut owner = connect(&database.owner_url()).await;
    execute(
        &mut owner,
        "SELECT fieldgate.admit('fieldgate_test_app')".to_owned(),
    )
    .await;
    open(&database.url()).await.unwrap().close().await;
    // Again, as the owner, with nothing to do.
    open(&database.owner_url()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_newer_or_another_schema_is_refused() {
    let database = TestDatabase::fresh().await;
    let mut admin = connect(&database.admin_url()).await;
    let newer = "INSERT INTO fieldgate._sqlx_migrations \
                 (version, description, success, checksum, execution_time) \
                 VALUES (99, 'later', true, '', 0)";
    execute(&mut admin, newer.to_owned()).await;
    let refused = open(&database.url()).await.unwrap_err();
    let newer = matches!(
        refused,
        PostgresOpenError::NewerSchema {
            found: 99,
            known: 1
        }
    );
    assert!(newer, "{refused:?}");
    let changed = "DELETE FROM fieldgate._sqlx_migrations WHERE version = 99; \
                   UPDATE fieldgate._sqlx_migrations SET checksum = 'changed'";
    execute(&mut admin, changed.to_owned()).await;
    let refused = open(&database.url()).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::Database(_)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_second_server_is_kept_away() {
    let database = TestDatabase::fresh().await;
    let first = open(&database.url()).await.unwrap();
    let impatient = format!("{}&lock_timeout=1", database.url());
    let refused = open(&impatient).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::AlreadyOpen { .. }),
        "{refused:?}"
    );
    first.close().await;
    open(&impatient).await.unwrap().close().await;
}

#[tokio::test]
async fn after_a_lost_connection_it_goes_on() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    for _ in 0..3 {
        database.disconnect_all().await;
        loop {
            match storage.device(device.organization_id, device.id).await {
                Ok(found) => break assert_eq!(found.as_ref(), Some(&device)),
                Err(StorageError::Unavailable { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        // It takes the lock anew that keeps others away.
        storage.probe(ServerProof::vouch()).await.unwrap();
        let impatient = format!("{}&lock_timeout=1", database.url());
        let refused = open(&impatient).await.unwrap_err();
        assert!(
            matches!(refused, PostgresOpenError::AlreadyOpen { .. }),
            "{refused:?}"
        );
    }
    storage.close().await;
    let closed = storage.device(device.organization_id, device.id).await;
    assert!(
        matches!(closed, Err(StorageError::Unavailable { .. })),
        "{closed:?}"
    );
}

#[tokio::test]
async fn a_lock_that_is_not_to_be_had_in_time_is_an_outage() {
    let database = TestDatabase::fresh().await;
    let storage = open(&format!("{}&lock_timeout=1", database.url()))
        .await
        .unwrap();
    let device = new_device(&storage).await;
    let mut admin = connect(&database.admin_url()).await;
    let mut tx = admin.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM fieldgate.device FOR UPDATE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let update = DeviceUpdate {
        settings: device.settings.clone(),
        status: None,
    };
    let update = || storage.update_device(device.organization_id, device.id, None, &update, noon());

    let refused = update().await;

    assert!(
        matches!(refused, Err(StorageError::Unavailable { .. })),
        "{refused:?}"
    );
    tx.rollback().await.unwrap();
    update().await.unwrap();
}

/// The storage waits for the second row while another holds it and waits for the first: the
/// database gives the storage's transaction up, and the storage does it again.
#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let first = new_device(&storage).await;
    let second = new_device(&storage).await;
    let (first, second) = if first.id < second.id {
        (first, second)
    } else {
        (second, first)
    };
    let mut admin = connect(&database.admin_url()).await;
    let mut tx = admin.begin().await.unwrap();
    // So that it is not this one that is given up.
    execute(&mut tx, "SET LOCAL deadlock_timeout = '30s'".to_owned()).await;
    let lock = "SELECT 1 FROM fieldgate.device WHERE id = $1 FOR UPDATE";
    sqlx::query(lock)
        .bind(second.id.as_uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    let touching = tokio::spawn({
        let storage = storage.clone();
        let seen = [&first, &second].map(|device| Seen {
            organization_id: device.organization_id,
            device_id: device.id,
            at: after(9),
        });
        async move { storage.touch_devices(ServerProof::vouch(), &seen).await }
    });
    let mut observer = connect(&database.admin_url()).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                   AND datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&mut observer)
        .await
        .unwrap()
        == 0
    {
        tokio::task::yield_now().await;
    }
    sqlx::query(lock)
        .bind(first.id.as_uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    touching.await.unwrap().unwrap();

    for device in [first, second] {
        let found = storage
            .device(device.organization_id, device.id)
            .await
            .unwrap();
        assert_eq!(found.unwrap().presence.last_seen_at(), Some(after(9)));
    }
}

#[tokio::test]
async fn each_month_has_a_partition_and_what_has_none_is_kept() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    let mut admin = connect(&database.admin_url()).await;
    let old = parse("1999-12-31T23:59:59.999Z");
    for at in [noon(), old, Timestamp::UNIX_EPOCH] {
        report(&storage, &device, at).await;
    }
    let before = places(&mut admin).await;
    assert_eq!(before.get("reading_default"), Some(&2), "{before:?}");
    assert_eq!(before.values().sum::<i64>(), 3, "{before:?}");
    let found = readings(&storage, &device).await;
    assert_eq!(found, [noon(), old, Timestamp::UNIX_EPOCH]);

    // Where a month is made later, what was kept elsewhere is moved into it.
    purge(&storage, parse("1999-11-15T00:00:00Z"), None).await;
    let moved = places(&mut admin).await;
    assert_eq!(moved.get("reading_1999_12"), Some(&1), "{moved:?}");
    assert_eq!(moved.get("reading_default"), Some(&1), "{moved:?}");
    assert_eq!(readings(&storage, &device).await, found);
}

#[tokio::test]
async fn a_month_that_is_over_is_dropped_as_a_whole() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    let mut admin = connect(&database.admin_url()).await;
    let times = [
        "2026-04-30T23:59:59.999Z",
        "2026-05-01T00:00:00Z",
        "2026-06-01T00:00:00Z",
    ];
    let times = times.map(parse::<Timestamp>);
    // The month of each is made where it comes near the present.
    purge(&storage, noon(), None).await;
    for at in times {
        report(&storage, &device, at).await;
    }
    let months = |places: &BTreeMap<String, i64>| -> Vec<i64> {
        let months = ["reading_2026_04", "reading_2026_05", "reading_2026_06"];
        months
            .iter()
            .filter_map(|month| places.get(*month).copied())
            .collect()
    };
    assert_eq!(months(&places(&mut admin).await), [1, 1, 1]);

    purge(&storage, noon(), Some(times[1])).await;

    assert_eq!(months(&places(&mut admin).await), [1, 1]);
    assert_eq!(readings(&storage, &device).await, [times[2], times[1]]);
    // Late data of a month that was dropped is kept again, until the next purge.
    report(&storage, &device, times[0]).await;
    assert_eq!(readings(&storage, &device).await.len(), 3);
    // The present month stays, whatever the policy says; its rows go.
    purge(&storage, noon(), Some(Timestamp::MAX)).await;
    assert_eq!(months(&places(&mut admin).await), [0]);
    assert!(readings(&storage, &device).await.is_empty());
}

async fn open(url: &str) -> Result<PostgresStorage, PostgresOpenError> {
    PostgresStorage::open(&url.parse()?).await
}

async fn new_device(storage: &PostgresStorage) -> Device {
    let organization = organization();
    storage
        .create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE)
        .await
        .unwrap();
    let device = device(organization.id, "pump-7");
    storage
        .create_device(&device, &Effects::NONE)
        .await
        .unwrap();
    device
}

async fn report(storage: &PostgresStorage, device: &Device, at: Timestamp) {
    let batch = batch([reading("m/n", at, Value::BigInt(1))]);
    let limits = Limits::default();
    let stored = storage.store_readings(device.organization_id, device.id, &batch, &limits);
    assert_eq!(stored.await.unwrap().stored, 1);
}

async fn readings(storage: &PostgresStorage, device: &Device) -> Vec<Timestamp> {
    let organization = device.organization_id;
    let first = PageRequest::first(PageLimit::MAX);
    let sensors = storage
        .sensors(organization, &SensorFilter::default(), first)
        .await
        .unwrap();
    let page = PageRequest::first(PageLimit::MAX);
    let found = storage.readings(organization, sensors.items[0].id, TimeRange::ALL, page);
    found
        .await
        .unwrap()
        .items
        .iter()
        .map(|reading| reading.timestamp)
        .collect()
}

async fn purge(storage: &PostgresStorage, now: Timestamp, readings_before: Option<Timestamp>) {
    let policy = PurgePolicy {
        now,
        readings_before,
        health_before: None,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    };
    while storage
        .purge(ServerProof::vouch(), &policy, 100)
        .await
        .unwrap()
        .more
    {}
}

/// How many readings each partition holds.
async fn places(admin: &mut PgConnection) -> BTreeMap<String, i64> {
    let parts: Vec<String> = sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits \
         WHERE inhparent = 'fieldgate.reading'::regclass",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let mut places = BTreeMap::new();
    for part in parts {
        let count = format!("SELECT count(*) FROM {part}");
        let count = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut *admin)
            .await;
        places.insert(
            part.trim_start_matches("fieldgate.").to_owned(),
            count.unwrap(),
        );
    }
    places
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn execute(connection: &mut PgConnection, statement: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection);
    done.await.unwrap();
}
