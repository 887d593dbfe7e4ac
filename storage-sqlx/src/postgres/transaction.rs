//! Runs calls in transactions, each of which says first whose rows it may see.
//!
//! The isolation is READ COMMITTED: each statement sees what was committed before it, and the rows
//! that it locks as they are now. Calls lock what their outcome hangs on, so that none has to be
//! tried again for another's sake; where two lock each other out all the same, one of them is.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::storage::StorageError;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::error::Error;
use crate::postgres::select::Select;
use crate::postgres::{PostgresStorage, refuse};

/// Whose rows a transaction may see and change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum View {
    /// Those of an organization.
    Organization(OrganizationId),
    /// All: the server's own work, and the look-ups that cannot name an organization.
    Server,
}

impl From<OrganizationId> for View {
    fn from(id: OrganizationId) -> Self {
        Self::Organization(id)
    }
}

impl From<KeyOwner> for View {
    fn from(owner: KeyOwner) -> Self {
        match owner {
            KeyOwner::Organization(id) => Self::Organization(id),
            KeyOwner::Server => Self::Server,
        }
    }
}

impl View {
    /// Whether what the other one sees may be out of this one's sight.
    pub(super) fn lacks(self, other: Self) -> bool {
        self != Self::Server && self != other
    }

    /// What the policies of the tables go by: an organization, and whether it is the server.
    fn settings(self) -> (String, &'static str) {
        match self {
            Self::Organization(id) => (id.as_uuid().to_string(), "off"),
            Self::Server => (String::new(), "on"),
        }
    }

    /// Begins a transaction, by one message to the database. Both settings end with it.
    fn begin(self, access: Access) -> AssertSqlSafe<String> {
        let (organization, server) = self.settings();
        // The form of a UUID has nothing in it that would end a text.
        AssertSqlSafe(format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED {access}; \
             SET LOCAL fieldgate.organization = '{organization}'; \
             SET LOCAL fieldgate.server = '{server}'"
        ))
    }
}

#[derive(Clone, Copy, Debug)]
enum Access {
    Read,
    Write,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "READ ONLY",
            Self::Write => "READ WRITE",
        })
    }
}

/// What a call does in a transaction, with what it has borrowed for `'a`.
pub(super) struct Scoped<'a, 'c, T> {
    work: BoxFuture<'c, Result<T, Error>>,
    // Says that what is borrowed outlives the transaction.
    borrowed: PhantomData<&'c &'a ()>,
}

/// The work of a call.
pub(super) fn scoped<'a: 'c, 'c, T>(
    work: impl Future<Output = Result<T, Error>> + Send + 'c,
) -> Scoped<'a, 'c, T> {
    Scoped {
        work: Box::pin(work),
        borrowed: PhantomData,
    }
}

