//! Opens a database file: creates it, locks it, sets it up, brings its schema up to date.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqlStr};

use crate::error::OpenError;
use crate::sqlite::SqliteStorage;
use crate::sqlite::seal::Seals;
use crate::sqlite::unsealed;
use crate::sqlite::writer::Writer;

/// Keeps every other server away from a database file, until it is dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

pub(super) async fn open(path: &Path) -> Result<SqliteStorage, OpenError> {
    let path = canonical(path)?;
    let lock = lock(&path)?;
    create(&path).map_err(|source| OpenError::Io {
        path: path.clone(),
        source,
    })?;
    let database = |source: sqlx::Error| OpenError::Database {
        path: path.clone(),
        source: Box::new(source),
    };
    check_owner(&path).await?;
    let writing = writer_options(&path);
    let mut connection = writing.connect().await.map_err(database)?;
    check_settings(&mut connection, &path).await?;
    migrate(&mut connection, &path).await?;
    let seals = Seals::new(&writing);
    seals.watch(&mut connection).await.map_err(database)?;
    let readers = readers(&path).await.map_err(database)?;
    Ok(SqliteStorage::new(
        Writer::spawn(connection, writing, seals, lock),
        readers,
    ))
}

/// The path from the root, as SQLite would take one that begins with `file:` for a URI; without
/// symbolic links, so that all names of a file have one lock.
fn canonical(path: &Path) -> Result<PathBuf, OpenError> {
    let failed = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found.map_err(failed),
    }
    // A link to nothing would have a lock of its own, beside the link.
    if path.is_symlink() {
        return Err(OpenError::DanglingLink {
            path: path.to_owned(),
        });
    }
    let name = path.file_name();
    let name = name.ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(parent.canonicalize().map_err(failed)?.join(name))
}

fn lock(path: &Path) -> Result<FileLock, OpenError> {
    let lock_path = beside(path, ".lock");
    let failed = |source| OpenError::Io {
        path: lock_path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY)
        .open(&lock_path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(FileLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::AlreadyOpen {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates the file where it is missing, and sees that it can be written. SQLite gives the files beside it the same mode.
fn create(path: &Path) -> io::Result<()> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path);
    match created {
        Ok(file) => file.sync_all()?,
        // SQLite would open a file that it cannot write for reading only, and say so at the first
        // change.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return OpenOptions::new().write(true).open(path).map(drop);
        }
        Err(error) => return Err(error),
    }
    // The name of a file lies in its directory, which has to reach the disk too.
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn writer_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // Only macOS knows a difference: there fsync alone does not reach the disk.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .pragma("cache_size", "-16384")
        .pragma("journal_size_limit", "67108864")
        // In pages. The same pages change again and again: with a longer log, each is copied back
        // less often.
        .pragma("wal_autocheckpoint", "4000")
        .statement_cache_capacity(256)
        .thread_name(|_| "sqlite-writer".to_owned())
        .disable_statement_logging()
}

async fn readers(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", "-8192")
        .statement_cache_capacity(256)
        .thread_name(|number| format!("sqlite-reader-{number}"))
        .disable_statement_logging();
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(READER_TIMEOUT)
        .connect_with(options)
        .await
}

/// Refuses a database of something else, by a connection that does not change it. What an
/// interrupted transaction has left half done is undone by any look at a database.
async fn check_owner(path: &Path) -> Result<(), OpenError> {
    let database = |source: sqlx::Error| OpenError::Database {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let is_there = |suffix| {
        let path = beside(path, suffix);
        let there = path.try_exists();
        there.map_err(|source| OpenError::Io { path, source })
    };
    let logged = is_there("-wal")?;
    // As in a first start that the loss of power has ended: before there is a log.
    let interrupted = is_there("-journal")?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(!interrupted)
        // Without a log the file is all there is, and nothing is put beside it to read it.
        .immutable(!logged && !interrupted)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(database)?;
    let application = application_id(&mut connection).await;
    let ours = is_ours(&mut connection).await;
    connection.close().await.map_err(database)?;
    let path = path.to_owned();
    if application.map_err(&database)? == BACKUP_ID {
        return Err(OpenError::Backup { path });
    }
    if ours.map_err(database)? {
        return Ok(());
    }
    Err(OpenError::NotFieldgate { path })
}

/// What says whose a database is.
pub(super) async fn application_id(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(connection)
        .await
}

async fn is_ours(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let application = application_id(connection).await?;
    let foreign: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_sqlx\\_%' ESCAPE '\\'",
    )
    .fetch_one(connection)
    .await?;
    // An interrupted first start may have left an empty database behind.
    let fresh = application == 0 && foreign == 0;
    Ok(fresh || application == APPLICATION_ID)
}

async fn check_settings(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let refused = |setting| OpenError::Setting {
        path: path.to_owned(),
        setting,
    };
    let journal_mode: Result<String, _> = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await;
    if !journal_mode.is_ok_and(|mode| mode == "wal") {
        return Err(refused("journal_mode=WAL"));
    }
    let synchronous: Result<i64, _> = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(connection)
        .await;
    if !synchronous.is_ok_and(|level| level == 2) {
        return Err(refused("synchronous=FULL"));
    }
    Ok(())
}

/// Brings the schema up to date: each migration that is missing, in a transaction of its own.
async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let database = |source: MigrateError| OpenError::Database {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let prepared = connection.ensure_migrations_table(TABLE).await;
    prepared.map_err(database)?;
    let applied = connection.list_applied_migrations(TABLE).await;
    let applied = applied.map_err(database)?;
    let known = MIGRATIONS.iter().map(|(version, ..)| *version).max();
    let known = known.unwrap_or(0);
    if let Some(newer) = applied.iter().find(|applied| applied.version > known) {
        return Err(OpenError::NewerSchema {
            path: path.to_owned(),
            found: newer.version,
            known,
        });
    }
    for (version, name, sql) in MIGRATIONS {
        let (name, sql) = (Cow::Borrowed(name), SqlStr::from_static(sql));
        let migration = Migration::new(version, name, MigrationType::Simple, sql, false);
        match applied.iter().find(|applied| applied.version == version) {
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(database(MigrateError::VersionMismatch(version))),
            None => {
                let done = connection.apply(TABLE, &migration).await;
                done.map_err(database)?;
            }
        }
    }
    unsealed::seal(connection)
        .await
        .map_err(|source| OpenError::Database {
            path: path.to_owned(),
            source: Box::new(source),
        })
}

/// Where the applied migrations are noted.
const TABLE: &str = "_sqlx_migrations";

pub(super) const MIGRATIONS: [(i64, &str, &str); 3] = [
    (
        1,
        "initial",
        include_str!("../../migrations/sqlite/0001_initial.sql"),
    ),
    (
        2,
        "counts",
        include_str!("../../migrations/sqlite/0002_counts.sql"),
    ),
    (
        3,
        "checksums",
        include_str!("../../migrations/sqlite/0003_checksums.sql"),
    ),
];

/// As the first migration sets it.
const APPLICATION_ID: i64 = 0x4647_7431;

/// "FGtB": a backup, which is no storage to work on.
pub(super) const BACKUP_ID: i64 = 0x4647_7442;

const OWNER_ONLY: u32 = 0o600;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call waits for a reader.
const READER_TIMEOUT: Duration = Duration::from_secs(10);

const READERS: u32 = 4;
