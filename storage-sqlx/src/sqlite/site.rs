//! Keeps sites.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SiteId};
use fieldgate_core::model::location::Location;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::site::{Site, SiteSettings};
use fieldgate_core::model::text::{Description, LocationLabel, TimeZone};
use fieldgate_core::storage::{Effects, Occupied, SiteStore, StorageError, Unique};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{SITE, sound};
use crate::sqlite::row::{Columns, stored};
use crate::sqlite::select::{Select, check_revision};
use crate::sqlite::{SqliteStorage, idempotency, organization, refuse};

#[async_trait]
impl SiteStore for SqliteStorage {
    async fn create_site(&self, site: &Site, effects: &Effects) -> Result<(), StorageError> {
        let (site, effects) = (site.clone(), effects.clone());
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                organization::check(tx, site.organization_id).await?;
                insert(tx, &site).await
            })
        })
        .await
    }

    async fn site(
        &self,
        organization: OrganizationId,
        id: SiteId,
    ) -> Result<Option<Site>, StorageError> {
        let mut reader = self.reader().await?;
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
        select.bind(organization.as_bytes().as_slice());
        if let Some(after) = page.after {
            select.sql(" AND id > ").bind(after.as_bytes().as_slice());
        }
        select.sql(" ORDER BY id");
        let mut reader = self.reader().await?;
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
        let settings = settings.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let mut site = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, site.revision, WHAT)?;
                site.settings = settings;
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
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let site = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, site.revision, WHAT)?;
                let used: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM device WHERE organization_id = ? \
                     AND site_id = ?)",
                )
                .bind(organization.as_bytes().as_slice())
                .bind(id.as_bytes().as_slice())
                .fetch_one(&mut *tx)
                .await?;
                if used {
                    return Err(StorageError::InUse(Occupied::Site).into());
                }
                sqlx::query("DELETE FROM site WHERE organization_id = ? AND id = ?")
                    .bind(organization.as_bytes().as_slice())
                    .bind(id.as_bytes().as_slice())
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    id: SiteId,
) -> Result<Option<Site>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND id = ").bind(id.as_bytes().as_slice());
    select.optional(connection, sound(&SITE, decode)).await
}

/// Adds a site.
pub(super) async fn insert(tx: &mut SqliteConnection, site: &Site) -> Result<(), Error> {
    let settings = &site.settings;
    let location = settings.location.as_ref();
    let inserted = sqlx::query(
        "INSERT INTO site (organization_id, id, name, description, latitude, longitude, \
         altitude, location_label, time_zone, created_at, revision) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(site.organization_id.as_bytes().as_slice())
    .bind(site.id.as_bytes().as_slice())
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
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::Id));
    }
    Ok(())
}

async fn replace(tx: &mut SqliteConnection, site: &Site) -> Result<(), Error> {
    let settings = &site.settings;
    let location = settings.location.as_ref();
    sqlx::query(
        "UPDATE site SET name = ?3, description = ?4, latitude = ?5, longitude = ?6, \
         altitude = ?7, location_label = ?8, time_zone = ?9, revision = ?10 \
         WHERE organization_id = ?1 AND id = ?2",
    )
    .bind(site.organization_id.as_bytes().as_slice())
    .bind(site.id.as_bytes().as_slice())
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

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<Site, Error> {
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
     altitude, location_label, time_zone, created_at, revision, checksum \
     FROM site";
