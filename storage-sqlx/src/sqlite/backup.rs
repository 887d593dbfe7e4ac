//! Backups: a storage in one file that is sealed, and is only read from then on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use fieldgate_core::storage::{Archive, Bookmark, StorageError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::error::{Error, OpenError};
use crate::sqlite::archive::{View, begin};
use crate::sqlite::open::{BACKUP_ID, MIGRATIONS, application_id, beside};
use crate::sqlite::{SqliteStorage, refuse};

impl SqliteStorage {
    /// Makes a backup of the storage's file, with notes by names, and closes the storage. Nobody may
    /// work on it any more, so that nothing in it comes to life without having been restored.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; the file is of no use then.
    pub async fn seal(&self, notes: &BTreeMap<String, String>) -> Result<(), StorageError> {
        let options = self.readers.connect_options();
        self.close().await;
        let path = options.get_filename().to_owned();
        let sealed = async {
            let mut connection = SqliteConnectOptions::new()
                .filename(&path)
                // So that there is one file, and nothing beside it.
                .journal_mode(SqliteJournalMode::Delete)
                .disable_statement_logging()
                .connect()
                .await?;
            sqlx::query(
                "CREATE TABLE backup (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT",
            )
            .execute(&mut connection)
            .await?;
            write(&mut connection, notes).await?;
            sqlx::query("PRAGMA application_id = 0x46477442")
                .execute(&mut connection)
                .await?;
            connection.close().await?;
            Ok::<_, Error>(())
        };
        sealed.await.map_err(refuse)?;
        let synced = File::open(&path).and_then(|file| file.sync_all());
        let removed = synced.and_then(|()| fs::remove_file(beside(&path, ".lock")));
        removed.map_err(|error| refuse(Error::Sqlx(sqlx::Error::Io(error))))
    }
}

async fn write(
    connection: &mut SqliteConnection,
    notes: &BTreeMap<String, String>,
) -> Result<(), sqlx::Error> {
    for (name, value) in notes {
        sqlx::query("INSERT INTO backup (name, value) VALUES (?, ?)")
            .bind(name)
            .bind(value)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A backup that was sealed by [`SqliteStorage::seal`]. The file is not changed by reading it.
#[derive(Clone, Debug)]
pub struct SqliteBackup {
    path: PathBuf,
    notes: BTreeMap<String, String>,
}

impl SqliteBackup {
    /// Opens a backup. Nobody may change the file as long as it is read.
    ///
    /// # Errors
    ///
    /// [`OpenError`], which says what to do.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let path = path.canonicalize().map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        let database = |source: sqlx::Error| OpenError::Database {
            path: path.clone(),
            source: Box::new(source),
        };
        let mut connection = reading(&path).connect().await.map_err(database)?;
        let application = application_id(&mut connection).await.map_err(database)?;
        if application != BACKUP_ID {
            return Err(OpenError::NotBackup { path });
        }
        let found: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await
            .map_err(database)?;
        let known = MIGRATIONS.iter().map(|(version, ..)| *version).max();
        let known = known.unwrap_or(0);
        if found != known {
            return Err(OpenError::OtherSchema { path, found, known });
        }
        let notes = notes(&mut connection).await.map_err(database)?;
        connection.close().await.map_err(database)?;
        Ok(Self { path, notes })
    }

    /// Adds notes to a backup that nobody reads yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the file is of no use then.
    pub async fn add_notes(self, notes: &BTreeMap<String, String>) -> Result<Self, OpenError> {
        let path = self.path.clone();
        let database = |source: sqlx::Error| OpenError::Database {
            path: path.clone(),
            source: Box::new(source),
        };
        let mut connection = SqliteConnectOptions::new()
            .filename(&self.path)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(database)?;
        let written = write(&mut connection, notes).await;
        written.map_err(database)?;
        connection.close().await.map_err(database)?;
        Self::open(&self.path).await
    }

    /// A note.
    #[must_use]
    pub fn note(&self, name: &str) -> Option<&str> {
        self.notes.get(name).map(String::as_str)
    }

    /// All records, behind a bookmark where there is one.
    ///
    /// # Errors
    ///
    /// [`StorageError`] where the file cannot be read.
    pub async fn archive(
        &self,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError> {
        let opened = async {
            let mut connection = reading(&self.path).connect().await?;
            begin(&mut connection).await?;
            Ok(connection)
        };
        let connection = opened.await.map_err(refuse)?;
        Ok(Box::new(View::open(connection, after)))
    }
}

fn reading(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        // There is nothing beside the file, and nothing is put there: it may lie where nobody writes.
        .immutable(true)
        .disable_statement_logging()
}

async fn notes(connection: &mut SqliteConnection) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows = sqlx::query("SELECT name, value FROM backup")
        .fetch_all(connection)
        .await?;
    let notes = rows.iter();
    notes
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}
