//! Keeps components.

use async_trait::async_trait;
use fieldgate_core::model::Invalid;
use fieldgate_core::model::component::{
    Component, ComponentFilter, ComponentOrigin, ComponentSettings,
};
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::tag::Tags;
use fieldgate_core::storage::{ComponentStore, Effects, StorageError, Unique};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{COMPONENT, sound};
use crate::sqlite::label::{Labels, push_all};
use crate::sqlite::row::{Columns, stored, tags_json};
use crate::sqlite::select::{Select, check_revision, counted};
use crate::sqlite::{SqliteStorage, device, idempotency, refuse, sensor};

#[async_trait]
impl ComponentStore for SqliteStorage {
    async fn create_component(
        &self,
        component: &Component,
        limits: &Limits,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (component, effects) = (component.clone(), effects.clone());
        let limit = limits.components_per_device;
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                let (organization, device) = (component.organization_id, component.device_id);
                device::check(tx, organization, device).await?;
                check_unique(tx, &component).await?;
                if count(tx, organization, device).await? >= limit {
                    let what = "components per device";
                    return Err(StorageError::LimitReached { what, limit }.into());
                }
                insert(tx, &component).await
            })
        })
        .await
    }

    async fn component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
    ) -> Result<Option<Component>, StorageError> {
        let mut reader = self.reader().await?;
        let found = find(&mut reader, organization, id).await;
        found.map_err(refuse)
    }

    async fn components(
        &self,
        organization: OrganizationId,
        filter: &ComponentFilter,
        page: PageRequest<ComponentId>,
    ) -> Result<Page<Component>, StorageError> {
        let select = list_query(SELECT, organization, filter, page.after);
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn update_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
        settings: &ComponentSettings,
    ) -> Result<Component, StorageError> {
        let settings = settings.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let before = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, before.revision, WHAT)?;
                let component = Component {
                    settings,
                    revision: before.revision.next(),
                    ..before.clone()
                };
                replace(tx, &before, &component).await?;
                Ok(component)
            })
        })
        .await
    }

    async fn delete_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let component = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, component.revision, WHAT)?;
                sensor::delete_of_component(tx, organization, id).await?;
                delete(tx, &component).await
            })
        })
        .await
    }
}

/// The component of a living device.
async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    id: ComponentId,
) -> Result<Option<Component>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" FROM component AS c WHERE c.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND c.id = ").bind(id.as_bytes().as_slice());
    select.sql(LIVES);
    select.optional(connection, sound(&COMPONENT, decode)).await
}

/// The query of a list, by id, up to its limit. `columns` is all of it before FROM.
pub(super) fn list_query(
    columns: &'static str,
    organization: OrganizationId,
    filter: &ComponentFilter,
    after: Option<ComponentId>,
) -> Select {
    let mut select = Select::new(columns);
    let position = push_source(&mut select, organization, filter);
    if let Some(after) = after {
        select.sql(" AND ").sql(position).sql(" > ");
        select.bind(after.as_bytes().as_slice());
    }
    if let Some(profile) = &filter.profile {
        // Of a device or a tag there are fewer than of a profile.
        let leads = filter.device_id.is_none() && filter.tags.is_empty();
        select.sql(if leads {
            " AND c.profile = "
        } else {
            " AND +c.profile = "
        });
        select.bind(profile.to_string());
    }
    push_all(&mut select, HAS_TAG, filter.tags.iter());
    select.sql(LIVES).sql(" ORDER BY ").sql(position);
    select
}

/// Says where to look: at the few components of the device, else at those with the first tag, else
/// at all. Returns what the order is by; a plus keeps an index out of it, as sorting those of one
/// device is cheap.
fn push_source(
    select: &mut Select,
    organization: OrganizationId,
    filter: &ComponentFilter,
) -> &'static str {
    let organization = organization.as_bytes().as_slice();
    match (&filter.device_id, filter.tags.first()) {
        (Some(device), _) => {
            select.sql(" FROM component AS c WHERE c.organization_id = ");
            select.bind(organization).sql(" AND c.device_id = ");
            select.bind(device.as_bytes().as_slice());
            "+c.id"
        }
        (None, Some(tag)) => {
            select.sql(
                " FROM component_tag AS f CROSS JOIN component AS c \
                 ON c.organization_id = f.organization_id AND c.id = f.owner_id \
                 WHERE f.organization_id = ",
            );
            select.bind(organization);
            select.sql(" AND f.tag = ").bind(tag.as_str());
            "f.owner_id"
        }
        (None, None) => {
            select.sql(" FROM component AS c WHERE c.organization_id = ");
            select.bind(organization);
            "c.id"
        }
    }
}

/// How many components a device has.
pub(super) async fn count(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
) -> Result<usize, Error> {
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM component WHERE organization_id = ? AND device_id = ?",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .fetch_one(tx)
    .await?;
    Ok(counted(count))
}

/// The components of a device that have one of the keys, a JSON array. Refuses a device that is not
/// there, or deleted.
pub(super) async fn with_keys(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    keys: &str,
) -> Result<Vec<Component>, Error> {
    // The device's row tells a device without such components from no device.
    let mut select = Select::new(SELECT);
    select.sql(
        " FROM device AS d LEFT JOIN component AS c ON c.organization_id = d.organization_id \
         AND c.device_id = d.id AND c.key IN (SELECT value FROM json_each(",
    );
    select.bind(keys).sql(")) WHERE d.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND d.id = ");
    select.bind(device.as_bytes().as_slice());
    let rows = select.query().fetch_all(tx).await?;
    match rows.as_slice() {
        [] => Err(Error::not_found(device::WHAT)),
        [row] if is_null(row)? => Ok(Vec::new()),
        rows => rows.iter().map(decode).collect(),
    }
}

