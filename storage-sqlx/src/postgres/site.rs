//! Keeps sites.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SiteId};
use fieldgate_core::model::location::Location;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::site::{Site, SiteSettings};
use fieldgate_core::model::text::{Description, LocationLabel, TimeZone};
use fieldgate_core::storage::{Effects, Occupied, SiteStore, StorageError};
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::row::{Columns, stored};
use crate::postgres::select::{Select, check_revision};
use crate::postgres::transaction::scoped;
use crate::postgres::{PostgresStorage, idempotency, refuse};

#[async_trait]
impl SiteStore for PostgresStorage {
    async fn create_site(&self, site: &Site, effects: &Effects) -> Result<(), StorageError> {
        self.write(site.organization_id, |tx| {
            scoped(async move {
                idempotency::record(tx, site.organization_id, effects).await?;
                insert(tx, site).await
            })
        })
        .await
    }

    async fn site(
        &self,
        organization: OrganizationId,
        id: SiteId,
    ) -> Result<Option<Site>, StorageError> {
        let mut reader = self.reader(organization).await?;
        let found = find(&mut reader, organization, id).await;
        found.map_err(refuse)
    }

    async fn sites(
        &self,
        organization: OrganizationId,
        page: PageRequest<SiteId>,
    ) -> Result<Page<Site>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" WHERE organization_id = ");
        select.bind(organization.as_uuid());
        if let Some(after) = page.after {
            select.sql(" AND id > ").bind(after.as_uuid());
        }
        select.sql(" ORDER BY id");
        let mut reader = self.reader(organization).await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn update_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
        settings: &SiteSettings,
    ) -> Result<Site, StorageError> {
        self.write(organization, |tx| {
            scoped(async move {
                let found = lock(tx, organization, id).await?;
                let mut site = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, site.revision, WHAT)?;
                site.settings = settings.clone();
                site.revision = site.revision.next();
                replace(tx, &site).await?;
                Ok(site)
            })
        })
        .await
    }

    async fn delete_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.write(organization, |tx| {
            scoped(async move {
                let found = lock(tx, organization, id).await?;
                let site = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, site.revision, WHAT)?;
                let used: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM device WHERE organization_id = $1 \
                     AND site_id = $2)",
                )
                .bind(organization.as_uuid())
                .bind(id.as_uuid())
                .fetch_one(&mut *tx)
                .await?;
                if used {
                    return Err(StorageError::InUse(Occupied::Site).into());
                }
                sqlx::query("DELETE FROM site WHERE organization_id = $1 AND id = $2")
                    .bind(organization.as_uuid())
                    .bind(id.as_uuid())
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn find(
    connection: &mut PgConnection,
    organization: OrganizationId,
    id: SiteId,
) -> Result<Option<Site>, Error> {
    one(organization, id).optional(connection, decode).await
}

/// Finds one to be changed.
async fn lock(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: SiteId,
) -> Result<Option<Site>, Error> {
    let mut select = one(organization, id);
    select.sql(" FOR UPDATE");
    select.optional(tx, decode).await
}

fn one(organization: OrganizationId, id: SiteId) -> Select {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE organization_id = ");
    select.bind(organization.as_uuid());
    select.sql(" AND id = ").bind(id.as_uuid());
    select
}

pub(super) async fn insert(tx: &mut PgConnection, site: &Site) -> Result<(), Error> {
    let settings = &site.settings;
    let location = settings.location.as_ref();
    sqlx::query(
        "INSERT INTO site (organization_id, id, name, description, latitude, longitude, \
         altitude, location_label, time_zone, created_at, revision) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(site.organization_id.as_uuid())
    .bind(site.id.as_uuid())
    .bind(settings.name.as_str())
    .bind(settings.description.as_ref().map(Description::as_str))
    .bind(location.map(Location::latitude))
    .bind(location.map(Location::longitude))
    .bind(location.and_then(Location::altitude))
    .bind(location.and_then(label))
    .bind(settings.time_zone.as_ref().map(TimeZone::as_str))
    .bind(site.created_at.unix_millis())
    .bind(stored(site.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn replace(tx: &mut PgConnection, site: &Site) -> Result<(), Error> {
    let settings = &site.settings;
    let location = settings.location.as_ref();
    sqlx::query(
        "UPDATE site SET name = $3, description = $4, latitude = $5, longitude = $6, \
         altitude = $7, location_label = $8, time_zone = $9, revision = $10 \
         WHERE organization_id = $1 AND id = $2",
    )
    .bind(site.organization_id.as_uuid())
    .bind(site.id.as_uuid())
    .bind(settings.name.as_str())
    .bind(settings.description.as_ref().map(Description::as_str))
    .bind(location.map(Location::latitude))
    .bind(location.map(Location::longitude))
    .bind(location.and_then(Location::altitude))
    .bind(location.and_then(label))
    .bind(settings.time_zone.as_ref().map(TimeZone::as_str))
    .bind(stored(site.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

/// What a place is called.
pub(super) fn label(location: &Location) -> Option<&str> {
    location.label.as_ref().map(LocationLabel::as_str)
}

pub(super) fn decode(row: &PgRow) -> Result<Site, Error> {
    let mut columns = Columns::of(row, "site");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let id = columns.id(SiteId::from_uuid)?;
    columns.name(id);
    Ok(Site {
        id,
        organization_id,
        settings: SiteSettings {
            name: columns.text()?,
            description: columns.text_optional()?,
            location: columns.location()?,
            time_zone: columns.text_optional()?,
        },
        created_at: columns.timestamp()?,
        revision: columns.revision()?,
    })
}

const WHAT: &str = "site";

pub(super) const SELECT: &str = "SELECT organization_id, id, name, description, latitude, longitude, \
     altitude, location_label, time_zone, created_at, revision FROM site";
