//! Stores of PostgreSQL, as `pg_dump` writes them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use fieldgate_core::storage::Storage;
use fieldgate_core::testing::specimen;
use fieldgate_storage_sqlx::PostgresStorage;
use fieldgate_storage_sqlx::testing::TestDatabase;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::{kept, missing};

#[tokio::test]
async fn a_store_of_each_schema_opens_with_all_that_it_held() {
    let fresh = TestDatabase::fresh().await;
    for (schema, store) in kept("postgres", "sql") {
        let database = TestDatabase::bare().await;
        let sql = fs::read_to_string(store).unwrap();
        execute(&database.owner_url(), sql).await;
        assert_eq!(schema_number(&database).await, schema);

        // As the docs say: the owner brings it up to date, and admits the server's role again.
        open(&database.owner_url()).await.close().await;
        let admit = "SELECT fieldgate.admit('fieldgate_test_app')".to_owned();
        execute(&database.owner_url(), admit).await;
        let storage = open(&database.url()).await;
        specimen::assert_holds(&handle(&storage)).await;
        storage.close().await;

        assert_eq!(structure(&database).await, structure(&fresh).await);
    }
}

#[tokio::test]
async fn a_store_of_the_newest_schema_is_kept() {
    let database = TestDatabase::fresh().await;
    let schema = schema_number(&database).await;
    if let Some(new) = missing("postgres", schema, "sql") {
        let storage = open(&database.url()).await;
        specimen::fill(&handle(&storage)).await;
        storage.close().await;
        dump(&database, &new);
    }
}

/// Writes all that is in a database as statements that every version of PostgreSQL takes which this
/// storage does, and not `psql` alone. What the owner owns belongs to whoever runs them.
fn dump(database: &TestDatabase, path: &Path) {
    let dumped = Command::new("pg_dump")
        .args(["--schema=fieldgate", "--no-owner", "--inserts"])
        .args(["--rows-per-insert=1000", "--dbname"])
        .arg(database.admin_url())
        .output()
        .expect("pg_dump is in the PATH");
    let complaints = String::from_utf8_lossy(&dumped.stderr);
    assert!(dumped.status.success(), "pg_dump: {complaints}");
    let dumped = String::from_utf8(dumped.stdout).unwrap();
    let of_newer_ones = ["\\restrict ", "\\unrestrict ", "SET transaction_timeout "];
    let lines = dumped.split_inclusive('\n');
    let lines = lines.filter(|line| !of_newer_ones.iter().any(|other| line.starts_with(other)));
    // Without quotes it is an integer, and loses its sign.
    let exact = lines.collect::<String>().replace(", -0,", ", '-0',");
    fs::write(path, exact).unwrap();
}

fn handle(storage: &PostgresStorage) -> Arc<dyn Storage> {
    Arc::new(storage.clone())
}

async fn open(url: &str) -> PostgresStorage {
    let settings = url.parse().unwrap();
    PostgresStorage::open(&settings).await.unwrap()
}

async fn schema_number(database: &TestDatabase) -> i64 {
    let mut admin = connect(&database.admin_url()).await;
    let newest = sqlx::query_scalar("SELECT max(version) FROM fieldgate._sqlx_migrations")
        .fetch_one(&mut admin)
        .await;
    newest.unwrap()
}

/// All that there is but the rows and the partitions of months: each column, index, constraint,
/// policy, trigger and function, and who has a right to what.
async fn structure(database: &TestDatabase) -> Vec<String> {
    let mut admin = connect(&database.admin_url()).await;
    let all = sqlx::query_scalar(STRUCTURE).fetch_all(&mut admin).await;
    all.unwrap()
}

async fn execute(url: &str, statements: String) {
    let mut connection = connect(url).await;
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection);
    done.await.unwrap();
    connection.close().await.unwrap();
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

const STRUCTURE: &str = "
    WITH tables AS (
        SELECT oid, relname, relkind, relrowsecurity, relforcerowsecurity, reloptions,
            array(SELECT unnest(relacl)::text ORDER BY 1) AS rights,
            pg_get_partkeydef(oid) AS parts
        FROM pg_class
        WHERE relnamespace = 'fieldgate'::regnamespace AND relkind IN ('r', 'p', 'S', 'v')
            AND NOT relispartition
    )
    SELECT concat_ws(' ', 'table', relname, relkind, relrowsecurity, relforcerowsecurity,
        reloptions, parts, rights) AS line FROM tables
    UNION ALL
    SELECT concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull,
        attidentity, attgenerated, attcollation::regcollation,
        (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
            WHERE adrelid = attrelid AND adnum = attnum))
    FROM tables JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid))
    FROM tables JOIN pg_index ON indrelid = oid
    UNION ALL
    SELECT concat_ws(' ', 'constraint', relname, conname, pg_get_constraintdef(c.oid))
    FROM tables JOIN pg_constraint AS c ON conrelid = tables.oid
    UNION ALL
    SELECT concat_ws(' ', 'policy', relname, polname, polcmd, polpermissive, polroles,
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM tables JOIN pg_policy ON polrelid = tables.oid
    UNION ALL
    SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid, true))
    FROM tables JOIN pg_trigger AS t ON tgrelid = tables.oid AND NOT tgisinternal
    UNION ALL
    SELECT concat_ws(' ', 'function', pg_get_functiondef(oid),
        array(SELECT unnest(proacl)::text ORDER BY 1))
    FROM pg_proc WHERE pronamespace = 'fieldgate'::regnamespace
    ORDER BY 1";
