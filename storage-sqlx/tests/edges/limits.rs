//! How long a call waits, and how often it tries.

use std::time::Instant;

use fieldgate_core::model::device::DeviceUpdate;
use fieldgate_core::storage::{DeviceStore as _, Effects, SiteStore as _, StorageError};
use fieldgate_core::testing::fixtures;
use fieldgate_storage_sqlx::testing::TestDatabase;
use fieldgate_storage_sqlx::{PostgresOpenError, PostgresStorage};
use sqlx::Connection as _;

use crate::{assert_outage, connect, execute, new_device, open, waiting};

#[tokio::test]
async fn a_call_that_gets_no_connection_in_time_is_an_outage() {
    let database = TestDatabase::fresh().await;
    let url = format!("{}&max_connections=2&acquire_timeout=1", database.url());
    let storage = open(&url).await.unwrap();
    let device = new_device(&storage).await;
    let mut admin = connect(&database.admin_url()).await;
    let mut tx = admin.begin().await.unwrap();
    let lock = "LOCK TABLE fieldgate.device IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut *tx).await.unwrap();
    let holding: Vec<_> = (0..2)
        .map(|_| {
            let storage = storage.clone();
            let update = DeviceUpdate {
                settings: device.settings.clone(),
                status: None,
            };
            tokio::spawn(async move {
                let (organization, id) = (device.organization_id, device.id);
                let now = fixtures::noon();
                storage
                    .update_device(organization, id, None, &update, now)
                    .await
            })
        })
        .collect();
    waiting(&database, 2).await;

    let begun = Instant::now();
    assert_outage(&storage.device(device.organization_id, device.id).await);
    assert_outage(
        &storage
            .create_site(&fixtures::site(device.organization_id), &Effects::NONE)
            .await,
    );
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());

    tx.rollback().await.unwrap();
    for call in holding {
        call.await.unwrap().unwrap();
    }
    let found = storage.device(device.organization_id, device.id).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn a_statement_that_hangs_is_cut_off_and_an_outage() {
    let (database, storage) = with_trigger("PERFORM pg_sleep(600);", "&statement_timeout=1").await;
    let device = new_device(&storage).await;
    let site = fixtures::site(device.organization_id);

    let begun = Instant::now();
    assert_outage(&storage.create_site(&site, &Effects::NONE).await);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());

    let mut admin = connect(&database.admin_url()).await;
    execute(
        &mut admin,
        "DROP TRIGGER fails ON fieldgate.site".to_owned(),
    )
    .await;
    storage.create_site(&site, &Effects::NONE).await.unwrap();
}

#[tokio::test]
async fn what_is_undone_for_anothers_sake_is_tried_again() {
    let fail = "IF nextval('fieldgate.attempt') < 4 THEN RAISE SQLSTATE '40001'; END IF;";
    let (database, storage) = with_trigger(fail, "").await;
    let device = new_device(&storage).await;
    let site = fixtures::site(device.organization_id);

    storage.create_site(&site, &Effects::NONE).await.unwrap();

    assert_eq!(attempts(&database).await, 4);
    let found = storage.site(device.organization_id, site.id).await;
    assert_eq!(found.unwrap(), Some(site));
}

#[tokio::test]
async fn what_is_undone_again_and_again_is_an_outage() {
    for code in ["40001", "40P01"] {
        let fail = format!("PERFORM nextval('fieldgate.attempt'); RAISE SQLSTATE '{code}';");
        let (database, storage) = with_trigger(&fail, "").await;
        let device = new_device(&storage).await;
        let site = fixtures::site(device.organization_id);

        assert_outage(&storage.create_site(&site, &Effects::NONE).await);

        assert_eq!(attempts(&database).await, 6);
        let found = storage.site(device.organization_id, site.id).await;
        assert_eq!(found.unwrap(), None);
    }
}

/// What the database finds wrong with a statement does not become right by doing it again.
#[tokio::test]
async fn what_fails_for_another_reason_is_no_outage() {
    let fail = "PERFORM nextval('fieldgate.attempt'); RAISE 'broken';";
    let (database, storage) = with_trigger(fail, "").await;
    let device = new_device(&storage).await;
    let site = fixtures::site(device.organization_id);

    let failed = storage.create_site(&site, &Effects::NONE).await;

    assert!(
        matches!(failed, Err(StorageError::Backend { .. })),
        "{failed:?}"
    );
    assert_eq!(attempts(&database).await, 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://me:hush@127.0.0.1:{port}/plant?connect_timeout=1");

    let begun = Instant::now();
    let refused = open(&url).await.unwrap_err();

    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
    let is_unreachable = matches!(refused, PostgresOpenError::Unreachable { .. });
    assert!(is_unreachable, "{refused:?}");
}

/// A storage, and a database in which each new site runs some statements first. A sequence counts
/// what they say, whether the transaction is undone or not.
async fn with_trigger(statements: &str, parameters: &str) -> (TestDatabase, PostgresStorage) {
    let database = TestDatabase::fresh().await;
    let mut admin = connect(&database.admin_url()).await;
    let create = format!(
        "CREATE SEQUENCE fieldgate.attempt; \
         CREATE FUNCTION fieldgate.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
         AS $$ BEGIN {statements} RETURN NEW; END $$; \
         CREATE TRIGGER fails BEFORE INSERT ON fieldgate.site FOR EACH ROW \
         EXECUTE FUNCTION fieldgate.fail()"
    );
    execute(&mut admin, create).await;
    let url = format!("{}{parameters}", database.url());
    (database, open(&url).await.unwrap())
}

async fn attempts(database: &TestDatabase) -> i64 {
    let mut admin = connect(&database.admin_url()).await;
    let last = sqlx::query_scalar("SELECT last_value FROM fieldgate.attempt");
    last.fetch_one(&mut admin).await.unwrap()
}
