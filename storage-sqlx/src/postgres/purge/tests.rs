//! What a purge and a deletion hold, and in which order.

use std::time::Duration;

use fieldgate_core::model::certificate::IssuerKeyId;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    DeviceStore as _, Effects, MaintenanceStore as _, OrganizationStore as _, PurgePolicy,
    ReportStore as _, ServerProof, TokenStore as _,
};
use fieldgate_core::testing::fixtures::{
    batch, certificate, device, noon, organization, reading, token,
};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::PostgresStorage;
use crate::testing::TestDatabase;

/// While it waits for a device, nobody waits for the tokens that it has noted as expired.
#[tokio::test]
async fn a_purge_holds_one_thing_at_a_time() {
    let (database, storage, device) = furnished().await;
    let token = token(&device);
    storage.create_token(&token, &Effects::NONE).await.unwrap();
    let batch = batch([reading("m/n", noon(), Value::BigInt(1))]);
    let limits = Limits::default();
    let stored = storage.store_readings(device.organization_id, device.id, &batch, &limits);
    stored.await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let mut holding = PgConnection::connect(&database.admin_url()).await.unwrap();
    execute(
        &mut holding,
        "BEGIN; SELECT 1 FROM fieldgate.device FOR UPDATE",
    )
    .await;
    let now = token.expires_at.plus(Duration::from_secs(60));
    let policy = PurgePolicy {
        now,
        readings_before: Some(now),
        health_before: None,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    };
    let purging = tokio::spawn({
        let storage = storage.clone();
        async move { storage.purge(ServerProof::vouch(), &policy, 100).await }
    });
    waiting(&mut admin).await;

    execute(
        &mut admin,
        "SELECT 1 FROM fieldgate.token FOR UPDATE NOWAIT",
    )
    .await;

    execute(&mut holding, "COMMIT").await;
    purging.await.unwrap().unwrap();
}

/// As whoever counts the revocations of several issuers does.
#[tokio::test]
async fn a_deletion_counts_revocations_in_the_order_of_the_issuers() {
    let (database, storage, device) = furnished().await;
    let limits = Limits::default();
    // The later one first.
    for issuer in [2, 1] {
        let token = token(&device);
        storage.create_token(&token, &Effects::NONE).await.unwrap();
        let mut certificate = certificate(&device);
        certificate.issuer_key_id = IssuerKeyId::from_bytes([issuer; 20]);
        let redeemed = storage.consume_token(
            device.organization_id,
            token.id,
            &certificate,
            &limits,
            noon(),
        );
        redeemed.await.unwrap();
    }
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let mut holding = PgConnection::connect(&database.admin_url()).await.unwrap();
    let counts = "INSERT INTO fieldgate.issuer_count (key_id, revocations, crl_number) \
                  SELECT DISTINCT issuer_key_id, 0, 0 FROM fieldgate.certificate";
    execute(&mut admin, counts).await;
    let first = "BEGIN; SELECT 1 FROM fieldgate.issuer_count WHERE key_id = \
                 (SELECT key_id FROM fieldgate.issuer_count ORDER BY 1 LIMIT 1) FOR UPDATE";
    execute(&mut holding, first).await;
    let deleting = tokio::spawn({
        let (storage, device) = (storage.clone(), device.clone());
        async move {
            let (organization, id) = (device.organization_id, device.id);
            storage.delete_device(organization, id, None, noon()).await
        }
    });
    waiting(&mut admin).await;

    let last = "SELECT 1 FROM fieldgate.issuer_count WHERE key_id = \
                (SELECT key_id FROM fieldgate.issuer_count ORDER BY 1 DESC LIMIT 1) FOR UPDATE NOWAIT";
    execute(&mut admin, last).await;

    execute(&mut holding, "COMMIT").await;
    deleting.await.unwrap().unwrap();
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

/// Waits until somebody waits for a lock.
async fn waiting(admin: &mut PgConnection) {
    let waiting = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity \
                   WHERE wait_event_type = 'Lock' AND datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waiting)
        .fetch_one(&mut *admin)
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
}

async fn execute(connection: &mut PgConnection, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    let done = sqlx::raw_sql(statement).execute(connection);
    done.await.unwrap();
}
