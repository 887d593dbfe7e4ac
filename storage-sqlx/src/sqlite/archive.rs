//! Carries all records out and in.

mod agreements;
mod checksums;
mod import;
mod schema;
mod tables;
mod verify;

use async_trait::async_trait;
use fieldgate_core::storage::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, Finding, RecordKind, ServerProof, StorageError,
};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error::Error;
use crate::sqlite::{SqliteStorage, refuse};

#[async_trait]
impl ArchiveStore for SqliteStorage {
    async fn archive(
        &self,
        _server: ServerProof,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError> {
        let view = View::open(self.snapshot().await?, after);
        Ok(Box::new(view))
    }

    async fn import(
        &self,
        _server: ServerProof,
        records: &[ArchiveRecord],
    ) -> Result<(), StorageError> {
        let records = records.to_vec();
        self.write_many(records.len(), move |tx| {
            Box::pin(async move { import::import(tx, &records).await })
        })
        .await
    }

    async fn verify(&self, _server: ServerProof) -> Result<Vec<Finding>, StorageError> {
        let mut connection = self.snapshot().await?;
        let findings = verify::verify(&mut connection).await;
        connection
            .close()
            .await
            .map_err(|error| refuse(error.into()))?;
        Ok(findings)
    }
}

impl SqliteStorage {
    /// A connection of its own that sees all as it is now, for as long as it is there. Meanwhile the
    /// log of the database grows.
    async fn snapshot(&self) -> Result<SqliteConnection, StorageError> {
        if self.readers.is_closed() {
            return Err(refuse(Error::Stopped));
        }
        let options = self.readers.connect_options();
        let begun = async {
            let mut connection = options.connect().await?;
            begin(&mut connection).await?;
            Ok(connection)
        };
        begun.await.map_err(refuse)
    }
}

/// Begins to see all as it is now.
pub(super) async fn begin(connection: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query("BEGIN").execute(&mut *connection).await?;
    // It begins with the first look.
    sqlx::query("SELECT count(*) FROM organization")
        .execute(connection)
        .await?;
    Ok(())
}

/// All records as a connection sees them.
#[derive(Debug)]
pub(super) struct View {
    /// Closed at the end, at once: one that is dropped is closed a little later, and is in the way of
    /// whoever wants the file for himself.
    connection: Option<SqliteConnection>,
    /// The kind that is read now.
    kind: RecordKind,
    /// The key of the last record of it that was read.
    key: Option<Vec<u8>>,
}

impl View {
    pub(super) fn open(connection: SqliteConnection, after: Option<&Bookmark>) -> Self {
        Self {
            connection: Some(connection),
            kind: after.map_or(RecordKind::ALL[0], |after| after.kind),
            key: after.map(|after| after.key.clone()),
        }
    }

    async fn read(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, Error> {
        while let Some(connection) = &mut self.connection {
            let key = self.key.as_deref();
            let found = tables::page(connection, self.kind, key, limit).await?;
            if let Some(last) = found.last() {
                self.key = Some(last.bookmark().key);
                return Ok(found);
            }
            self.key = None;
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
impl Archive for View {
    async fn next(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, StorageError> {
        self.read(limit).await.map_err(refuse)
    }
}
