//! Keeps API keys.

use async_trait::async_trait;
use fieldgate_core::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, KeyPrefix, Scope};
use fieldgate_core::model::id::{ApiKeyId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::secret::SecretHash;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ApiKeyStore, Effects, StorageError, Unique};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use uuid::Uuid;

use crate::error::Error;
use crate::sqlite::checksum::{API_KEY, sound};
use crate::sqlite::row::{Columns, stored};
use crate::sqlite::select::{Select, check_revision, json_array};
use crate::sqlite::{SqliteStorage, idempotency, organization, refuse};

#[async_trait]
impl ApiKeyStore for SqliteStorage {
    async fn create_api_key(&self, key: &ApiKey, effects: &Effects) -> Result<(), StorageError> {
        let (key, effects) = (key.clone(), effects.clone());
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                if let KeyOwner::Organization(id) = key.owner {
                    organization::check(tx, id).await?;
                }
                insert(tx, &key).await
            })
        })
        .await
    }

    async fn api_key(&self, owner: KeyOwner, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        let mut reader = self.reader().await?;
        let found = find(&mut reader, owner, id).await;
        found.map_err(refuse)
    }

    async fn api_key_by_prefix(&self, prefix: KeyPrefix) -> Result<Option<ApiKey>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" WHERE prefix = ").bind(prefix.to_string());
        let mut reader = self.reader().await?;
        let found = select.optional(&mut reader, sound(&API_KEY, decode)).await;
        found.map_err(refuse)
    }

    async fn api_keys(
        &self,
        owner: KeyOwner,
        page: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" WHERE owner = ").bind(owner_octets(&owner));
        if let Some(after) = page.after {
            select.sql(" AND id > ").bind(after.as_bytes().as_slice());
        }
        select.sql(" ORDER BY id");
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn touch_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE api_key SET last_used_at = ?3 WHERE owner = ?1 AND id = ?2 \
                     AND (last_used_at IS NULL OR last_used_at < ?3)",
                )
                .bind(owner_octets(&owner))
                .bind(id.as_bytes().as_slice())
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
        let settings = settings.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, owner, id).await?;
                let mut key = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, key.revision, WHAT)?;
                key.update(settings);
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
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, owner, id).await?;
                let key = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, key.revision, WHAT)?;
                sqlx::query("DELETE FROM api_key WHERE owner = ?1 AND id = ?2")
                    .bind(owner_octets(&owner))
                    .bind(id.as_bytes().as_slice())
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

/// An owner as it is stored: the octets of an organization's id, none for the server.
pub(super) const fn owner_octets(owner: &KeyOwner) -> &[u8] {
    match owner {
        KeyOwner::Organization(id) => id.as_bytes().as_slice(),
        KeyOwner::Server => &[],
    }
}

/// Reads the next column as [`owner_octets`] writes it.
pub(super) fn owner(columns: &mut Columns<'_>) -> Result<KeyOwner, Error> {
    columns.parse_with(|octets: &[u8]| match octets {
        [] => Ok(KeyOwner::Server),
        octets => Uuid::from_slice(octets)
            .map(|uuid| KeyOwner::Organization(OrganizationId::from_uuid(uuid))),
    })
}

async fn find(
    connection: &mut SqliteConnection,
    owner: KeyOwner,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE owner = ").bind(owner_octets(&owner));
    select.sql(" AND id = ").bind(id.as_bytes().as_slice());
    select.optional(connection, sound(&API_KEY, decode)).await
}

pub(super) async fn insert(tx: &mut SqliteConnection, key: &ApiKey) -> Result<(), Error> {
    let prefix = key.prefix.to_string();
    let taken = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM api_key WHERE id = ?1), \
         EXISTS (SELECT 1 FROM api_key WHERE prefix = ?2)",
    )
    .bind(key.id.as_bytes().as_slice())
    .bind(&prefix)
    .fetch_one(&mut *tx)
    .await?;
    for (column, what) in [(0, Unique::Id), (1, Unique::ApiKeyPrefix)] {
        if taken.try_get(column)? {
            return Err(Error::taken(what));
        }
    }
    sqlx::query(
        "INSERT INTO api_key (owner, id, name, prefix, secret_hash, scopes, created_at, \
         expires_at, last_used_at, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(owner_octets(&key.owner))
    .bind(key.id.as_bytes().as_slice())
    .bind(key.name.as_str())
    .bind(prefix)
    .bind(key.secret_hash.as_bytes().as_slice())
    .bind(json_array(key.scopes.iter().map(|scope| scope.as_str())))
    .bind(key.created_at.unix_millis())
    .bind(key.expires_at.map(Timestamp::unix_millis))
    .bind(key.last_used_at.map(Timestamp::unix_millis))
    .bind(stored(key.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn replace(tx: &mut SqliteConnection, key: &ApiKey) -> Result<(), Error> {
    sqlx::query(
        "UPDATE api_key SET name = ?3, scopes = ?4, expires_at = ?5, revision = ?6 \
         WHERE owner = ?1 AND id = ?2",
    )
    .bind(owner_octets(&key.owner))
    .bind(key.id.as_bytes().as_slice())
    .bind(key.name.as_str())
    .bind(json_array(key.scopes.iter().map(|scope| scope.as_str())))
    .bind(key.expires_at.map(Timestamp::unix_millis))
    .bind(stored(key.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<ApiKey, Error> {
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

pub(super) const SELECT: &str = "SELECT id, owner, name, prefix, secret_hash, scopes, created_at, \
     expires_at, last_used_at, revision, checksum FROM api_key";
