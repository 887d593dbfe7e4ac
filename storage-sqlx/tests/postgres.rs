//! What a PostgreSQL database has to be to be opened, and what happens when it fails.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::collections::BTreeMap;

use fieldgate_core::model::device::{Device, DeviceUpdate};
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{TimeRange, Value};
use fieldgate_core::model::sensor::{Sensor, SensorFilter};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    DeviceStore as _, Effects, MaintenanceStore as _, OrganizationStore as _, PurgePolicy,
    ReadingStore as _, Redemption, ReportStore as _, Seen, SensorStore as _, ServerProof,
    SessionStore as _, StorageError, TokenRefused, TokenStore as _,
};
use fieldgate_core::testing::fixtures::{
    after, batch, certificate, device, noon, organization, parse, reading, token, unique_digest,
};
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

/// It would not fail before it deletes something, or a month is over.
#[tokio::test]
async fn a_role_that_lacks_a_single_right_is_refused() {
    let database = TestDatabase::fresh().await;
    let mut admin = connect(&database.admin_url()).await;
    let app = "fieldgate_test_app";
    for right in [
        "INSERT ON fieldgate.device",
        "UPDATE ON fieldgate.device",
        "DELETE ON fieldgate.reading",
        "EXECUTE ON FUNCTION fieldgate.add_month",
        "EXECUTE ON FUNCTION fieldgate.drop_month",
    ] {
        execute(&mut admin, format!("REVOKE {right} FROM {app}")).await;
        let refused = open(&database.url()).await.unwrap_err();
        assert!(
            matches!(refused, PostgresOpenError::NotAdmitted { .. }),
            "{right}: {refused:?}"
        );
        execute(&mut admin, format!("GRANT {right} TO {app}")).await;
    }
    open(&database.url()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_newer_or_another_schema_is_refused_and_left_alone() {
    let database = TestDatabase::fresh().await;
    let mut admin = connect(&database.admin_url()).await;
    let newer = "INSERT INTO fieldgate._sqlx_migrations \
                 (version, description, success, checksum, execution_time) \
                 VALUES (99, 'later', true, '', 0)";
    execute(&mut admin, newer.to_owned()).await;
    let before = database.dump().await;
    let refused = open(&database.owner_url()).await.unwrap_err();
    let newer = matches!(refused, PostgresOpenError::NewerSchema { found: 99, .. });
    assert!(newer, "{refused:?}");
    assert_eq!(database.dump().await, before);
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

/// A newer one would change the schema under the one that works with it.
#[tokio::test]
async fn a_second_server_changes_nothing() {
    let database = TestDatabase::bare().await;
    let mut first = connect(&database.owner_url()).await;
    execute(&mut first, format!("SELECT pg_advisory_lock({GUARD})")).await;
    let impatient = format!("{}&lock_timeout=1", database.owner_url());
    let refused = open(&impatient).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::AlreadyOpen { .. }),
        "{refused:?}"
    );
    let schema = sqlx::query_scalar("SELECT to_regnamespace('fieldgate')::text");
    let schema: Option<String> = schema.fetch_one(&mut first).await.unwrap();
    assert_eq!(schema, None);
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

/// The storage holds the first row and comes to want the last, whose holder waits for the first by
/// then: the database gives the storage's transaction up, as it was the last to wait, and the
/// storage does it again.
#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(new_device(&storage).await);
    }
    devices.sort_by_key(|device| device.id);
    let mut pausing = holding(&database, &devices[1]).await;
    let mut other = holding(&database, &devices[2]).await;
    let seen: Vec<_> = devices.iter().map(seen).collect();
    let touching = tokio::spawn({
        let storage = storage.clone();
        async move { storage.touch_devices(ServerProof::vouch(), &seen).await }
    });
    waiting(&database, 1).await;
    let first = devices[0].id;
    let other = tokio::spawn(async move {
        lock(&mut other, first).await;
        execute(&mut other, "COMMIT".to_owned()).await;
    });
    waiting(&database, 2).await;
    execute(&mut pausing, "COMMIT".to_owned()).await;

    touching.await.unwrap().unwrap();

    other.await.unwrap();
    for device in devices {
        let found = storage.device(device.organization_id, device.id).await;
        let presence = found.unwrap().unwrap().presence;
        assert_eq!(presence.last_seen_at(), Some(after(9)));
    }
    let given_up = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let mut admin = connect(&database.admin_url()).await;
    while sqlx::query_scalar::<_, i64>(given_up)
        .fetch_one(&mut admin)
        .await
        .unwrap()
        == 0
    {
        // The figure comes a little later.
        tokio::task::yield_now().await;
    }
}

