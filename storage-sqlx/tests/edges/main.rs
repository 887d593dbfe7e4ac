//! The edges of PostgreSQL: how a server may be set up, who it proves to be, what it keeps waiting,
//! and where its partitions end.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

mod guard;
mod limits;
mod months;
mod relay;
mod server;
mod tls;

use fieldgate_core::model::device::Device;
use fieldgate_core::storage::{
    DeviceStore as _, Effects, OrganizationStore as _, ServerProof, StorageError,
};
use fieldgate_core::testing::fixtures;
use fieldgate_storage_sqlx::testing::TestDatabase;
use fieldgate_storage_sqlx::{PostgresOpenError, PostgresStorage};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

async fn open(url: &str) -> Result<PostgresStorage, PostgresOpenError> {
    PostgresStorage::open(&url.parse()?).await
}

async fn new_device(storage: &PostgresStorage) -> Device {
    let organization = fixtures::organization();
    let created =
        storage.create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE);
    created.await.unwrap();
    let device = fixtures::device(organization.id, "pump-7");
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    device
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn execute(connection: &mut PgConnection, statements: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection);
    done.await.unwrap();
}

/// Waits until so many transactions wait for a lock.
async fn waiting(database: &TestDatabase, count: i64) {
    let mut admin = connect(&database.admin_url()).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                   AND datname = current_database()";
    loop {
        let found = sqlx::query_scalar(waiting).fetch_one(&mut admin).await;
        let found: i64 = found.unwrap();
        if found >= count {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[track_caller]
fn assert_outage<T: std::fmt::Debug>(result: &Result<T, StorageError>) {
    let is_outage = matches!(result, Err(StorageError::Unavailable { .. }));
    assert!(is_outage, "{result:?}");
}
