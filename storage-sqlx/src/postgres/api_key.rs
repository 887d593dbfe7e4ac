//! Keeps API keys.

use async_trait::async_trait;
use fieldgate_core::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, KeyPrefix, Scope};
use fieldgate_core::model::id::{ApiKeyId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::secret::SecretHash;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ApiKeyStore, Effects, StorageError};
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::row::{Columns, stored};
use crate::postgres::select::{Select, check_revision};
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, idempotency, refuse};

#[async_trait]
impl ApiKeyStore for PostgresStorage {
    async fn create_api_key(&self, key: &ApiKey, effects: &Effects) -> Result<(), StorageError> {
        self.write(key.owner, |tx| {
            scoped(async move {
                idempotency::record(tx, key.owner, effects).await?;
                insert(tx, key).await
            })
        })
        .await
    }

    async fn api_key(&self, owner: KeyOwner, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        let mut reader = self.reader(owner).await?;
        let found = find(&mut reader, owner, id).await;
        found.map_err(refuse)
    }

    async fn api_key_by_prefix(&self, prefix: KeyPrefix) -> Result<Option<ApiKey>, StorageError> {
        let push_one = |select: &mut Select| {
            select.sql(SELECT).sql(" WHERE prefix = ");
            select.bind(prefix.to_string());
        };
        self.look(View::Server, push_one, decode).await
    }

    async fn api_keys(
        &self,
        owner: KeyOwner,
        page: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey>, StorageError> {
        let mut select = Select::new(SELECT);
        push_owner(&mut select, owner);
        if let Some(after) = page.after {
            select.sql(" AND id > ").bind(after.as_uuid());
        }
        select.sql(" ORDER BY id");
        let mut reader = self.reader(owner).await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn touch_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        self.write(owner, |tx| {
            scoped(async move {
                sqlx::query(
                    "UPDATE api_key SET last_used_at = $3 \
                     WHERE organization_id IS NOT DISTINCT FROM $1 AND id = $2 \
                     AND (last_used_at IS NULL OR last_used_at < $3)",
                )
                .bind(owner_id(owner))
                .bind(id.as_uuid())
                .bind(at.unix_millis())
                .execute(tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn update_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
        settings: &ApiKeySettings,
    ) -> Result<ApiKey, StorageError> {
        self.write(owner, |tx| {
            scoped(async move {
                let found = lock(tx, owner, id).await?;
                let mut key = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, key.revision, WHAT)?;
                key.update(settings.clone());
                replace(tx, &key).await?;
                Ok(key)
            })
        })
        .await
    }

    async fn delete_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.write(owner, |tx| {
            scoped(async move {
                let found = lock(tx, owner, id).await?;
                let key = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, key.revision, WHAT)?;
                sqlx::query("DELETE FROM api_key WHERE id = $1")
                    .bind(id.as_uuid())
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

/// An owner as it is stored: an organization's id, or NULL for the server.
pub(super) const fn owner_id(owner: KeyOwner) -> Option<Uuid> {
    match owner {
        KeyOwner::Organization(id) => Some(*id.as_uuid()),
        KeyOwner::Server => None,
    }
}

/// Adds, as the first condition, whose it is; in the two forms that an index leads to.
pub(super) fn push_owner(select: &mut Select, owner: KeyOwner) {
    match owner {
        KeyOwner::Organization(id) => {
            select.sql(" WHERE organization_id = ").bind(id.as_uuid());
        }
        KeyOwner::Server => {
            select.sql(" WHERE organization_id IS NULL");
        }
    }
}

/// Reads the next column as [`owner_id`] writes it.
pub(super) fn owner(columns: &mut Columns<'_>) -> Result<KeyOwner, Error> {
    let id = columns.id_optional(OrganizationId::from_uuid)?;
    Ok(id.map_or(KeyOwner::Server, KeyOwner::Organization))
}

fn scopes(key: &ApiKey) -> Vec<&'static str> {
    key.scopes.iter().map(|scope| scope.as_str()).collect()
}

async fn find(
    connection: &mut PgConnection,
    owner: KeyOwner,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, Error> {
    one(owner, id).optional(connection, decode).await
}

/// Finds one to be changed.
async fn lock(
    tx: &mut PgConnection,
    owner: KeyOwner,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, Error> {
    let mut select = one(owner, id);
    select.sql(" FOR UPDATE");
    select.optional(tx, decode).await
}

fn one(owner: KeyOwner, id: ApiKeyId) -> Select {
    let mut select = Select::new(SELECT);
    push_owner(&mut select, owner);
    select.sql(" AND id = ").bind(id.as_uuid());
    select
}

pub(super) async fn insert(tx: &mut PgConnection, key: &ApiKey) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO api_key (organization_id, id, name, prefix, secret_hash, scopes, created_at, \
         expires_at, last_used_at, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(owner_id(key.owner))
    .bind(key.id.as_uuid())
    .bind(key.name.as_str())
    .bind(key.prefix.to_string())
    .bind(key.secret_hash.as_bytes().as_slice())
    .bind(scopes(key))
    .bind(key.created_at.unix_millis())
    .bind(key.expires_at.map(Timestamp::unix_millis))
    .bind(key.last_used_at.map(Timestamp::unix_millis))
    .bind(stored(key.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn replace(tx: &mut PgConnection, key: &ApiKey) -> Result<(), Error> {
    sqlx::query(
        "UPDATE api_key SET name = $2, scopes = $3, expires_at = $4, revision = $5 WHERE id = $1",
    )
    .bind(key.id.as_uuid())
    .bind(key.name.as_str())
    .bind(scopes(key))
    .bind(key.expires_at.map(Timestamp::unix_millis))
    .bind(stored(key.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) fn decode(row: &PgRow) -> Result<ApiKey, Error> {
    let mut columns = Columns::of(row, "api_key");
    let id = columns.id(ApiKeyId::from_uuid)?;
    columns.name(id);
    Ok(ApiKey {
        id,
        owner: owner(&mut columns)?,
        name: columns.text()?,
        prefix: columns.text()?,
        secret_hash: SecretHash::from_bytes(columns.octets()?),
        scopes: columns.texts(str::parse::<Scope>)?,
        created_at: columns.timestamp()?,
        expires_at: columns.timestamp_optional()?,
        last_used_at: columns.timestamp_optional()?,
        revision: columns.revision()?,
    })
}

const WHAT: &str = "API key";

pub(super) const SELECT: &str = "SELECT id, organization_id, name, prefix, secret_hash, scopes, created_at, \
     expires_at, last_used_at, revision FROM api_key";
