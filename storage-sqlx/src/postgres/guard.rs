//! Keeps a second server away from a database: each would take the sessions of the other one for
//! its own, left open by a run that has ended.
//!
//! A lock of a connection keeps it away, and the number of the server, its epoch, cuts off one that
//! has lost that lock: who takes the database over makes the number the next one, and ends all
//! connections of the server before. A connection that is made later finds the other number.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::error::Error;

/// Holds a lock in the database by a connection of its own; with that the lock ends.
pub(super) struct Guard {
    held: Arc<Held>,
    watch: AbortHandle,
}

impl Guard {
    /// Keeps the lock that a connection has taken, and takes it again where that breaks.
    pub(super) fn keep(
        options: PgConnectOptions,
        connection: PgConnection,
        backend: Backend,
        epoch: Arc<Epoch>,
    ) -> Self {
        let held = Arc::new(Held {
            options,
            epoch,
            connection: Mutex::new(Some((connection, backend))),
        });
        let watch = tokio::spawn(watch(Arc::clone(&held))).abort_handle();
        Self { held, watch }
    }

    /// Takes the lock again where the connection was lost. An error where another server has been
    /// faster, or the guard has ended.
    pub(super) async fn check(&self) -> Result<(), Error> {
        self.held.check().await
    }

    pub(super) fn epoch(&self) -> &Epoch {
        &self.held.epoch
    }

    /// Lets the lock go.
    pub(super) async fn end(&self) {
        self.watch.abort();
        self.held.end().await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

struct Held {
    options: PgConnectOptions,
    epoch: Arc<Epoch>,
    /// None where the guard has ended.
    connection: Mutex<Option<(PgConnection, Backend)>>,
}

impl Held {
    async fn check(&self) -> Result<(), Error> {
        let mut held = self.connection.lock().await;
        let Some((connection, backend)) = held.as_mut() else {
            self.epoch.check()?;
            return Err(Error::Stopped);
        };
        let seen = timeout(ANSWER, self.epoch.look(connection)).await;
        let checked = match seen {
            Ok(Ok(())) => self.epoch.check(),
            // The connection is lost, or nobody is at its other end.
            Ok(Err(_)) | Err(_) => match timeout(RENEWAL, self.renew(backend)).await {
                Ok(Ok(renewed)) => {
                    *held = Some(renewed);
                    Ok(())
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Err(Error::TimedOut),
            },
        };
        if self.epoch.check().is_err() {
            // It is the other server's from now on, also when that one has ended.
            *held = None;
        }
        checked
    }

    async fn renew(&self, lost: &Backend) -> Result<(PgConnection, Backend), Error> {
        let mut connection = self.options.connect().await?;
        self.epoch.look(&mut connection).await?;
        self.epoch.check()?;
        lost.end(&mut connection).await?;
        let backend = take(&mut connection).await?;
        // Another one may have come and gone.
        self.epoch.look(&mut connection).await?;
        self.epoch.check()?;
        Ok((connection, backend))
    }

    async fn end(&self) {
        if let Some((connection, _)) = self.connection.lock().await.take() {
            // Where that fails, it is gone already.
            drop(connection.close().await);
        }
    }
}

/// Notices a lost lock also where nobody asks.
async fn watch(held: Arc<Held>) {
    let mut is_lost = false;
    loop {
        sleep(PAUSE).await;
        match held.check().await {
            Ok(()) if is_lost => {
                is_lost = false;
                tracing::info!("the lock that keeps other servers from the database is held again");
            }
            Ok(()) => {}
            Err(Error::Stopped | Error::TakenOver) => return,
            Err(error) if !is_lost => {
                is_lost = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the lock that keeps other servers from the database is lost"
                );
            }
            Err(_) => {}
        }
    }
}

/// Which one of the servers that have worked on the database, one after the other, this one is.
#[derive(Debug)]
pub(super) struct Epoch {
    number: i64,
    is_over: AtomicBool,
}

impl Epoch {
    /// Begins the next one; needs the lock.
    pub(super) async fn begin(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let number = sqlx::query_scalar(
            "INSERT INTO server (id, epoch) VALUES (1, 1) \
             ON CONFLICT (id) DO UPDATE SET epoch = server.epoch + 1 RETURNING epoch",
        );
        Ok(Self {
            number: number.fetch_one(connection).await?,
            is_over: AtomicBool::new(false),
        })
    }

    /// Looks whether it is over.
    pub(super) async fn look(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let number: Option<i64> = sqlx::query_scalar("SELECT epoch FROM server WHERE id = 1")
            .fetch_optional(connection)
            .await?;
        if number != Some(self.number) && !self.is_over.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "another server has taken the database over: this one does nothing more, stop it"
            );
        }
        Ok(())
    }

    /// An error once it has been seen that it is over.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_over.load(Ordering::Relaxed) {
            return Err(Error::TakenOver);
        }
        Ok(())
    }
}

/// The process of the database that serves a connection: its number, and its beginning.
pub(super) struct Backend {
    pid: i32,
    since: String,
}

impl Backend {
    /// The database may believe for long that a connection is there that has broken.
    async fn end(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE pid = $1 AND backend_start::text = $2",
        )
        .bind(self.pid)
        .bind(&self.since)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Takes the lock. Waits a little, as the database may not have noticed yet that another server has
/// ended.
pub(super) async fn take(connection: &mut PgConnection) -> Result<Backend, sqlx::Error> {
    // It has nothing more to say for days.
    sqlx::query("SET idle_session_timeout = 0")
        .execute(&mut *connection)
        .await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(KEY)
        .execute(&mut *connection)
        .await?;
    let (pid, since) = sqlx::query_as(
        "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()",
    )
    .fetch_one(connection)
    .await?;
    Ok(Backend { pid, since })
}

/// Ends the connections that a server before still has; whether they are gone. There are some where
/// it was cut off from its lock and nothing else, or has only just ended.
pub(super) async fn end_others(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let others: Vec<i32> = sqlx::query_scalar(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = $1 AND pid <> pg_backend_pid()",
    )
    .bind(APPLICATION)
    .fetch_all(&mut *connection)
    .await?;
    let since = Instant::now();
    loop {
        // Those of another role end by themselves, or not.
        let left: Vec<Option<bool>> = sqlx::query_scalar(
            "SELECT CASE WHEN pg_has_role(usesysid, 'USAGE') THEN pg_terminate_backend(pid) END \
             FROM pg_stat_activity WHERE pid = ANY ($1) AND datname = current_database() \
             AND application_name = $2",
        )
        .bind(&others)
        .bind(APPLICATION)
        .fetch_all(&mut *connection)
        .await?;
        if left.is_empty() || since.elapsed() > ANSWER {
            return Ok(left.is_empty());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The name of the connections by which a server works, in the database's list of them.
pub(super) const APPLICATION: &str = "fieldgate";

/// The name of the connection that holds the lock, or waits for it: who takes the database over
/// does not end those of others that wait.
pub(super) const APPLICATION_OF_GUARD: &str = "fieldgate guard";

/// "Fieldgat".
const KEY: i64 = 0x4669_656c_6467_6174;

/// How often the lock is looked at.
const PAUSE: Duration = Duration::from_secs(2);

/// How long it may take to connect anew, and to take the lock.
const RENEWAL: Duration = Duration::from_secs(30);

/// How long a connection may be silent, or be there after it was ended.
const ANSWER: Duration = Duration::from_secs(5);

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests;
