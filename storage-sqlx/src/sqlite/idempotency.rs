//! Remembers requests, together with what they change.

use async_trait::async_trait;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use fieldgate_core::storage::{Effects, IdempotencyStore, StorageError, Unique};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::api_key::{owner, owner_octets};
use crate::sqlite::checksum::{Datum, IDEMPOTENCY, checksum, sound};
use crate::sqlite::row::Columns;
use crate::sqlite::select::Select;
use crate::sqlite::{SqliteStorage, refuse};

#[async_trait]
impl IdempotencyStore for SqliteStorage {
    async fn idempotency_record(
        &self,
        owner: KeyOwner,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" WHERE owner = ");
        select.bind(owner_octets(&owner));
        select.sql(" AND key = ").bind(key.as_str());
        let mut reader = self.reader().await?;
        let found = select
            .optional(&mut reader, sound(&IDEMPOTENCY, decode))
            .await;
        found.map_err(refuse)
    }
}

/// Writes what a change brings with it. Comes before all that is checked otherwise.
pub(super) async fn record(tx: &mut SqliteConnection, effects: &Effects) -> Result<(), Error> {
    let Some(record) = &effects.idempotency else {
        return Ok(());
    };
    let sum = checksum(
        &IDEMPOTENCY,
        [
            Datum::Blob(owner_octets(&record.owner)),
            Datum::Text(record.key.as_str()),
            Datum::Blob(record.request_sha256.as_bytes()),
            Datum::Blob(record.resource.as_bytes()),
            Datum::Integer(record.created_at.unix_millis()),
        ],
    );
    let inserted = sqlx::query(
        "INSERT INTO idempotency (owner, key, request_sha256, resource, created_at, checksum) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(owner_octets(&record.owner))
    .bind(record.key.as_str())
    .bind(record.request_sha256.as_bytes().as_slice())
    .bind(record.resource.as_bytes().as_slice())
    .bind(record.created_at.unix_millis())
    .bind(sum)
    .execute(tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::IdempotencyKey));
    }
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<IdempotencyRecord, Error> {
    let mut columns = Columns::of(row, "idempotency");
    Ok(IdempotencyRecord {
        owner: owner(&mut columns)?,
        key: columns.text()?,
        request_sha256: Sha256Digest::from_bytes(columns.octets()?),
        resource: columns.id(|uuid| uuid)?,
        created_at: columns.timestamp()?,
    })
}

pub(super) const SELECT: &str = "SELECT owner, key, request_sha256, resource, created_at, checksum \
     FROM idempotency";