fn is_null(row: &SqliteRow) -> Result<bool, Error> {
    let first: Option<Vec<u8>> = Columns::of(row, "component").plain()?;
    Ok(first.is_none())
}

/// Refuses a component that is not there.
pub(super) async fn check(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    id: ComponentId,
) -> Result<(), Error> {
    let found = find(tx, organization, id).await?;
    found.map(drop).ok_or(Error::not_found(WHAT))
}

/// Refuses a component whose id or key is taken.
pub(super) async fn check_unique(
    tx: &mut SqliteConnection,
    component: &Component,
) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM component WHERE id = ?2), EXISTS (SELECT 1 FROM component \
         WHERE organization_id = ?1 AND device_id = ?3 AND key = ?4)",
    )
    .bind(component.organization_id.as_bytes().as_slice())
    .bind(component.id.as_bytes().as_slice())
    .bind(component.device_id.as_bytes().as_slice())
    .bind(component.key.as_str())
    .fetch_one(tx)
    .await?;
    let mut columns = Columns::of(&row, "component");
    for what in [Unique::Id, Unique::ComponentKey] {
        if columns.plain()? {
            return Err(Error::taken(what));
        }
    }
    Ok(())
}

/// Adds a component; its key is free.
pub(super) async fn insert(tx: &mut SqliteConnection, component: &Component) -> Result<(), Error> {
    let settings = &component.settings;
    let inserted = sqlx::query(
        "INSERT INTO component (organization_id, id, device_id, key, origin, name, profile, \
         tags, metadata, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO NOTHING",
    )
    .bind(component.organization_id.as_bytes().as_slice())
    .bind(component.id.as_bytes().as_slice())
    .bind(component.device_id.as_bytes().as_slice())
    .bind(component.key.as_str())
    .bind(component.origin.to_string())
    .bind(settings.name.as_str())
    .bind(settings.profile.as_ref().map(ToString::to_string))
    .bind(tags_json(&settings.tags))
    .bind(settings.metadata.to_string())
    .bind(stored(component.revision.as_u64()))
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::Id));
    }
    set_tags(tx, component, (&Tags::default(), &settings.tags)).await
}

pub(super) async fn replace(
    tx: &mut SqliteConnection,
    before: &Component,
    component: &Component,
) -> Result<(), Error> {
    let settings = &component.settings;
    sqlx::query(
        "UPDATE component SET name = ?3, profile = ?4, tags = ?5, metadata = ?6, revision = ?7 \
         WHERE organization_id = ?1 AND id = ?2",
    )
    .bind(component.organization_id.as_bytes().as_slice())
    .bind(component.id.as_bytes().as_slice())
    .bind(settings.name.as_str())
    .bind(settings.profile.as_ref().map(ToString::to_string))
    .bind(tags_json(&settings.tags))
    .bind(settings.metadata.to_string())
    .bind(stored(component.revision.as_u64()))
    .execute(&mut *tx)
    .await?;
    set_tags(tx, component, (&before.settings.tags, &settings.tags)).await
}

/// Removes a component that has no sensors.
async fn delete(tx: &mut SqliteConnection, component: &Component) -> Result<(), Error> {
    let tags = (&component.settings.tags, &Tags::default());
    set_tags(tx, component, tags).await?;
    sqlx::query("DELETE FROM component WHERE organization_id = ? AND id = ?")
        .bind(component.organization_id.as_bytes().as_slice())
        .bind(component.id.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes at most `limit` components of a deleted device; how many they were.
pub(super) async fn purge(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    limit: i64,
) -> Result<usize, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" FROM component AS c WHERE c.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND c.device_id = ");
    select.bind(device.as_bytes().as_slice());
    select.sql(" LIMIT ").bind(limit);
    let rows = select.query().fetch_all(&mut *tx).await?;
    for row in &rows {
        delete(tx, &decode(row)?).await?;
    }
    Ok(rows.len())
}

async fn set_tags(
    tx: &mut SqliteConnection,
    component: &Component,
    tags: (&Tags, &Tags),
) -> Result<(), Error> {
    let id = component.id.as_bytes().as_slice();
    Labels::COMPONENT
        .set_tags(tx, component.organization_id, id, tags)
        .await
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<Component, Error> {
    let mut columns = Columns::of(row, "component");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let id = columns.id(ComponentId::from_uuid)?;
    columns.name(id);
    Ok(Component {
        id,
        organization_id,
        device_id: columns.id(DeviceId::from_uuid)?,
        key: columns.text()?,
        origin: columns.parse_with(origin)?,
        settings: ComponentSettings {
            name: columns.text()?,
            profile: columns.text_optional()?,
            tags: columns.tags()?,
            metadata: columns.text()?,
        },
        revision: columns.revision()?,
    })
}

fn origin(text: &str) -> Result<ComponentOrigin, Invalid> {
    [ComponentOrigin::Announced, ComponentOrigin::Manual]
        .into_iter()
        .find(|origin| origin.to_string() == text)
        .ok_or_else(|| Invalid::new("no such origin of a component"))
}

const WHAT: &str = "component";

pub(super) const SELECT: &str = "SELECT c.organization_id, c.id, c.device_id, c.key, c.origin, c.name, \
     c.profile, c.tags, c.metadata, c.revision, c.checksum";

pub(super) const LIVES: &str = " AND EXISTS (SELECT 1 FROM device AS d \
     WHERE d.organization_id = c.organization_id AND d.id = c.device_id)";

const HAS_TAG: &str = "EXISTS (SELECT 1 FROM component_tag AS t \
     WHERE t.organization_id = c.organization_id AND t.owner_id = c.id AND t.tag";
