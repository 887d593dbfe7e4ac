//! Keeps device groups.

use std::collections::BTreeSet;

use async_trait::async_trait;
use fieldgate_core::model::group::{DeviceGroup, GroupSettings};
use fieldgate_core::model::id::{GroupId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::tag::{SelectorTally, Tag, TagSelector, Tags};
use fieldgate_core::model::text::Description;
use fieldgate_core::storage::{Effects, GroupStore, StorageError, Unique};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{DEVICE_GROUP, sound};
use crate::sqlite::row::{Columns, stored, tags_json};
use crate::sqlite::select::{Select, check_revision, json_array};
use crate::sqlite::{SqliteStorage, idempotency, organization, refuse, tally};

#[async_trait]
impl GroupStore for SqliteStorage {
    async fn create_group(
        &self,
        group: &DeviceGroup,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (organization, id) = (group.organization_id, group.id);
        let (group, effects) = (group.clone(), effects.clone());
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                organization::check(tx, group.organization_id).await?;
                insert(tx, &group).await
            })
        })
        .await?;
        self.count_group(organization, id).await
    }

    async fn group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<Option<DeviceGroup>, StorageError> {
        let mut reader = self.reader().await?;
        let found = find(&mut reader, organization, id).await;
        found.map_err(refuse)
    }

    async fn groups(
        &self,
        organization: OrganizationId,
        page: PageRequest<GroupId>,
    ) -> Result<Page<DeviceGroup>, StorageError> {
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

    async fn update_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
        settings: &GroupSettings,
    ) -> Result<DeviceGroup, StorageError> {
        let settings = settings.clone();
        let updated = self
            .write(move |tx| {
                Box::pin(async move {
                    let found = find(tx, organization, id).await?;
                    let mut group = found.ok_or(Error::not_found(WHAT))?;
                    check_revision(expected, group.revision, WHAT)?;
                    group.settings = settings;
                    group.revision = group.revision.next();
                    replace(tx, &group).await?;
                    tally::count_on(tx, organization, id).await?;
                    Ok(group)
                })
            })
            .await?;
        self.count_group(organization, id).await?;
        Ok(updated)
    }

    async fn delete_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let group = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, group.revision, WHAT)?;
                sqlx::query("DELETE FROM device_group WHERE organization_id = ? AND id = ?")
                    .bind(organization.as_bytes().as_slice())
                    .bind(id.as_bytes().as_slice())
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn group_sizes(
        &self,
        organization: OrganizationId,
        ids: &[GroupId],
    ) -> Result<Vec<u64>, StorageError> {
        let mut reader = self.reader().await?;
        let sizes = tally::groups(&mut reader, organization, ids).await;
        sizes.map_err(refuse)
    }
}

/// Counts the devices that each selector chooses: takes from the index what devices have of the
/// tags that the selectors name.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    selectors: &[TagSelector],
) -> Result<Vec<u64>, Error> {
    let parts = selectors.iter().flat_map(|it| [&it.all, &it.any, &it.none]);
    let named: BTreeSet<&str> = parts.flat_map(Tags::iter).map(Tag::as_str).collect();
    let rows = sqlx::query(COUNT_BY_TAGS)
        .bind(organization.as_bytes().as_slice())
        .bind(json_array(named.into_iter()))
        .fetch_all(connection)
        .await?;
    let mut tally = SelectorTally::new(selectors);
    for row in &rows {
        let mut columns = Columns::of(row, "device_tag");
        let tags = columns.tags()?;
        tally.add(&tags, columns.number()?);
    }
    Ok(tally.counts())
}

async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    id: GroupId,
) -> Result<Option<DeviceGroup>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND id = ").bind(id.as_bytes().as_slice());
    select
        .optional(connection, sound(&DEVICE_GROUP, decode))
        .await
}

/// Adds a group.
pub(super) async fn insert(tx: &mut SqliteConnection, group: &DeviceGroup) -> Result<(), Error> {
    let settings = &group.settings;
    let inserted = sqlx::query(
        "INSERT INTO device_group (organization_id, id, name, description, selector_all, \
         selector_any, selector_none, created_at, revision) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(group.organization_id.as_bytes().as_slice())
    .bind(group.id.as_bytes().as_slice())
    .bind(settings.name.as_str())
    .bind(settings.description.as_ref().map(Description::as_str))
    .bind(tags_json(&settings.selector.all))
    .bind(tags_json(&settings.selector.any))
    .bind(tags_json(&settings.selector.none))
    .bind(group.created_at.unix_millis())
    .bind(stored(group.revision.as_u64()))
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::Id));
    }
    // Where there are few devices, or none yet, that is all.
    tally::count_on(tx, group.organization_id, group.id).await?;
    Ok(())
}

async fn replace(tx: &mut SqliteConnection, group: &DeviceGroup) -> Result<(), Error> {
    let settings = &group.settings;
    sqlx::query(
        "UPDATE device_group SET name = ?3, description = ?4, selector_all = ?5, \
         selector_any = ?6, selector_none = ?7, revision = ?8 \
         WHERE organization_id = ?1 AND id = ?2",
    )
    .bind(group.organization_id.as_bytes().as_slice())
    .bind(group.id.as_bytes().as_slice())
    .bind(settings.name.as_str())
    .bind(settings.description.as_ref().map(Description::as_str))
    .bind(tags_json(&settings.selector.all))
    .bind(tags_json(&settings.selector.any))
    .bind(tags_json(&settings.selector.none))
    .bind(stored(group.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<DeviceGroup, Error> {
    let mut columns = Columns::of(row, "device_group");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let id = columns.id(GroupId::from_uuid)?;
    columns.name(id);
    Ok(DeviceGroup {
        id,
        organization_id,
        settings: GroupSettings {
            name: columns.text()?,
            description: columns.text_optional()?,
            selector: TagSelector {
                all: columns.tags()?,
                any: columns.tags()?,
                none: columns.tags()?,
            },
        },
        created_at: columns.timestamp()?,
        revision: columns.revision()?,
    })
}

const WHAT: &str = "device group";

pub(super) const SELECT: &str = "SELECT organization_id, id, name, description, selector_all, \
     selector_any, selector_none, created_at, revision, checksum FROM device_group";

/// How many devices have which of the tags ?2. Those that have none of them are all devices, less
/// the others.
pub(super) const COUNT_BY_TAGS: &str = "WITH tagged (tags) AS (SELECT json_group_array(tag) FROM device_tag \
     WHERE organization_id = ?1 AND tag IN (SELECT value FROM json_each(?2)) GROUP BY owner_id) \
     SELECT tags, count(*) FROM tagged GROUP BY tags UNION ALL \
     SELECT '[]', (SELECT count(*) FROM device WHERE organization_id = ?1) \
     - (SELECT count(*) FROM tagged)";
