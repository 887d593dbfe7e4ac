//! Keeps organizations.

use async_trait::async_trait;
use fieldgate_core::model::api_key::ApiKey;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::organization::{Organization, Slug};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::text::Name;
use fieldgate_core::storage::{
    Effects, Occupied, OrganizationStore, ServerProof, StorageError, Unique,
};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{ORGANIZATION, sound};
use crate::sqlite::row::{Columns, stored};
use crate::sqlite::select::{Select, check_revision};
use crate::sqlite::{SqliteStorage, api_key, idempotency, refuse};

#[async_trait]
impl OrganizationStore for SqliteStorage {
    async fn create_organization(
        &self,
        _server: ServerProof,
        organization: &Organization,
        first_key: Option<&ApiKey>,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (organization, effects) = (organization.clone(), effects.clone());
        let first_key = first_key.cloned();
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                insert(tx, &organization).await?;
                match &first_key {
                    Some(key) => api_key::insert(tx, key).await,
                    None => Ok(()),
                }
            })
        })
        .await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
        let mut reader = self.reader().await?;
        find(&mut reader, id).await.map_err(refuse)
    }

    async fn organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" WHERE slug = ").bind(slug.as_str());
        let mut reader = self.reader().await?;
        let found = select
            .optional(&mut reader, sound(&ORGANIZATION, decode))
            .await;
        found.map_err(refuse)
    }

    async fn organizations(
        &self,
        _server: ServerProof,
        page: PageRequest<OrganizationId>,
    ) -> Result<Page<Organization>, StorageError> {
        let mut select = Select::new(SELECT);
        if let Some(after) = page.after {
            select.sql(" WHERE id > ").bind(after.as_bytes().as_slice());
        }
        select.sql(" ORDER BY id");
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn update_organization(
        &self,
        _server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
        slug: &Slug,
        name: &Name,
    ) -> Result<Organization, StorageError> {
        let (slug, name) = (slug.clone(), name.clone());
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, id).await?;
                let mut organization = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, organization.revision, WHAT)?;
                if organization.slug != slug {
                    check_slug(tx, &slug).await?;
                }
                organization.slug = slug;
                organization.name = name;
                organization.revision = organization.revision.next();
                replace(tx, &organization).await?;
                Ok(organization)
            })
        })
        .await
    }

    async fn delete_organization(
        &self,
        _server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, id).await?;
                let organization = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, organization.revision, WHAT)?;
                let used: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM device WHERE organization_id = ?)",
                )
                .bind(id.as_bytes().as_slice())
                .fetch_one(&mut *tx)
                .await?;
                if used {
                    return Err(StorageError::InUse(Occupied::Organization).into());
                }
                for statement in DELETE {
                    sqlx::query(statement)
                        .bind(id.as_bytes().as_slice())
                        .execute(&mut *tx)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// Refuses an organization that is not there.
pub(super) async fn check(tx: &mut SqliteConnection, id: OrganizationId) -> Result<(), Error> {
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM organization WHERE id = ?)")
            .bind(id.as_bytes().as_slice())
            .fetch_one(tx)
            .await?;
    if !exists {
        return Err(Error::not_found(WHAT));
    }
    Ok(())
}

async fn find(
    connection: &mut SqliteConnection,
    id: OrganizationId,
) -> Result<Option<Organization>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE id = ").bind(id.as_bytes().as_slice());
    select
        .optional(connection, sound(&ORGANIZATION, decode))
        .await
}

async fn check_slug(tx: &mut SqliteConnection, slug: &Slug) -> Result<(), Error> {
    let taken: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM organization WHERE slug = ?)")
            .bind(slug.as_str())
            .fetch_one(tx)
            .await?;
    if taken {
        return Err(Error::taken(Unique::OrganizationSlug));
    }
    Ok(())
}

/// Adds an organization.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    organization: &Organization,
) -> Result<(), Error> {
    let taken = sqlx::query("SELECT EXISTS (SELECT 1 FROM organization WHERE id = ?)")
        .bind(organization.id.as_bytes().as_slice())
        .fetch_one(&mut *tx)
        .await?;
    if taken.try_get(0)? {
        return Err(Error::taken(Unique::Id));
    }
    check_slug(tx, &organization.slug).await?;
    sqlx::query(
        "INSERT INTO organization (id, slug, name, created_at, revision) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(organization.id.as_bytes().as_slice())
    .bind(organization.slug.as_str())
    .bind(organization.name.as_str())
    .bind(organization.created_at.unix_millis())
    .bind(stored(organization.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn replace(tx: &mut SqliteConnection, organization: &Organization) -> Result<(), Error> {
    sqlx::query("UPDATE organization SET slug = ?2, name = ?3, revision = ?4 WHERE id = ?1")
        .bind(organization.id.as_bytes().as_slice())
        .bind(organization.slug.as_str())
        .bind(organization.name.as_str())
        .bind(stored(organization.revision.as_u64()))
        .execute(tx)
        .await?;
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<Organization, Error> {
    let mut columns = Columns::of(row, "organization");
    let id = columns.id(OrganizationId::from_uuid)?;
    columns.name(id);
    Ok(Organization {
        id,
        slug: columns.text()?,
        name: columns.text()?,
        created_at: columns.timestamp()?,
        revision: columns.revision()?,
    })
}

const WHAT: &str = "organization";

pub(super) const SELECT: &str =
    "SELECT id, slug, name, created_at, revision, checksum FROM organization";

/// What goes with an organization. What its deleted devices left behind is purged by and by.
const DELETE: [&str; 5] = [
    "DELETE FROM api_key WHERE owner = ?",
    "DELETE FROM idempotency WHERE owner = ?",
    "DELETE FROM device_group WHERE organization_id = ?",
    "DELETE FROM site WHERE organization_id = ?",
    "DELETE FROM organization WHERE id = ?",
];
