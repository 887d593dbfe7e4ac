//! The second wall: whoever speaks to PostgreSQL past the storage sees no row without naming an
//! organization, and no other one's then; also the owner of the tables.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::collections::BTreeMap;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::Value;
use fieldgate_core::model::sensor::{SensorFilter, SensorUpdate};
use fieldgate_core::model::tag::TagSelector;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    ApiKeyStore as _, ComponentStore as _, Effects, GroupStore as _, OrganizationStore as _,
    ReportStore as _, RetainedTopic, SensorStore as _, ServerProof, SiteStore as _,
    TokenStore as _,
};
use fieldgate_core::testing::fixtures;
use fieldgate_storage_sqlx::PostgresStorage;
use fieldgate_storage_sqlx::testing::TestDatabase;
use sqlx::postgres::{PgConnection, PgQueryResult};
use sqlx::{AssertSqlSafe, Connection as _};

#[tokio::test]
async fn without_an_organization_nothing_is_seen() {
    let database = TestDatabase::fresh().await;
    let mine = furnish(&database).await;
    let mut admin = connect(&database.admin_url()).await;
    let tables = walled_tables(&mut admin).await;
    let all = counts(&mut admin, &tables).await;
    let empty: Vec<_> = all.iter().filter(|(_, count)| **count == 0).collect();
    assert!(
        empty.iter().all(|(table, _)| table.contains("_2")),
        "the test has to fill every table: {empty:?}"
    );

    for url in [database.owner_url(), database.url()] {
        let mut raw = connect(&url).await;
        let tables = readable(&mut raw, &tables).await;
        assert!(tables.len() > 20, "{tables:?}");
        assert_all(&counts(&mut raw, &tables).await, |count| count == 0);
        let other = OrganizationId::new(fixtures::noon(), fixtures::unique());
        name(&mut raw, &other.to_string()).await;
        assert_all(&counts(&mut raw, &tables).await, |count| count == 0);
        name(&mut raw, "").await;
        assert_all(&counts(&mut raw, &tables).await, |count| count == 0);
        name(&mut raw, &mine.to_string()).await;
        for (table, count) in counts(&mut raw, &tables).await {
            assert_eq!(count, all[&table], "{table}");
        }
    }
}

#[tokio::test]
async fn what_a_transaction_has_named_ends_with_it() {
    let database = TestDatabase::fresh().await;
    let mine = furnish(&database).await;
    let mut raw = connect(&database.url()).await;
    let mut tx = raw.begin().await.unwrap();
    let local =
        format!("SET LOCAL fieldgate.organization = '{mine}'; SET LOCAL fieldgate.server = 'on'");
    sqlx::raw_sql(AssertSqlSafe(local))
        .execute(&mut *tx)
        .await
        .unwrap();
    assert!(count(&mut tx, "device").await > 0);
    tx.commit().await.unwrap();
    assert_eq!(count(&mut raw, "device").await, 0);
}

/// In no table, partitions among them, by neither role that may write at all.
#[tokio::test]
async fn nothing_of_another_organization_can_be_written() {
    let database = TestDatabase::fresh().await;
    let theirs = furnish(&database).await;
    let mut admin = connect(&database.admin_url()).await;
    let walled = walled_tables(&mut admin).await;
    let all = counts(&mut admin, &walled).await;
    for (url, least) in [(database.owner_url(), walled.len()), (database.url(), 20)] {
        let mut raw = connect(&url).await;
        let other = OrganizationId::new(fixtures::noon(), fixtures::unique());
        name(&mut raw, &other.to_string()).await;
        let tables = readable(&mut raw, &walled).await;
        assert!(tables.len() >= least, "{tables:?}");
        for table in tables.iter().filter(|table| all[*table] > 0) {
            let whose = owner_column(table);
            let mine = format!("UPDATE {table} SET {whose} = {whose}");
            for statement in [mine, format!("DELETE FROM {table}")] {
                let statement = sqlx::query(AssertSqlSafe(statement));
                let done = statement.execute(&mut raw).await.unwrap();
                assert_eq!(done.rows_affected(), 0, "{table}");
            }
            let planted = plant(&mut admin, &mut raw, table, theirs).await;
            assert_code(planted, "42501");
        }
    }
    assert_eq!(counts(&mut admin, &walled).await, all);
}

