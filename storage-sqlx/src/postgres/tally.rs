//! Reads the numbers that triggers keep, and counts the groups that have a new selector.

use std::collections::HashMap;

use fieldgate_core::model::device::DeviceSummary;
use fieldgate_core::model::id::{DeviceId, GroupId, OrganizationId, SiteId};
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::sensor::SensorSummary;
use fieldgate_core::model::tag::TagSelector;
use fieldgate_core::storage::StorageError;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::row::Columns;
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, group};

/// How many devices an organization has.
pub(super) async fn devices(
    connection: &mut PgConnection,
    organization: OrganizationId,
) -> Result<DeviceSummary, Error> {
    let rows = sqlx::query(DEVICES)
        .bind(organization.as_uuid())
        .fetch_all(connection)
        .await?;
    let mut summary = DeviceSummary::default();
    for row in &rows {
        let mut columns = Columns::of(row, "tally");
        let (kind, count): (&str, _) = (columns.plain()?, columns.number()?);
        match kind {
            "STATUS" => {
                let status: DeviceStatus = columns.text()?;
                summary.total += count;
                summary.by_status.insert(status, count);
            }
            "ONLINE" => summary.online = count,
            "SITE" => {
                let site = columns.parse_with(site)?;
                summary.by_site.insert(site, count);
            }
            _ => {
                let profile: &str = columns.plain()?;
                let profile = (!profile.is_empty()).then(|| profile.parse()).transpose();
                let profile = profile.map_err(|source| columns.last_error(source))?;
                summary.by_profile.insert(profile, count);
            }
        }
    }
    Ok(summary)
}

/// Of those without a site it is empty.
fn site(text: &str) -> Result<Option<SiteId>, uuid::Error> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(SiteId::from_uuid).map(Some)
}

/// How many sensors an organization has.
pub(super) async fn sensors(
    connection: &mut PgConnection,
    organization: OrganizationId,
) -> Result<SensorSummary, Error> {
    let rows = sqlx::query(SENSORS)
        .bind(organization.as_uuid())
        .fetch_all(connection)
        .await?;
    let mut summary = SensorSummary::default();
    for row in &rows {
        let mut columns = Columns::of(row, "tally");
        let count = columns.number()?;
        summary.add(columns.text()?, count);
    }
    Ok(summary)
}

/// How many devices belong to each of some groups. Those that have not been counted to their end
/// are counted here.
pub(super) async fn groups(
    connection: &mut PgConnection,
    organization: OrganizationId,
    ids: &[GroupId],
) -> Result<Vec<u64>, Error> {
    let rows = sqlx::query(GROUPS)
        .bind(organization.as_uuid())
        .bind(Vec::from_iter(ids.iter().map(|id| *id.as_uuid())))
        .fetch_all(&mut *connection)
        .await?;
    let mut sizes = HashMap::new();
    let mut uncounted = Vec::new();
    for row in &rows {
        let mut columns = Columns::of(row, "device_group");
        let id = columns.id(GroupId::from_uuid)?;
        let (counted, count) = (columns.plain()?, columns.number()?);
        if counted {
            sizes.insert(id, count);
        } else {
            uncounted.push((id, selector(&mut columns)?));
        }
    }
    if !uncounted.is_empty() {
        let (ids, selectors): (Vec<_>, Vec<_>) = uncounted.into_iter().unzip();
        let counts = group::count(connection, organization, &selectors).await?;
        sizes.extend(ids.into_iter().zip(counts));
    }
    let size = |id| sizes.get(id).copied().unwrap_or(0);
    Ok(ids.iter().map(size).collect())
}

