//! Keeps everything in one SQLite file.

mod api_key;
mod archive;
mod backup;
mod certificate;
mod checksum;
mod component;
mod device;
mod device_filter;
mod device_write;
mod group;
mod health;
mod idempotency;
mod ingest;
mod intake;
mod inventory;
mod label;
mod maintenance;
mod open;
mod organization;
mod quarantine;
mod reading;
mod redemption;
mod report;
mod retained;
mod row;
mod seal;
mod select;
mod sensor;
mod sensor_filter;
mod sensor_write;
mod session;
mod site;
mod tally;
mod token;
mod unsealed;
mod value;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fieldgate_core::storage::StorageError;
use futures_util::future::BoxFuture;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

pub use backup::SqliteBackup;

use crate::error::{Dialect, Error, OpenError};
use crate::sqlite::intake::Intake;
use crate::sqlite::maintenance::Sweep;
use crate::sqlite::writer::Writer;

/// A storage in one SQLite file, for one server process.
///
/// A clone is another handle to the same storage. What a changing call has answered with `Ok` has
/// reached the disk. All writes go by one writer, which commits those of many callers together;
/// reads have connections of their own and never wait for a write.
///
/// Close it by [`SqliteStorage::close`]; a storage that is only dropped loses nothing either, but
/// leaves its log to the next start.
#[derive(Clone, Debug)]
pub struct SqliteStorage {
    writer: Writer,
    intake: Intake,
    readers: SqlitePool,
    /// Where the search for what retention removes has come to.
    sweep: Arc<Mutex<Sweep>>,
}

impl SqliteStorage {
    /// Opens the database file at `path`, in a directory that is there; creates it where it is
    /// missing, for its owner alone. Has to be called within a tokio runtime, and lives in it.
    ///
    /// A file `path` + `.lock` beside it keeps every other server away, as long as this one runs.
    ///
    /// # Errors
    ///
    /// [`OpenError`], which says what to do.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        open::open(path).await
    }

    fn new(writer: Writer, readers: SqlitePool) -> Self {
        Self {
            intake: Intake::new(writer.clone()),
            writer,
            readers,
            sweep: Arc::default(),
        }
    }

    /// Finishes the writes that are under way, and closes the file with all in it, and unlocks it.
    /// Every later call, of every clone, is [`StorageError::Unavailable`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// How many transactions were committed since the storage was opened: how often it waited for
    /// the disk. Writes that come at the same time share one.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    fn sweep(&self) -> Sweep {
        *self.sweep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_sweep(&self, sweep: Sweep) {
        *self.sweep.lock().unwrap_or_else(PoisonError::into_inner) = sweep;
    }

    /// A connection to read with. It sees all that was answered before.
    async fn reader(&self) -> Result<PoolConnection<Sqlite>, StorageError> {
        let reader = self.readers.acquire().await;
        reader.map_err(|error| refuse(error.into()))
    }

    /// Does `work`, which writes a few rows, in a transaction; see [`Writer::write`].
    async fn write<T, F>(&self, work: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>>
            + Send
            + 'static,
    {
        self.write_many(1, work).await
    }

    /// The same for work that writes about `weight` rows.
    async fn write_many<T, F>(&self, weight: usize, work: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>>
            + Send
            + 'static,
    {
        self.writer.write(weight, work).await.map_err(refuse)
    }
}

fn refuse(error: Error) -> StorageError {
    error.into_storage_error(&DIALECT)
}

const DIALECT: Dialect = Dialect {
    backend: "sqlite",
    // The low octet of a result code is the primary one.
    is_outage_code: |code| {
        let code = code.parse::<u32>();
        code.is_ok_and(|code| OUTAGES.contains(&(code & 0xff)))
    },
};

/// BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN and PROTOCOL.
const OUTAGES: [u32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

#[cfg(test)]
mod tests;
