//! Keeps organizations.

use async_trait::async_trait;
use fieldgate_core::model::api_key::ApiKey;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::organization::{Organization, Slug};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::text::Name;
use fieldgate_core::storage::{Effects, Occupied, OrganizationStore, ServerProof, StorageError};
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::row::{Columns, stored};
use crate::postgres::select::{Select, check_revision};
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, api_key, idempotency, refuse};

#[async_trait]
impl OrganizationStore for PostgresStorage {
    async fn create_organization(
        &self,
        _server: ServerProof,
        organization: &Organization,
        first_key: Option<&ApiKey>,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.write(View::Server, |tx| {
            scoped(async move {
                idempotency::record(tx, View::Server, effects).await?;
                insert(tx, organization).await?;
                match first_key {
                    Some(key) => api_key::insert(tx, key).await,
                    None => Ok(()),
                }
            })
        })
        .await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
        let mut reader = self.reader(id).await?;
        find(&mut reader, id).await.map_err(refuse)
    }

    async fn organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" WHERE slug = ").bind(slug.as_str());
        let mut reader = self.reader(View::Server).await?;
        let found = select.optional(&mut reader, decode).await;
        found.map_err(refuse)
    }

    async fn organizations(
        &self,
        _server: ServerProof,
        page: PageRequest<OrganizationId>,
    ) -> Result<Page<Organization>, StorageError> {
        let mut select = Select::new(SELECT);
        if let Some(after) = page.after {
            select.sql(" WHERE id > ").bind(after.as_uuid());
        }
        select.sql(" ORDER BY id");
        let mut reader = self.reader(View::Server).await?;
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
        self.write(View::Server, |tx| {
            scoped(async move {
                let found = lock(tx, id).await?;
                let mut organization = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, organization.revision, WHAT)?;
                organization.slug = slug.clone();
                organization.name = name.clone();
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
        self.write(View::Server, |tx| {
            scoped(async move {
                let found = lock(tx, id).await?;
                let organization = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, organization.revision, WHAT)?;
                let used: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM device WHERE organization_id = $1)",
                )
                .bind(id.as_uuid())
                .fetch_one(&mut *tx)
                .await?;
                if used {
                    return Err(StorageError::InUse(Occupied::Organization).into());
                }
                for statement in DELETE {
                    sqlx::query(statement)
                        .bind(id.as_uuid())
                        .execute(&mut *tx)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }
}

async fn find(
    connection: &mut PgConnection,
    id: OrganizationId,
) -> Result<Option<Organization>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE id = ").bind(id.as_uuid());
    select.optional(connection, decode).await
}

/// Finds one to be changed, or to say that it has to stay.
async fn lock(tx: &mut PgConnection, id: OrganizationId) -> Result<Option<Organization>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE id = ").bind(id.as_uuid());
    select.sql(" FOR UPDATE");
    select.optional(tx, decode).await
}

pub(super) async fn insert(
    tx: &mut PgConnection,
    organization: &Organization,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO organization (id, slug, name, created_at, revision) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(organization.id.as_uuid())
    .bind(organization.slug.as_str())
    .bind(organization.name.as_str())
    .bind(organization.created_at.unix_millis())
    .bind(stored(organization.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn replace(tx: &mut PgConnection, organization: &Organization) -> Result<(), Error> {
    sqlx::query("UPDATE organization SET slug = $2, name = $3, revision = $4 WHERE id = $1")
        .bind(organization.id.as_uuid())
        .bind(organization.slug.as_str())
        .bind(organization.name.as_str())
        .bind(stored(organization.revision.as_u64()))
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) fn decode(row: &PgRow) -> Result<Organization, Error> {
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

pub(super) const SELECT: &str = "SELECT id, slug, name, created_at, revision FROM organization";

/// What goes with an organization. What its deleted devices left behind is purged by and by.
const DELETE: [&str; 6] = [
    "DELETE FROM api_key WHERE organization_id = $1",
    "DELETE FROM idempotency WHERE organization_id = $1",
    "DELETE FROM device_group WHERE organization_id = $1",
    "DELETE FROM site WHERE organization_id = $1",
    "DELETE FROM tally WHERE organization_id = $1",
    "DELETE FROM organization WHERE id = $1",
];
