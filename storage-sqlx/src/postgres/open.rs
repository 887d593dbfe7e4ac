//! Opens a database: connects, checks who and what is there, brings its schema up to date.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::model::timestamp::Timestamp;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use crate::postgres::guard::{Backend, Epoch, Guard};
use crate::postgres::migration::migrate;
use crate::postgres::month::Months;
use crate::postgres::{PostgresOpenError, PostgresSettings, PostgresStorage, guard};

pub(super) async fn open(
    settings: &PostgresSettings,
) -> Result<PostgresStorage, PostgresOpenError> {
    let mut connection = connect(settings).await?;
    check_version(&connection)?;
    check_role(&mut connection, &settings.role()).await?;
    check_settings(&mut connection).await?;
    // Nothing is changed, not even the schema, that another server works with.
    let backend = keep_others_away(settings, &mut connection).await?;
    migrate(&mut connection, &settings.role()).await?;
    check_rights(&mut connection, &settings.role()).await?;
    let synchronous_commit = synchronous_commit(&mut connection).await?;
    let epoch = Arc::new(Epoch::begin(&mut connection).await.map_err(failed)?);
    end_others(settings, &mut connection).await?;
    let now = now(&mut connection).await?;
    let options = settings.options();
    let options = options.options([("synchronous_commit", synchronous_commit)]);
    let (guards, connected) = (settings.guard_options(), Arc::clone(&epoch));
    let guard = Guard::keep(guards, connection, backend, epoch);
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .after_connect(move |connection, _| {
            let epoch = Arc::clone(&connected);
            Box::pin(async move { epoch.look(connection).await })
        })
        // Each is tried when it comes back to the pool. To try it again before each call would take
        // as long as the call.
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move {
                if known.idle_for >= TRIED_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    let storage = PostgresStorage {
        pool,
        guard: Arc::new(guard),
        call_timeout: settings.call_timeout(),
        months: Arc::new(Months::default()),
        sweep: Arc::default(),
    };
    storage.make_months_ahead(now).await;
    Ok(storage)
}

async fn keep_others_away(
    settings: &PostgresSettings,
    connection: &mut PgConnection,
) -> Result<Backend, PostgresOpenError> {
    let taken = guard::take(connection).await;
    taken.map_err(|error| {
        let code = error.as_database_error().and_then(|error| error.code());
        if code.is_some_and(|code| code == "55P03") {
            return already_open(settings);
        }
        failed(error)
    })
}

/// Needs the lock, and the next epoch.
async fn end_others(
    settings: &PostgresSettings,
    connection: &mut PgConnection,
) -> Result<(), PostgresOpenError> {
    if guard::end_others(connection).await.map_err(failed)? {
        return Ok(());
    }
    Err(already_open(settings))
}

fn already_open(settings: &PostgresSettings) -> PostgresOpenError {
    PostgresOpenError::AlreadyOpen {
        database: settings.database(),
    }
}

async fn connect(settings: &PostgresSettings) -> Result<PgConnection, PostgresOpenError> {
    let unreachable = |source| PostgresOpenError::Unreachable {
        server: settings.server(),
        source,
    };
    if !settings.proves_the_server() {
        tracing::warn!(
            server = settings.server(),
            "nothing proves that the database server is the one that is meant: set \
             sslmode=verify-full, and sslrootcert where its CA is not one that the system trusts"
        );
    }
    let options = settings.guard_options();
    let connected = timeout(settings.connect_timeout, options.connect()).await;
    let connected = connected.map_err(|late| unreachable(Box::new(late)))?;
    connected.map_err(|error| {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some("28000" | "28P01") => PostgresOpenError::SignIn {
                server: settings.server(),
                role: settings.role(),
                source: Box::new(error),
            },
            Some("3D000") => PostgresOpenError::DatabaseMissing {
                database: settings.database(),
                server: settings.server(),
            },
            _ if is_of_tls(&error) => PostgresOpenError::Tls {
                server: settings.server(),
                source: Box::new(error),
            },
            _ => unreachable(Box::new(error)),
        }
    })
}

