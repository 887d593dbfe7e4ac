//! Brings the schema up to date: each migration that is missing, in a transaction of its own.

use std::borrow::Cow;

use sqlx::SqlStr;
use sqlx::migrate::{AppliedMigration, Migrate as _, MigrateError, Migration, MigrationType};
use sqlx::postgres::PgConnection;

use crate::postgres::PostgresOpenError;

/// Applies what is missing. Of several servers that start at the same time, one does.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    role: &str,
) -> Result<(), PostgresOpenError> {
    if is_current(connection, role).await? {
        return Ok(());
    }
    connection.lock().await.map_err(failed)?;
    let applied = apply_to_all_rows(connection, role, &MIGRATIONS).await;
    connection.unlock().await.map_err(failed)?;
    applied
}

/// A migration may go by the rows that are there, which the owner of the tables does not see by
/// itself either, and it takes as long as they are many.
async fn apply_to_all_rows(
    connection: &mut PgConnection,
    role: &str,
    migrations: &[Described],
) -> Result<(), PostgresOpenError> {
    let database = |error: sqlx::Error| PostgresOpenError::Database(Box::new(error));
    sqlx::raw_sql("SET fieldgate.server = 'on'; SET statement_timeout = 0")
        .execute(&mut *connection)
        .await
        .map_err(database)?;
    let applied = apply(connection, role, migrations).await;
    sqlx::raw_sql("RESET fieldgate.server; RESET statement_timeout")
        .execute(connection)
        .await
        .map_err(database)?;
    applied
}

async fn apply(
    connection: &mut PgConnection,
    role: &str,
    migrations: &[Described],
) -> Result<(), PostgresOpenError> {
    let refused = |error: sqlx::Error| {
        if is_forbidden(&error) {
            return PostgresOpenError::NotMigrated {
                role: role.to_owned(),
            };
        }
        PostgresOpenError::Database(Box::new(error))
    };
    let created = sqlx::query("CREATE SCHEMA IF NOT EXISTS fieldgate")
        .execute(&mut *connection)
        .await;
    created.map_err(refused)?;
    let prepared = connection.ensure_migrations_table(TABLE).await;
    prepared.map_err(|error| match error {
        MigrateError::Execute(error) => refused(error),
        error => failed(error),
    })?;
    let applied = connection.list_applied_migrations(TABLE).await;
    let applied = applied.map_err(failed)?;
    for &(version, name, sql) in migrations {
        if !applied.iter().any(|applied| applied.version == version) {
            let migration = migration(version, name, sql);
            let done = connection.apply(TABLE, &migration).await;
            done.map_err(|error| match error {
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                    refused(error)
                }
                error => failed(error),
            })?;
        }
    }
    Ok(())
}

/// Whether nothing is missing. Refuses a schema that this version does not know.
async fn is_current(connection: &mut PgConnection, role: &str) -> Result<bool, PostgresOpenError> {
    let database = |error: sqlx::Error| PostgresOpenError::Database(Box::new(error));
    let readable: Option<bool> = sqlx::query_scalar(
        "SELECT has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(oid, 'SELECT') \
         FROM pg_class WHERE relname = $1 AND relnamespace = to_regnamespace('fieldgate')",
    )
    .bind(TABLE)
    .fetch_optional(&mut *connection)
    .await
    .map_err(database)?;
    match readable {
        None => return Ok(false),
        Some(true) => {}
        Some(false) => {
            return Err(PostgresOpenError::NotAdmitted {
                role: role.to_owned(),
            });
        }
    }
    let applied = connection.list_applied_migrations(TABLE).await;
    let applied = applied.map_err(failed)?;
    check_known(&applied)?;
    Ok(applied.len() == MIGRATIONS.len())
}

fn check_known(applied: &[AppliedMigration]) -> Result<(), PostgresOpenError> {
    let known = MIGRATIONS.iter().map(|(version, ..)| *version).max();
    let known = known.unwrap_or(0);
    for applied in applied {
        let found = applied.version;
        let same = MIGRATIONS.iter().find(|(version, ..)| *version == found);
        let Some(&(version, name, sql)) = same else {
            return Err(PostgresOpenError::NewerSchema { found, known });
        };
        if migration(version, name, sql).checksum != applied.checksum {
            return Err(failed(MigrateError::VersionMismatch(version)));
        }
    }
    Ok(())
}

fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    let (name, sql) = (Cow::Borrowed(name), SqlStr::from_static(sql));
    Migration::new(version, name, MigrationType::Simple, sql, false)
}

/// Whether the role lacks a right, or what it has a right to is not visible to it.
fn is_forbidden(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "42501")
}

fn failed(error: MigrateError) -> PostgresOpenError {
    PostgresOpenError::Database(Box::new(error))
}

/// Where the applied migrations are noted.
const TABLE: &str = "_sqlx_migrations";

/// A migration: its version, its name and its statements.
pub(crate) type Described = (i64, &'static str, &'static str);

pub(crate) const MIGRATIONS: [Described; 3] = [
    (
        1,
        "initial",
        include_str!("../../migrations/postgres/0001_initial.sql"),
    ),
    (
        2,
        "counts",
        include_str!("../../migrations/postgres/0002_counts.sql"),
    ),
    (
        4,
        "operation",
        include_str!("../../migrations/postgres/0004_operation.sql"),
    ),
];

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests {
    use fieldgate_core::storage::{Effects, OrganizationStore as _, ServerProof};
    use fieldgate_core::testing::fixtures::organization;
    use sqlx::Connection as _;
    use sqlx::postgres::PgConnection;

    use super::apply_to_all_rows;
    use crate::PostgresStorage;
    use crate::testing::TestDatabase;

    #[tokio::test]
    async fn a_migration_sees_the_rows_of_all() {
        let database = TestDatabase::fresh().await;
        let settings = database.url().parse().unwrap();
        let storage = PostgresStorage::open(&settings).await.unwrap();
        for _ in 0..2 {
            let (server, none) = (ServerProof::vouch(), Effects::NONE);
            let organization = organization();
            let created = storage.create_organization(server, &organization, None, &none);
            created.await.unwrap();
        }
        storage.close().await;
        let mut owner = PgConnection::connect(&database.owner_url()).await.unwrap();
        let counting = "CREATE TABLE fieldgate.counted AS \
                        SELECT count(*) AS organizations FROM fieldgate.organization";

        let counting = [(99, "counting", counting)];
        apply_to_all_rows(&mut owner, "", &counting).await.unwrap();

        let counted = sqlx::query_scalar("SELECT organizations FROM fieldgate.counted");
        let counted: i64 = counted.fetch_one(&mut owner).await.unwrap();
        assert_eq!(counted, 2);
        // Afterwards the wall is there again.
        let seen = sqlx::query_scalar("SELECT count(*) FROM fieldgate.organization");
        let seen: i64 = seen.fetch_one(&mut owner).await.unwrap();
        assert_eq!(seen, 0);
    }
}
