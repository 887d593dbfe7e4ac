//! Remembers requests, together with what they change.

use async_trait::async_trait;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use fieldgate_core::storage::{Effects, IdempotencyStore, StorageError};
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::api_key::{owner, owner_id, push_owner};
use crate::postgres::row::Columns;
use crate::postgres::select::Select;
use crate::postgres::transaction::{View, see_all};
use crate::postgres::{PostgresStorage, refuse};

#[async_trait]
impl IdempotencyStore for PostgresStorage {
    async fn idempotency_record(
        &self,
        owner: KeyOwner,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        let mut select = Select::new(SELECT);
        push_owner(&mut select, owner);
        select.sql(" AND key = ").bind(key.as_str());
        let mut reader = self.reader(owner).await?;
        let found = select.optional(&mut reader, decode).await;
        found.map_err(refuse)
    }
}

/// Writes what a change brings with it, in a transaction of `view`. Comes before all that is checked
/// otherwise.
pub(super) async fn record(
    tx: &mut PgConnection,
    view: impl Into<View> + Send,
    effects: &Effects,
) -> Result<(), Error> {
    let Some(record) = &effects.idempotency else {
        return Ok(());
    };
    // The server may change something of an organization, and remembers that among its own.
    let elsewhere = view.into().lacks(record.owner.into());
    if elsewhere {
        see_all(tx, true).await?;
    }
    insert(tx, record).await?;
    if elsewhere {
        see_all(tx, false).await?;
    }
    Ok(())
}

pub(super) async fn insert(tx: &mut PgConnection, record: &IdempotencyRecord) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO idempotency (organization_id, key, request_sha256, resource, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(owner_id(record.owner))
    .bind(record.key.as_str())
    .bind(record.request_sha256.as_bytes().as_slice())
    .bind(record.resource)
    .bind(record.created_at.unix_millis())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) fn decode(row: &PgRow) -> Result<IdempotencyRecord, Error> {
    let mut columns = Columns::of(row, "idempotency");
    Ok(IdempotencyRecord {
        owner: owner(&mut columns)?,
        key: columns.text()?,
        request_sha256: Sha256Digest::from_bytes(columns.octets()?),
        resource: columns.id(|uuid| uuid)?,
        created_at: columns.timestamp()?,
    })
}

pub(super) const SELECT: &str =
    "SELECT organization_id, key, request_sha256, resource, created_at FROM idempotency";
