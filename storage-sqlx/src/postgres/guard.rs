//! Keeps a second server away from a database: each would take the sessions of the other one for
//! its own, left open by a run that has ended.

use std::fmt;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;

use crate::error::Error;

/// Holds a lock in the database by a connection of its own; with that the lock ends.
pub(super) struct Guard {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl Guard {
    /// Keeps the lock that a connection has taken.
    pub(super) fn keep(options: PgConnectOptions, connection: PgConnection) -> Self {
        Self {
            options,
            connection: Mutex::new(Some(connection)),
        }
    }

    /// Takes the lock again where the connection was lost. An error where another server has been
    /// faster, or the guard has ended.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let mut held = self.connection.lock().await;
        let connection = held.as_mut().ok_or(Error::Stopped)?;
        if connection.ping().await.is_ok() {
            return Ok(());
        }
        let mut connection = self.options.connect().await?;
        take(&mut connection).await?;
        *held = Some(connection);
        Ok(())
    }

    /// Lets the lock go.
    pub(super) async fn end(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            // Where that fails, it is gone already.
            drop(connection.close().await);
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

/// Takes the lock. Waits a little, as the database may not have noticed yet that another server has
/// ended.
pub(super) async fn take(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(KEY)
        .execute(connection)
        .await?;
    Ok(())
}

/// "Fieldgat".
const KEY: i64 = 0x4669_656c_6467_6174;