fn seen(device: &Device) -> Seen {
    Seen {
        organization_id: device.organization_id,
        device_id: device.id,
        at: after(9),
    }
}

/// A connection with a transaction that holds the row of a device, and is not the one that looks
/// for deadlocks.
async fn holding(database: &TestDatabase, device: &Device) -> PgConnection {
    let mut connection = connect(&database.admin_url()).await;
    let begin = "BEGIN; SET LOCAL deadlock_timeout = '60s'";
    execute(&mut connection, begin.to_owned()).await;
    lock(&mut connection, device.id).await;
    connection
}

async fn lock(connection: &mut PgConnection, device: DeviceId) {
    let lock = "SELECT 1 FROM fieldgate.device WHERE id = $1 FOR UPDATE";
    let locked = sqlx::query(lock).bind(device.as_uuid()).execute(connection);
    locked.await.unwrap();
}

/// Waits until so many transactions wait for a lock.
async fn waiting(database: &TestDatabase, count: i64) {
    let mut admin = connect(&database.admin_url()).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                   AND datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&mut admin)
        .await
        .unwrap()
        < count
    {
        tokio::task::yield_now().await;
    }
}

/// The look for other certificates with the key, and the new one, are one step across devices too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_devices_with_the_same_key_one_gets_a_certificate() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    for _ in 0..20 {
        let key = unique_digest();
        let mut racing = Vec::new();
        for _ in 0..2 {
            let device = new_device(&storage).await;
            let token = token(&device);
            storage.create_token(&token, &Effects::NONE).await.unwrap();
            let mut certificate = certificate(&device);
            certificate.public_key_sha256 = key;
            let storage = storage.clone();
            racing.push(tokio::spawn(async move {
                let (limits, organization) = (Limits::default(), device.organization_id);
                let redeemed =
                    storage.consume_token(organization, token.id, &certificate, &limits, noon());
                redeemed.await.unwrap()
            }));
        }
        let mut recorded = 0;
        for redemption in racing {
            match redemption.await.unwrap() {
                Redemption::Recorded(_) => recorded += 1,
                Redemption::Refused(refused) => assert_eq!(refused, TokenRefused::KeyInUse),
            }
        }
        assert_eq!(recorded, 1);
    }
}

#[tokio::test]
async fn each_month_has_a_partition_and_what_has_none_is_kept() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database.url()).await.unwrap();
    let device = new_device(&storage).await;
    let mut admin = connect(&database.admin_url()).await;
    let (old, older) = (
        parse("2021-12-31T23:59:59.999Z"),
        parse("2021-09-01T00:00:00Z"),
    );
    for at in [noon(), old, older] {
        report(&storage, &device, at).await;
    }
    let before = places(&mut admin).await;
    assert_eq!(before.get("reading_default"), Some(&2), "{before:?}");
    assert_eq!(before.values().sum::<i64>(), 3, "{before:?}");
    let found = readings(&storage, &device).await;
    assert_eq!(found, [noon(), old, older]);

    // Where a month is made later, what was kept elsewhere is moved into it.
    purge(&storage, parse("2021-11-15T00:00:00Z"), None).await;
    let moved = places(&mut admin).await;
    assert_eq!(moved.get("reading_2021_12"), Some(&1), "{moved:?}");
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
    // What is left of a sensor agrees, also where a whole month went at once.
    assert_eq!(only_sensor(&storage, &device).await.latest, None);
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

async fn only_sensor(storage: &PostgresStorage, device: &Device) -> Sensor {
    let (all, page) = (SensorFilter::default(), PageRequest::first(PageLimit::MAX));
    let sensors = storage.sensors(device.organization_id, &all, page).await;
    sensors.unwrap().items.remove(0)
}

async fn readings(storage: &PostgresStorage, device: &Device) -> Vec<Timestamp> {
    let sensor = only_sensor(storage, device).await.id;
    let page = PageRequest::first(PageLimit::MAX);
    let found = storage.readings(device.organization_id, sensor, TimeRange::ALL, page);
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

/// The lock of the server that works on a database.
const GUARD: i64 = 0x4669_656c_6467_6174;