impl PostgresStorage {
    /// A transaction to read with. It sees all that was answered before, and ends by being
    /// dropped.
    pub(super) async fn reader(
        &self,
        view: impl Into<View> + Send,
    ) -> Result<Transaction<'static, Postgres>, StorageError> {
        let begun = self.begin(view.into(), Access::Read);
        let begun = timeout(self.call_timeout, begun).await;
        begun.unwrap_or(Err(Error::TimedOut)).map_err(refuse)
    }

    async fn begin(
        &self,
        view: View,
        access: Access,
    ) -> Result<Transaction<'static, Postgres>, Error> {
        let begun = self.pool.begin_with(view.begin(access)).await?;
        // Afterwards, as a connection that was made for it may just have found out.
        self.guard.epoch().check()?;
        Ok(begun)
    }

    /// Reads a row that may be there by a statement that says first whose rows it may see: so one
    /// message to the database does what takes a [`reader`](Self::reader) several. `push_one` adds
    /// the statement, which has to end with a condition.
    pub(super) async fn look<T: Send>(
        &self,
        view: impl Into<View> + Send,
        push_one: impl FnOnce(&mut Select) + Send,
        decode: impl FnOnce(&PgRow) -> Result<T, Error> + Send,
    ) -> Result<Option<T>, StorageError> {
        let (organization, server) = view.into().settings();
        // What is lateral is looked at for each row of what stands before it, so after that.
        let mut select =
            Select::new("SELECT found.* FROM (SELECT set_config('fieldgate.organization', ");
        select.bind(organization);
        select.sql(", true), set_config('fieldgate.server', ");
        select.bind(server);
        select.sql(", true) AS server) AS seen CROSS JOIN LATERAL (");
        push_one(&mut select);
        select.sql(" AND seen.server IS NOT NULL) AS found");
        let found = timeout(self.call_timeout, async {
            let mut connection = self.pool.acquire().await?;
            self.guard.epoch().check()?;
            select.optional(&mut connection, decode).await
        });
        found.await.unwrap_or(Err(Error::TimedOut)).map_err(refuse)
    }

    /// Does `work` in a transaction; returns once that is committed, and durable. Does it again,
    /// a few times, where it and other calls were in each other's way.
    pub(super) async fn write<'a, T, F>(
        &self,
        view: impl Into<View> + Send,
        work: F,
    ) -> Result<T, StorageError>
    where
        T: Send,
        F: for<'c> Fn(&'c mut PgConnection) -> Scoped<'a, 'c, T> + Send + Sync,
    {
        let view = view.into();
        let end = Instant::now() + self.call_timeout;
        let mut attempt = 1;
        loop {
            let result = timeout_at(end, self.attempt(view, &work)).await;
            match result.unwrap_or(Err(Error::TimedOut)) {
                Err(error) if attempt < ATTEMPTS && is_conflict(&error) => {
                    tracing::debug!(%error, attempt, "a transaction is tried again");
                    sleep(pause(attempt)).await;
                    attempt += 1;
                }
                result => return result.map_err(refuse),
            }
        }
    }

    async fn attempt<'a, T, F>(&self, view: View, work: &F) -> Result<T, Error>
    where
        T: Send,
        F: for<'c> Fn(&'c mut PgConnection) -> Scoped<'a, 'c, T> + Send + Sync,
    {
        let mut tx = self.begin(view, Access::Write).await?;
        let done = work(&mut tx).work.await;
        match done {
            Ok(done) => {
                let committed = tx.commit().await;
                committed.map_err(|error| Error::Commit(Arc::new(error)))?;
                Ok(done)
            }
            Err(error) => {
                // Before the caller hears of it, so that nothing stays locked. Where it fails, the
                // connection is broken, and the database does the same.
                drop(tx.rollback().await);
                Err(error)
            }
        }
    }
}

/// Lets the rest of a transaction see and change the rows of all organizations, or ends that.
pub(super) async fn see_all(tx: &mut PgConnection, all: bool) -> Result<(), Error> {
    sqlx::query("SELECT set_config('fieldgate.server', $1, true)")
        .bind(if all { "on" } else { "off" })
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether the database has undone a transaction for the sake of another one.
fn is_conflict(error: &Error) -> bool {
    let Error::Sqlx(sqlx::Error::Database(error)) = error else {
        return false;
    };
    error.code().is_some_and(|code| CONFLICTS.contains(&&*code))
}

/// How long to wait before the next attempt: longer each time, and not as long as others do.
fn pause(attempt: u32) -> Duration {
    let longest = FIRST_PAUSE * 2_u32.pow(attempt);
    // The keys of each are random.
    let random = RandomState::new().build_hasher().finish();
    let share = f64::from(u8::try_from(random & 0xff).unwrap_or(0)) / 255.0;
    longest.mul_f64(share)
}

const ATTEMPTS: u32 = 6;

const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// A serialization failure, a deadlock, and a row on its way to a partition while another one was
/// made for it.
const CONFLICTS: [&str; 3] = ["40001", "40P01", "23514"];