/// By what it says of itself as it lets one in.
fn check_version(connection: &PgConnection) -> Result<(), PostgresOpenError> {
    let number = connection.server_version_num().unwrap_or(0);
    if number >= OLDEST {
        return Ok(());
    }
    let found = (number / 10_000).to_string();
    Err(PostgresOpenError::TooOld { found })
}

/// Whether the two sides do not agree on TLS, or the server has not proved who it is.
fn is_of_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        // What TLS finds wrong is handed on as this.
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Refuses a role that row-level security does not hold for.
async fn check_role(connection: &mut PgConnection, role: &str) -> Result<(), PostgresOpenError> {
    let mighty: bool = sqlx::query_scalar(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    if mighty {
        let role = role.to_owned();
        return Err(PostgresOpenError::RoleTooMighty { role });
    }
    Ok(())
}

/// Refuses a server that may lose what it has confirmed.
async fn check_settings(connection: &mut PgConnection) -> Result<(), PostgresOpenError> {
    for (statement, name, needed) in [
        ("SHOW fsync", "fsync", "on"),
        ("SHOW server_encoding", "server_encoding", "UTF8"),
    ] {
        let value = show(connection, statement).await?;
        if value != needed {
            let setting = format!("{name} = {value}");
            return Err(PostgresOpenError::Setting { setting, needed });
        }
    }
    if show(connection, "SHOW data_checksums").await? != "on" {
        tracing::warn!(
            "data_checksums is off: an octet that changes on the disk may go unnoticed; \
             `pg_checksums --enable` switches them on"
        );
    }
    // On a file system that never tears a page, it may be off.
    if show(connection, "SHOW full_page_writes").await? != "on" {
        tracing::warn!(
            "full_page_writes is off: the database is safe only on a file system that writes \
             whole pages or none"
        );
    }
    Ok(())
}

async fn check_rights(connection: &mut PgConnection, role: &str) -> Result<(), PostgresOpenError> {
    // A list of privileges would ask for any of them.
    let admitted: bool = sqlx::query_scalar(
        "SELECT has_schema_privilege(to_regnamespace('fieldgate'), 'USAGE') \
         AND coalesce((SELECT bool_and(has_table_privilege(oid, privilege)) FROM pg_class \
         CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege \
         WHERE relnamespace = to_regnamespace('fieldgate') AND relkind IN ('r', 'p') \
         AND NOT relispartition AND relname <> '_sqlx_migrations'), false) \
         AND coalesce((SELECT bool_and(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc \
         WHERE pronamespace = to_regnamespace('fieldgate') \
         AND proname IN ('add_month', 'drop_month')), false)",
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    if !admitted {
        let role = role.to_owned();
        return Err(PostgresOpenError::NotAdmitted { role });
    }
    Ok(())
}

/// What `synchronous_commit` has to be: as it is, which may be more than `on`, but not off.
async fn synchronous_commit(connection: &mut PgConnection) -> Result<String, PostgresOpenError> {
    let value = show(connection, "SHOW synchronous_commit").await?;
    if value != "off" {
        return Ok(value);
    }
    sqlx::query("SET synchronous_commit = on")
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok("on".to_owned())
}

/// The time by the database's clock.
async fn now(connection: &mut PgConnection) -> Result<Timestamp, PostgresOpenError> {
    let millis: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000)::bigint")
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Timestamp::from_unix_millis(millis).map_err(|error| PostgresOpenError::Database(error.into()))
}

async fn show(
    connection: &mut PgConnection,
    statement: &'static str,
) -> Result<String, PostgresOpenError> {
    sqlx::query_scalar(statement)
        .fetch_one(connection)
        .await
        .map_err(failed)
}

fn failed(error: sqlx::Error) -> PostgresOpenError {
    PostgresOpenError::Database(Box::new(error))
}

/// A connection that has lain idle for longer may have been lost since, and is tried before it is
/// used.
const TRIED_AFTER: Duration = Duration::from_secs(1);

/// Version 15: NULLS NOT DISTINCT, and no rights for everyone in the schema `public`.
const OLDEST: u32 = 150_000;
