//! Reads the records of an archive, table by table, in the order of their keys.

use fieldgate_core::storage::{ArchiveRecord, RecordKind};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::archive::tables::{READINGS, Table, decode, id, number, table, take};
use crate::postgres::select::{Select, row_count};
use crate::postgres::sensor;

/// A part of the records of a kind.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) records: Vec<ArchiveRecord>,
    /// The key behind which the next one begins, also where this one has no records; none at the
    /// end of the kind.
    pub(super) next: Option<Vec<u8>>,
}

/// The records of a kind behind a key, at most `limit`.
pub(super) async fn page(
    connection: &mut PgConnection,
    kind: RecordKind,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Page, Error> {
    let mut passed = None;
    let rows = match kind {
        RecordKind::ApiKey | RecordKind::Idempotency => {
            owned(connection, &table(kind), after, limit).await?
        }
        RecordKind::Reading => {
            let rows;
            (rows, passed) = readings(connection, after, limit).await?;
            rows
        }
        _ => {
            let mut select = table(kind).behind(after);
            select.sql(" LIMIT ").bind(row_count(limit));
            select.query().fetch_all(connection).await?
        }
    };
    let records: Vec<_> = rows
        .iter()
        .map(|row| decode(kind, row))
        .collect::<Result<_, _>>()?;
    let next = records.last().map(|last| last.bookmark().key).or(passed);
    Ok(Page { records, next })
}

/// What has an owner: first what is the server's own, then that of organizations.
async fn owned(
    connection: &mut PgConnection,
    table: &Table,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<PgRow>, Error> {
    let (column, part) = (table.key[1], table.parts[1]);
    let (mut rows, mut organization) = (Vec::new(), None);
    let mut rest = after.unwrap_or_default();
    let of_organization = take(&mut rest, 1) == [1];
    let owner = take(&mut rest, 16);
    if of_organization {
        organization = Some(id(owner));
    } else {
        let mut own = table.all();
        own.sql(" WHERE organization_id IS NULL");
        if after.is_some() {
            own.sql(" AND ").sql(column).sql(" > ");
            part.bind(&mut own, &mut rest);
        }
        own.sql(" ORDER BY ").sql(column);
        own.sql(" LIMIT ").bind(row_count(limit));
        rows = own.query().fetch_all(&mut *connection).await?;
    }
    if rows.len() < limit {
        let mut others = table.all();
        others.sql(" WHERE organization_id IS NOT NULL");
        if let Some(organization) = organization {
            others.sql(" AND (organization_id, ").sql(column);
            others.sql(") > (").bind(organization).sql(", ");
            part.bind(&mut others, &mut rest);
            others.sql(")");
        }
        others.sql(" ORDER BY organization_id, ").sql(column);
        others.sql(" LIMIT ").bind(row_count(limit - rows.len()));
        rows.extend(others.query().fetch_all(connection).await?);
    }
    Ok(rows)
}

/// Readings lie by the numbers of their sensors: first the rest of the sensor of the key, then the
/// sensors behind it, so that each look begins where the last one has ended. It passes over so many
/// sensors at a time: most may have no readings, and each is looked for in every month. Returns how
/// far it has come, too.
async fn readings(
    connection: &mut PgConnection,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<(Vec<PgRow>, Option<Vec<u8>>), Error> {
    let mut rows = Vec::new();
    let mut last = Select::new("SELECT s.organization_id, s.id FROM sensor AS s WHERE true");
    let mut behind = Select::new(READINGS_OF);
    behind.sql(" WHERE r.sensor_number = s.number ORDER BY r.taken_at LIMIT ");
    behind.bind(row_count(limit));
    behind.sql(") AS r WHERE true").sql(sensor::LIVES);
    if let Some(mut key) = after {
        let (organization, sensor) = (id(take(&mut key, 16)), id(take(&mut key, 16)));
        let mut rest = Select::new(READINGS);
        rest.sql(" AND s.organization_id = ").bind(organization);
        rest.sql(" AND s.id = ").bind(sensor);
        rest.sql(" AND r.taken_at > ")
            .bind(number(take(&mut key, 8)));
        rest.sql(" ORDER BY r.taken_at LIMIT ")
            .bind(row_count(limit));
        rows = rest.query().fetch_all(&mut *connection).await?;
        for select in [&mut last, &mut behind] {
            select.sql(" AND (s.organization_id, s.id) > (");
            select.bind(organization).sql(", ").bind(sensor).sql(")");
        }
    }
    let mut passed = None;
    if rows.len() < limit {
        last.sql(" ORDER BY s.organization_id, s.id LIMIT 1 OFFSET ");
        last.bind(row_count(SENSORS - 1));
        let last = last.query().fetch_optional(&mut *connection).await?;
        if let Some(last) = last {
            let (organization, sensor): (Uuid, Uuid) = (last.try_get(0)?, last.try_get(1)?);
            behind.sql(" AND (s.organization_id, s.id) <= (");
            behind.bind(organization).sql(", ").bind(sensor).sql(")");
            let end = i64::MAX.to_be_bytes();
            let key = [&organization.as_bytes()[..], sensor.as_bytes(), &end];
            passed = Some(key.concat());
        }
        behind.sql(" ORDER BY s.organization_id, s.id, r.taken_at LIMIT ");
        behind.bind(row_count(limit - rows.len()));
        rows.extend(behind.query().fetch_all(connection).await?);
    }
    Ok((rows, passed))
}

/// How many sensors a page passes over at most.
const SENSORS: usize = 1000;

/// The same sensor by sensor, up to the condition on the readings of each.
const READINGS_OF: &str = "SELECT r.taken_at, s.value_type, r.value_bigint, r.value_boolean, \
     r.value_double, r.value_text, r.metadata, s.organization_id, s.id \
     FROM sensor AS s CROSS JOIN LATERAL (SELECT * FROM reading AS r";

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests;