/// Tries to store once more a row that an organization has.
async fn plant(
    admin: &mut PgConnection,
    raw: &mut PgConnection,
    table: &str,
    theirs: OrganizationId,
) -> Result<PgQueryResult, sqlx::Error> {
    let whose = owner_column(table);
    let row = format!("SELECT row_to_json(t)::text FROM {table} AS t WHERE {whose} = $1 LIMIT 1");
    let row = sqlx::query_scalar(AssertSqlSafe(row)).bind(theirs.as_uuid());
    let row: String = row.fetch_one(admin).await.unwrap();
    let insert = format!(
        "INSERT INTO {table} OVERRIDING SYSTEM VALUE \
         SELECT * FROM json_populate_record(NULL::{table}, $1::json)"
    );
    let insert = sqlx::query(AssertSqlSafe(insert)).bind(row);
    insert.execute(raw).await
}

/// To move one's own row over is no way either.
#[tokio::test]
async fn nothing_can_be_given_to_another_organization() {
    let database = TestDatabase::fresh().await;
    let mine = furnish(&database).await;
    let mut admin = connect(&database.admin_url()).await;
    let mut raw = connect(&database.url()).await;
    name(&mut raw, &mine.to_string()).await;
    let walled = walled_tables(&mut admin).await;
    let other = OrganizationId::new(fixtures::noon(), fixtures::unique());
    for table in readable(&mut raw, &walled).await {
        let whose = owner_column(&table);
        let give = format!("UPDATE {table} SET {whose} = $1");
        let give = sqlx::query(AssertSqlSafe(give)).bind(other.as_uuid());
        assert_code(give.execute(&mut raw).await, "42501");
    }
}

#[tokio::test]
async fn the_role_of_a_server_cannot_take_the_wall_down() {
    let database = TestDatabase::fresh().await;
    let mut raw = connect(&database.url()).await;
    for statement in [
        "ALTER TABLE device DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_server ON device",
        "CREATE POLICY mine ON device USING (true)",
        "SELECT wall('device', 'id')",
        "SELECT admit('public')",
        "CREATE TABLE mine (id integer)",
        "DELETE FROM _sqlx_migrations",
        "TRUNCATE device",
    ] {
        assert_code(sqlx::query(statement).execute(&mut raw).await, "42501");
    }
}

/// Whoever adds a table has to say whose rows it has.
#[tokio::test]
async fn every_table_with_an_organization_has_the_wall() {
    let database = TestDatabase::fresh().await;
    furnish(&database).await;
    let mut admin = connect(&database.admin_url()).await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'fieldgate'::regnamespace \
         AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(
        open,
        [
            "_sqlx_migrations",
            "compromised_key",
            "issuer",
            "issuer_count",
            "probe",
            "server"
        ]
    );
    let by_columns: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'fieldgate' \
         AND (column_name = 'organization_id' OR (table_name, column_name) = ('organization', 'id')) \
         ORDER BY 1",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(by_columns, walled_tables(&mut admin).await);
    assert!(
        by_columns
            .iter()
            .any(|table| table.starts_with("reading_2")),
        "{by_columns:?}"
    );
}

/// Puts at least one row into every table; returns whose they are.
async fn furnish(database: &TestDatabase) -> OrganizationId {
    let settings = database.url().parse().unwrap();
    let storage = PostgresStorage::open(&settings).await.unwrap();
    let organization = fixtures::organization();
    let id = organization.id;
    let none = &Effects::NONE;
    let (server, limits) = (ServerProof::vouch(), Limits::default());
    storage
        .create_organization(server, &organization, None, none)
        .await
        .unwrap();
    let owner = KeyOwner::Organization(id);
    storage
        .create_api_key(&fixtures::api_key(owner), none)
        .await
        .unwrap();
    let remembered = Effects {
        idempotency: Some(fixtures::request(owner, "once")),
    };
    storage
        .create_site(&fixtures::site(id), &remembered)
        .await
        .unwrap();
    let group = fixtures::group(id, TagSelector::default());
    storage.create_group(&group, none).await.unwrap();
    let mut device = fixtures::device(id, "pump-7");
    device.settings.tags = fixtures::tags(&["north"]);
    let token = fixtures::token(&device);
    storage
        .register_device(&device, &token, none)
        .await
        .unwrap();
    let certificate = fixtures::certificate(&device);
    let at = fixtures::noon();
    storage
        .consume_token(id, token.id, &certificate, &limits, at)
        .await
        .unwrap();
    let mut component = fixtures::component(&device, "manual");
    component.settings.tags = fixtures::tags(&["north"]);
    storage
        .create_component(&component, &limits, none)
        .await
        .unwrap();
    report(&storage, &device).await;
    storage.close().await;
    // As it is while a new selector is being counted.
    let uncounted = "INSERT INTO fieldgate.uncounted_group (organization_id, id, counted_to) \
                     SELECT organization_id, id, id FROM fieldgate.device_group";
    database.execute(uncounted.to_owned()).await;
    id
}

