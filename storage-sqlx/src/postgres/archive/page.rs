//! Reads the records of an archive, table by table, in the order of their keys.

use fieldgate_core::storage::{ArchiveRecord, RecordKind};
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::archive::tables::{READINGS, Table, decode, id, number, table, take};
use crate::postgres::select::{Select, row_count};
use crate::postgres::sensor;

/// The records of a kind behind a key, at most `limit`.
pub(super) async fn page(
    connection: &mut PgConnection,
    kind: RecordKind,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<ArchiveRecord>, Error> {
    let rows = match kind {
        RecordKind::ApiKey | RecordKind::Idempotency => {
            owned(connection, &table(kind), after, limit).await?
        }
        RecordKind::Reading => readings(connection, after, limit).await?,
        _ => {
            let mut select = table(kind).behind(after);
            select.sql(" LIMIT ").bind(row_count(limit));
            select.query().fetch_all(connection).await?
        }
    };
    rows.iter().map(|row| decode(kind, row)).collect()
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
/// sensors behind it, so that each look begins where the last one has ended.
async fn readings(
    connection: &mut PgConnection,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<PgRow>, Error> {
    let mut rows = Vec::new();
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
        behind.sql(" AND (s.organization_id, s.id) > (");
        behind.bind(organization).sql(", ").bind(sensor).sql(")");
    }
    if rows.len() < limit {
        behind.sql(" ORDER BY s.organization_id, s.id, r.taken_at LIMIT ");
        behind.bind(row_count(limit - rows.len()));
        rows.extend(behind.query().fetch_all(connection).await?);
    }
    Ok(rows)
}

/// The same sensor by sensor, up to the condition on the readings of each.
const READINGS_OF: &str = "SELECT r.taken_at, s.value_type, r.value_bigint, r.value_boolean, \
     r.value_double, r.value_text, r.metadata, s.organization_id, s.id \
     FROM sensor AS s CROSS JOIN LATERAL (SELECT * FROM reading AS r";
