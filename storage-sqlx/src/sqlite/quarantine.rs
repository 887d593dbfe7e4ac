//! Keeps quarantined items.

use async_trait::async_trait;
use fieldgate_core::model::id::{DeviceId, OrganizationId, QuarantineId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::quarantine::{QuarantineFilter, QuarantinedItem, Rejection};
use fieldgate_core::storage::{QuarantineStore, StorageError, Unique};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{QUARANTINE, sound};
use crate::sqlite::row::Columns;
use crate::sqlite::select::{Select, row_count};
use crate::sqlite::{SqliteStorage, refuse};

#[async_trait]
impl QuarantineStore for SqliteStorage {
    async fn quarantined_item(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<Option<QuarantinedItem>, StorageError> {
        let mut select = of_organization(organization);
        select.sql(" AND q.id = ").bind(id.as_bytes().as_slice());
        let mut reader = self.reader().await?;
        let found = select
            .optional(&mut reader, sound(&QUARANTINE, decode))
            .await;
        found.map_err(refuse)
    }

    async fn quarantined(
        &self,
        organization: OrganizationId,
        filter: &QuarantineFilter,
        page: PageRequest<QuarantineId>,
    ) -> Result<Page<QuarantinedItem>, StorageError> {
        let mut select = of_organization(organization);
        if let Some(after) = page.after {
            select.sql(" AND q.id < ").bind(after.as_bytes().as_slice());
        }
        if let Some(device) = &filter.device_id {
            select.sql(" AND q.device_id = ");
            select.bind(device.as_bytes().as_slice());
        }
        if let Some(reason) = filter.reason {
            select.sql(" AND q.reason = ").bind(reason.as_str());
        }
        select.sql(" ORDER BY q.id DESC");
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn discard_quarantined(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<(), StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let deleted = sqlx::query(
                    "DELETE FROM quarantine WHERE organization_id = ? AND id = ? \
                     AND EXISTS (SELECT 1 FROM device AS d \
                     WHERE d.organization_id = quarantine.organization_id \
                     AND d.id = quarantine.device_id)",
                )
                .bind(organization.as_bytes().as_slice())
                .bind(id.as_bytes().as_slice())
                .execute(tx)
                .await?;
                if deleted.rows_affected() == 0 {
                    return Err(Error::not_found("quarantined item"));
                }
                Ok(())
            })
        })
        .await
    }
}

/// Adds an item of a living device.
pub(super) async fn insert(tx: &mut SqliteConnection, item: &QuarantinedItem) -> Result<(), Error> {
    let rejection = &item.rejection;
    let inserted = sqlx::query(
        "INSERT INTO quarantine (organization_id, id, device_id, received_at, reason, detail, \
         raw) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(item.organization_id.as_bytes().as_slice())
    .bind(item.id.as_bytes().as_slice())
    .bind(item.device_id.as_bytes().as_slice())
    .bind(item.received_at.unix_millis())
    .bind(rejection.reason.as_str())
    .bind(&rejection.detail)
    .bind(&rejection.raw)
    .execute(tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::Id));
    }
    Ok(())
}

/// Removes the oldest items of a device until there are at most `limit`.
pub(super) async fn trim(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    limit: usize,
) -> Result<(), Error> {
    sqlx::query(
        "DELETE FROM quarantine WHERE organization_id = ?1 AND device_id = ?2 AND id <= ( \
         SELECT id FROM quarantine WHERE organization_id = ?1 AND device_id = ?2 \
         ORDER BY id DESC LIMIT 1 OFFSET ?3)",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .bind(row_count(limit))
    .execute(tx)
    .await?;
    Ok(())
}

/// Those of living devices.
fn of_organization(organization: OrganizationId) -> Select {
    let mut select = Select::new(SELECT);
    select.sql(" AND q.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<QuarantinedItem, Error> {
    let mut columns = Columns::of(row, "quarantine");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let id = columns.id(QuarantineId::from_uuid)?;
    columns.name(id);
    Ok(QuarantinedItem {
        id,
        organization_id,
        device_id: columns.id(DeviceId::from_uuid)?,
        received_at: columns.timestamp()?,
        rejection: Rejection {
            reason: columns.text()?,
            detail: columns.plain()?,
            raw: columns.plain()?,
        },
    })
}

/// Those of living devices.
pub(super) const SELECT: &str = "SELECT q.organization_id, q.id, q.device_id, q.received_at, \
     q.reason, q.detail, q.raw, q.checksum FROM quarantine AS q WHERE EXISTS (SELECT 1 FROM device AS d \
     WHERE d.organization_id = q.organization_id AND d.id = q.device_id)";
