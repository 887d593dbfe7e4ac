//! Keeps everything in a PostgreSQL database.
//!
//! Every call is one transaction, which says first whose rows it may see ([`transaction`]). Many
//! run at once, on a pool of connections, and PostgreSQL lets those that end together share one
//! wait for the disk. Where the outcome of a call hangs on what it has read, it locks that:
//!
//! * What belongs to a device changes only under the lock of the device's row, which comes first:
//!   so of two calls about one device, the second sees all that the first has done.
//! * Other records are locked as they are read to be changed.
//! * What has to be unique, and what has to be there, is a constraint ([`violation`]).

mod api_key;
mod archive;
mod certificate;
mod component;
mod device;
mod device_filter;
mod device_write;
mod group;
mod guard;
mod health;
mod idempotency;
mod label;
mod maintenance;
mod migration;
mod month;
mod open;
mod open_error;
mod organization;
mod purge;
mod quarantine;
mod reading;
mod redemption;
mod report;
mod retained;
mod row;
mod select;
mod sensor;
mod sensor_filter;
mod sensor_write;
mod session;
mod settings;
mod site;
mod tally;
mod token;
mod transaction;
mod value;
mod violation;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fieldgate_core::storage::StorageError;
use sqlx::postgres::PgPool;

use crate::error::{Dialect, Error};
use crate::postgres::guard::Guard;
use crate::postgres::month::Months;
use crate::postgres::purge::Sweep;
#[cfg(feature = "testing")]
pub(crate) use migration::MIGRATIONS;
pub use open_error::PostgresOpenError;
pub use settings::PostgresSettings;

/// A storage in a PostgreSQL database, version 15 or later, for one server process.
///
/// A clone is another handle to the same storage. What a changing call has answered with `Ok` has
/// reached the disk of the database. A call whose connection breaks is
/// [`StorageError::Unavailable`]; the next one gets another connection.
#[derive(Clone, Debug)]
pub struct PostgresStorage {
    pool: PgPool,
    /// Keeps other servers away, and says where one has come all the same.
    guard: Arc<Guard>,
    /// How long a call may take, whatever the database says.
    call_timeout: Duration,
    /// The months that have partitions.
    months: Arc<Months>,
    /// Where the search for what retention removes has come to.
    sweep: Arc<Mutex<Sweep>>,
}

impl PostgresStorage {
    /// Connects to the database, and brings its schema up to date where the role may do that. Has
    /// to be called within a tokio runtime, and lives in it.
    ///
    /// # Errors
    ///
    /// [`PostgresOpenError`], which says what to do.
    pub async fn open(settings: &PostgresSettings) -> Result<Self, PostgresOpenError> {
        open::open(settings).await
    }

    /// Finishes the calls that are under way, and closes the connections. Every later call, of
    /// every clone, is [`StorageError::Unavailable`].
    pub async fn close(&self) {
        self.pool.close().await;
        self.guard.end().await;
    }

    fn sweep(&self) -> Sweep {
        *self.sweep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_sweep(&self, sweep: Sweep) {
        *self.sweep.lock().unwrap_or_else(PoisonError::into_inner) = sweep;
    }
}

/// What a caller hears of an error.
fn refuse(error: Error) -> StorageError {
    violation::refusal(&error).unwrap_or_else(|| error.into_storage_error(&DIALECT))
}

const DIALECT: Dialect = Dialect {
    backend: "postgres",
    is_outage_code: |code| {
        OUTAGE_CLASSES.iter().any(|class| code.starts_with(class)) || OUTAGES.contains(&code)
    },
};

/// Connection lost, not let in, the database gone, resources used up, shut down or cancelled, and a
/// system error.
const OUTAGE_CLASSES: [&str; 6] = ["08", "28", "3D", "53", "57", "58"];

/// A standby that does not take writes; idle for too long; conflicts with other calls, when trying
/// again has not helped; a database that takes no connections; a lock not to be had in time.
const OUTAGES: [&str; 6] = ["25006", "25P03", "40001", "40P01", "55000", "55P03"];

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests;