async fn report(storage: &PostgresStorage, device: &Device) {
    let (id, limits, at) = (device.organization_id, Limits::default(), fixtures::noon());
    // In a month, before all months, and where no month is made for.
    let places = [
        ("m/a", at),
        ("m/b", Timestamp::UNIX_EPOCH),
        ("m/c", at),
        ("m/d", Timestamp::MAX),
    ];
    for (key, at) in places {
        let mut batch = fixtures::batch([fixtures::reading(key, at, Value::BigInt(7))]);
        // Nothing is from the future.
        batch.received_at = at;
        let stored = storage.store_readings(id, device.id, &batch, &limits).await;
        assert_eq!(stored.unwrap().stored, 1);
        let health = fixtures::health(device.id, at);
        storage.store_health(id, &health).await.unwrap();
    }
    let (all, page) = (SensorFilter::default(), PageRequest::first(PageLimit::MAX));
    let sensors = storage.sensors(id, &all, page).await.unwrap().items;
    let mut tagged = SensorUpdate::from(sensors[0].settings.clone());
    tagged.tags = fixtures::tags(&["hot"]);
    let updated = storage
        .update_sensor(id, sensors[0].id, None, &tagged)
        .await;
    updated.unwrap();
    storage
        .delete_sensor(id, sensors[1].id, None)
        .await
        .unwrap();
    let item = fixtures::quarantined(device);
    storage.store_quarantined(&item, &limits).await.unwrap();
    let topic = RetainedTopic::Status;
    let retained = storage
        .store_retained(id, device.id, topic, b"on", at)
        .await;
    retained.unwrap();
}

async fn walled_tables(admin: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'fieldgate'::regnamespace \
         AND relkind IN ('r', 'p') AND relrowsecurity ORDER BY 1",
    )
    .fetch_all(admin)
    .await
    .unwrap()
}

/// The column that says whose a row is.
fn owner_column(table: &str) -> &'static str {
    match table {
        "organization" => "id",
        _ => "organization_id",
    }
}

/// Those that the role may read at all: for a server, no partitions.
async fn readable(raw: &mut PgConnection, tables: &[String]) -> Vec<String> {
    sqlx::query_scalar("SELECT t FROM unnest($1) AS t WHERE has_table_privilege(t, 'SELECT')")
        .bind(tables)
        .fetch_all(raw)
        .await
        .unwrap()
}

async fn counts(raw: &mut PgConnection, tables: &[String]) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for table in tables {
        counts.insert(table.clone(), count(raw, table).await);
    }
    counts
}

async fn count(raw: &mut PgConnection, table: &str) -> i64 {
    let statement = format!("SELECT count(*) FROM {table}");
    let count = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(raw);
    count.await.unwrap()
}

fn assert_all(counts: &BTreeMap<String, i64>, right: impl Fn(i64) -> bool) {
    let wrong: Vec<_> = counts.iter().filter(|(_, count)| !right(**count)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[track_caller]
fn assert_code<T: std::fmt::Debug>(result: Result<T, sqlx::Error>, code: &str) {
    let error = result.unwrap_err();
    let found = error.as_database_error().and_then(|error| error.code());
    assert_eq!(found.as_deref(), Some(code), "{error}");
}

async fn name(raw: &mut PgConnection, organization: &str) {
    sqlx::query("SELECT set_config('fieldgate.organization', $1, false)")
        .bind(organization)
        .execute(raw)
        .await
        .unwrap();
}

async fn connect(url: &str) -> PgConnection {
    let mut raw = PgConnection::connect(url).await.unwrap();
    sqlx::query("SET search_path = fieldgate")
        .execute(&mut raw)
        .await
        .unwrap();
    raw
}
