//! Carries all records out and in.

mod agreements;
mod import;
mod page;
mod tables;
mod verify;

use std::time::Duration;

use async_trait::async_trait;
use fieldgate_core::storage::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, Finding, RecordKind, ServerProof, StorageError,
};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use crate::error::Error;
use crate::postgres::month::Parent;
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, month, refuse};

#[async_trait]
impl ArchiveStore for PostgresStorage {
    async fn archive(
        &self,
        _server: ServerProof,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError> {
        let connection = self.snapshot(BY_INDEX).await?;
        Ok(Box::new(Snapshot {
            connection: Some(connection),
            call_timeout: self.call_timeout,
            kind: after.map_or(RecordKind::ALL[0], |after| after.kind),
            key: after.map(|after| after.key.clone()),
        }))
    }

    async fn import(
        &self,
        _server: ServerProof,
        records: &[ArchiveRecord],
    ) -> Result<(), StorageError> {
        let readings = records.iter().filter_map(|record| match record {
            ArchiveRecord::Reading(_, reading) => Some(reading.timestamp),
            _ => None,
        });
        self.make_old_months_of(Parent::Reading, readings).await;
        let reports = records.iter().filter_map(|record| match record {
            ArchiveRecord::Health(_, health) => Some(health.timestamp),
            _ => None,
        });
        self.make_old_months_of(Parent::Health, reports).await;
        self.write(View::Server, |tx| {
            scoped(async move { import::import(tx, records).await })
        })
        .await
    }

    async fn verify(&self, _server: ServerProof) -> Result<Vec<Finding>, StorageError> {
        let mut connection = self.snapshot(UNHURRIED).await?;
        let findings = verify::verify(&mut connection).await;
        // What was found is told all the same where that fails.
        drop(connection.close().await);
        Ok(findings)
    }
}

impl PostgresStorage {
    /// A connection of its own that sees all as it is now, for as long as it is there. Meanwhile no
    /// partition is made or removed, and the database keeps what others remove.
    async fn snapshot(&self, settings: &'static str) -> Result<PgConnection, StorageError> {
        if self.pool.is_closed() {
            return Err(refuse(Error::Stopped));
        }
        let options = self.pool.connect_options();
        let begun = timeout(self.call_timeout, async {
            let mut connection = options.connect().await?;
            self.guard.epoch().look(&mut connection).await?;
            self.guard.epoch().check()?;
            month::look(&mut connection).await?;
            sqlx::raw_sql(BEGIN).execute(&mut connection).await?;
            sqlx::raw_sql(settings).execute(&mut connection).await?;
            Ok(connection)
        });
        let begun = begun.await.unwrap_or(Err(Error::TimedOut));
        begun.map_err(refuse)
    }
}

/// All records as a connection sees them.
#[derive(Debug)]
struct Snapshot {
    /// Closed at the end.
    connection: Option<PgConnection>,
    /// How long a page may take.
    call_timeout: Duration,
    /// The kind that is read now.
    kind: RecordKind,
    /// The key behind which it is read on.
    key: Option<Vec<u8>>,
}

impl Snapshot {
    async fn read(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, Error> {
        while let Some(connection) = &mut self.connection {
            let key = self.key.as_deref();
            let page = page::page(connection, self.kind, key, limit);
            let page = timeout(self.call_timeout, page).await;
            let page = page.unwrap_or(Err(Error::TimedOut))?;
            self.key = page.next;
            if !page.records.is_empty() {
                return Ok(page.records);
            }
            if self.key.is_some() {
                continue;
            }
            match self.kind.next() {
                Some(next) => self.kind = next,
                None => {
                    if let Some(connection) = self.connection.take() {
                        connection.close().await?;
                    }
                }
            }
        }
        Ok(Vec::new())
    }
}

#[async_trait]
impl Archive for Snapshot {
    async fn next(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, StorageError> {
        self.read(limit).await.map_err(refuse)
    }
}

/// What is seen is what is there at the first look, which is the last statement. Whoever reads it
/// may take his time between the pages.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL fieldgate.server = 'on'; \
     SET LOCAL idle_in_transaction_session_timeout = 0; \
     SELECT 1 FROM organization LIMIT 1";

/// Each page begins where the last one has ended, whatever the database thinks of its tables, so
/// that all of them are short.
const BY_INDEX: &str = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
     SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL jit = off";

/// A check looks at whole tables.
const UNHURRIED: &str = "SET LOCAL statement_timeout = 0";
