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
    let applied = apply(connection, role).await;
    connection.unlock().await.map_err(failed)?;
    applied
}

async fn apply(connection: &mut PgConnection, role: &str) -> Result<(), PostgresOpenError> {
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
    for (version, name, sql) in MIGRATIONS {
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

const MIGRATIONS: [(i64, &str, &str); 1] = [(
    1,
    "initial",
    include_str!("../../migrations/postgres/0001_initial.sql"),
)];
