//! Keeps device groups.

use std::collections::BTreeSet;

use async_trait::async_trait;
use fieldgate_core::model::group::{DeviceGroup, GroupSettings};
use fieldgate_core::model::id::{GroupId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::tag::{SelectorTally, Tag, TagSelector, Tags};
use fieldgate_core::model::text::Description;
use fieldgate_core::storage::{Effects, GroupStore, StorageError};
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::row::{Columns, stored, tag_texts};
use crate::postgres::select::{Select, check_revision};
use crate::postgres::transaction::scoped;
use crate::postgres::{PostgresStorage, idempotency, refuse, tally};

#[async_trait]
impl GroupStore for PostgresStorage {
    async fn create_group(
        &self,
        group: &DeviceGroup,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.write(group.organization_id, |tx| {
            scoped(async move {
                idempotency::record(tx, group.organization_id, effects).await?;
                insert(tx, group).await
            })
        })
        .await?;
        self.count_group(group.organization_id, group.id).await
    }

    async fn group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<Option<DeviceGroup>, StorageError> {
        let mut reader = self.reader(organization).await?;
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
        select.bind(organization.as_uuid());
        if let Some(after) = page.after {
            select.sql(" AND id > ").bind(after.as_uuid());
        }
        select.sql(" ORDER BY id");
        let mut reader = self.reader(organization).await?;
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
        let updated = self
            .write(organization, |tx| {
                scoped(async move {
                    let found = lock(tx, organization, id).await?;
                    let mut group = found.ok_or(Error::not_found(WHAT))?;
                    check_revision(expected, group.revision, WHAT)?;
                    group.settings = settings.clone();
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
        self.write(organization, |tx| {
            scoped(async move {
                let found = lock(tx, organization, id).await?;
                let group = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, group.revision, WHAT)?;
                sqlx::query("DELETE FROM device_group WHERE organization_id = $1 AND id = $2")
                    .bind(organization.as_uuid())
                    .bind(id.as_uuid())
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
        let mut reader = self.reader(organization).await?;
        let sizes = tally::groups(&mut reader, organization, ids).await;
        sizes.map_err(refuse)
    }
}

/// Counts the devices that each selector chooses: takes from the index what devices have of the
/// tags that the selectors name.
pub(super) async fn count(
    connection: &mut PgConnection,
    organization: OrganizationId,
    selectors: &[TagSelector],
) -> Result<Vec<u64>, Error> {
    let parts = selectors.iter().flat_map(|it| [&it.all, &it.any, &it.none]);
    let named: BTreeSet<&str> = parts.flat_map(Tags::iter).map(Tag::as_str).collect();
    let rows = sqlx::query(COUNT_BY_TAGS)
        .bind(organization.as_uuid())
        .bind(Vec::from_iter(named))
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
    connection: &mut PgConnection,
    organization: OrganizationId,
    id: GroupId,
) -> Result<Option<DeviceGroup>, Error> {
    one(organization, id).optional(connection, decode).await
}

/// Finds one to be changed.
async fn lock(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: GroupId,
) -> Result<Option<DeviceGroup>, Error> {
    let mut select = one(organization, id);
    select.sql(" FOR UPDATE");
    select.optional(tx, decode).await
}

fn one(organization: OrganizationId, id: GroupId) -> Select {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE organization_id = ");
    select.bind(organization.as_uuid());
    select.sql(" AND id = ").bind(id.as_uuid());
    select
}

pub(super) async fn insert(tx: &mut PgConnection, group: &DeviceGroup) -> Result<(), Error> {
    let settings = &group.settings;
    sqlx::query(
        "INSERT INTO device_group (organization_id, id, name, description, selector_all, \
         selector_any, selector_none, created_at, revision) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(group.organization_id.as_uuid())
    .bind(group.id.as_uuid())
    .bind(settings.name.as_str())
    .bind(settings.description.as_ref().map(Description::as_str))
    .bind(tag_texts(&settings.selector.all))
    .bind(tag_texts(&settings.selector.any))
    .bind(tag_texts(&settings.selector.none))
    .bind(group.created_at.unix_millis())
    .bind(stored(group.revision.as_u64()))
    .execute(&mut *tx)
    .await?;
    // Where there are few devices, or none yet, that is all.
    tally::count_on(tx, group.organization_id, group.id).await?;
    Ok(())
}

async fn replace(tx: &mut PgConnection, group: &DeviceGroup) -> Result<(), Error> {
    let settings = &group.settings;
    sqlx::query(
        "UPDATE device_group SET name = $3, description = $4, selector_all = $5, \
         selector_any = $6, selector_none = $7, revision = $8 \
         WHERE organization_id = $1 AND id = $2",
    )
    .bind(group.organization_id.as_uuid())
    .bind(group.id.as_uuid())
    .bind(settings.name.as_str())
    .bind(settings.description.as_ref().map(Description::as_str))
    .bind(tag_texts(&settings.selector.all))
    .bind(tag_texts(&settings.selector.any))
    .bind(tag_texts(&settings.selector.none))
    .bind(stored(group.revision.as_u64()))
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) fn decode(row: &PgRow) -> Result<DeviceGroup, Error> {
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
     selector_any, selector_none, created_at, revision FROM device_group";

/// How many devices have which of the tags $2. Those that have none of them are all devices, less
/// the others.
const COUNT_BY_TAGS: &str = "WITH tagged (tags) AS (SELECT array_agg(tag ORDER BY tag) \
     FROM device_tag WHERE organization_id = $1 AND tag = ANY($2) GROUP BY owner_id) \
     SELECT tags, count(*) FROM tagged GROUP BY tags UNION ALL \
     SELECT '{}', (SELECT count(*) FROM device WHERE organization_id = $1) \
     - (SELECT count(*) FROM tagged)";