/// Tells which groups have another size than was counted, but for those that have not been counted
/// to their end.
pub(super) async fn wrong_groups(
    connection: &mut PgConnection,
    mut tell: impl FnMut(GroupId) + Send,
) -> Result<(), Error> {
    let mut after = GroupId::from_uuid(Uuid::nil());
    loop {
        let rows = sqlx::query(COUNTED_BEHIND)
            .bind(after.as_uuid())
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            let mut columns = Columns::of(row, "device_group");
            let organization = columns.id(OrganizationId::from_uuid)?;
            after = columns.id(GroupId::from_uuid)?;
            let count = columns.number()?;
            let selector = selector(&mut columns)?;
            if group::count(connection, organization, &[selector]).await? != [count] {
                tell(after);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

impl PostgresStorage {
    /// Counts a group on until it is counted to its end, in steps that let others go between.
    pub(super) async fn count_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<(), StorageError> {
        while self.count_on(organization, id).await? {}
        Ok(())
    }

    /// Counts on at a group that has not been counted to its end, and takes slots of the tally
    /// together; whether there may be more to do.
    pub(super) async fn tend_tally(&self) -> Result<bool, StorageError> {
        let next = self
            .write(View::Server, |tx| {
                scoped(async move {
                    sqlx::query("SELECT fold_tally(1000)")
                        .execute(&mut *tx)
                        .await?;
                    let row =
                        sqlx::query("SELECT organization_id, id FROM uncounted_group LIMIT 1")
                            .fetch_optional(tx)
                            .await?;
                    let Some(row) = row else {
                        return Ok(None);
                    };
                    let mut columns = Columns::of(&row, "uncounted_group");
                    let organization = columns.id(OrganizationId::from_uuid)?;
                    Ok(Some((organization, columns.id(GroupId::from_uuid)?)))
                })
            })
            .await?;
        let Some((organization, id)) = next else {
            return Ok(false);
        };
        self.count_on(organization, id).await?;
        Ok(true)
    }

    async fn count_on(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<bool, StorageError> {
        self.write(organization, |tx| {
            scoped(async move { count_on(tx, organization, id).await })
        })
        .await
    }
}

/// Takes the next devices into the size of a group; whether it has not come to its end.
pub(super) async fn count_on(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: GroupId,
) -> Result<bool, Error> {
    // Whoever has changed a device has come to his end then, and what he did is seen.
    sqlx::query("SELECT hold_membership($1, true)")
        .bind(organization.as_uuid())
        .execute(&mut *tx)
        .await?;
    let row = sqlx::query(UNCOUNTED)
        .bind(id.as_uuid())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else {
        return Ok(false);
    };
    let mut columns = Columns::of(&row, "uncounted_group");
    let counted_to: Uuid = columns.plain()?;
    let selector = selector(&mut columns)?;
    let rows = sqlx::query(DEVICES_BEHIND)
        .bind(organization.as_uuid())
        .bind(counted_to)
        .fetch_all(&mut *tx)
        .await?;
    let (mut chosen, mut last) = (0_i64, None);
    for row in &rows {
        let mut columns = Columns::of(row, "device");
        last = Some(columns.id(DeviceId::from_uuid)?);
        chosen += i64::from(selector.matches(&columns.tags()?));
    }
    sqlx::query("SELECT add_to_tally($1, ARRAY['GROUP'], ARRAY[$2::text], ARRAY[$3])")
        .bind(organization.as_uuid())
        .bind(id.as_uuid())
        .bind(chosen)
        .execute(&mut *tx)
        .await?;
    let last = last.filter(|_| rows.len() >= STEP);
    let noted = if last.is_some() { GO_ON } else { DONE };
    sqlx::query(noted)
        .bind(id.as_uuid())
        .bind(last.as_ref().map(DeviceId::as_uuid))
        .execute(tx)
        .await?;
    Ok(last.is_some())
}

fn selector(columns: &mut Columns<'_>) -> Result<TagSelector, Error> {
    Ok(TagSelector {
        all: columns.tags()?,
        any: columns.tags()?,
        none: columns.tags()?,
    })
}

pub(super) const DEVICES: &str = "SELECT kind, sum(count)::bigint, value FROM tally \
     WHERE organization_id = $1 AND kind IN ('ONLINE', 'PROFILE', 'SITE', 'STATUS') \
     GROUP BY kind, value HAVING sum(count) <> 0";

pub(super) const SENSORS: &str = "SELECT sum(count)::bigint, value FROM tally \
     WHERE organization_id = $1 AND kind = 'VALUE_TYPE' GROUP BY value HAVING sum(count) <> 0";

pub(super) const GROUPS: &str = "SELECT g.id, u.id IS NULL, (SELECT coalesce(sum(t.count), 0)::bigint \
     FROM tally AS t WHERE t.organization_id = g.organization_id AND t.kind = 'GROUP' \
     AND t.value = g.id::text), g.selector_all, g.selector_any, g.selector_none \
     FROM device_group AS g LEFT JOIN uncounted_group AS u ON u.id = g.id \
     WHERE g.organization_id = $1 AND g.id = ANY($2)";

const COUNTED_BEHIND: &str = "SELECT g.organization_id, g.id, \
     (SELECT coalesce(sum(t.count), 0)::bigint FROM tally AS t \
     WHERE t.organization_id = g.organization_id AND t.kind = 'GROUP' \
     AND t.value = g.id::text), g.selector_all, g.selector_any, g.selector_none \
     FROM device_group AS g WHERE g.id > $1 AND NOT EXISTS (SELECT 1 FROM uncounted_group AS u \
     WHERE u.id = g.id) ORDER BY g.id LIMIT 100";

const UNCOUNTED: &str = "SELECT u.counted_to, g.selector_all, g.selector_any, g.selector_none \
     FROM uncounted_group AS u JOIN device_group AS g ON g.id = u.id WHERE u.id = $1";

pub(super) const DEVICES_BEHIND: &str = "SELECT id, tags FROM device \
     WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT 1000";

const GO_ON: &str = "UPDATE uncounted_group SET counted_to = $2 WHERE id = $1";

const DONE: &str = "DELETE FROM uncounted_group WHERE id = $1 AND $2::uuid IS NULL";

/// How many devices a step counts, as [`DEVICES_BEHIND`] says.
const STEP: usize = 1000;
