//! Reads the records of an archive, table by table, in the order of their keys.

use fieldgate_core::model::certificate::{IssuerKeyId, Sha256Digest};
use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId};
use fieldgate_core::storage::{ArchiveRecord, RecordKind, RetainedTopic};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use uuid::Uuid;

use crate::error::Error;
use crate::sqlite::checksum::{by_name, sound};
use crate::sqlite::row::Columns;
use crate::sqlite::select::{Select, row_count};
use crate::sqlite::{
    api_key, certificate, component, device, group, health, idempotency, organization, quarantine,
    reading, retained, sensor, site, token,
};

/// The records of a kind behind a key, at most `limit`.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    kind: RecordKind,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<ArchiveRecord>, Error> {
    if kind == RecordKind::Reading {
        return readings(connection, after, limit).await;
    }
    let mut select = table(kind).behind(after);
    select.sql(" LIMIT ").bind(row_count(limit));
    let rows = select.query().fetch_all(connection).await?;
    rows.iter().map(|row| decode_sound(kind, row)).collect()
}

/// Where the records of a kind lie.
pub(super) struct Table {
    /// What reads those that anybody can see, in pieces.
    select: &'static [&'static str],
    /// Whether `select` has a condition already.
    conditional: bool,
    /// The table, under the name that the key's columns have.
    from: &'static str,
    /// The columns of the key.
    key: &'static [&'static str],
    /// What these are.
    parts: &'static [Part],
}

/// A part of a key.
#[derive(Clone, Copy)]
enum Part {
    /// So many octets.
    Octets(usize),
    /// A number.
    Number,
    /// The owner of a key.
    Owner,
    /// A text, to the end.
    Text,
    /// A retained topic.
    Topic,
}

impl Table {
    /// Selects what is behind a key, in order.
    pub(super) fn behind(&self, after: Option<&[u8]>) -> Select {
        let mut select = Select::new("");
        for piece in self.select {
            select.sql(piece);
        }
        if let Some(mut rest) = after {
            select.sql(if self.conditional {
                " AND ("
            } else {
                " WHERE ("
            });
            self.push_key(&mut select);
            select.sql(") > (");
            self.bind_key(&mut select, &mut rest);
            select.sql(")");
        }
        select.sql(" ORDER BY ");
        self.push_key(&mut select);
        select
    }

    /// Selects whether there is one with this key.
    pub(super) fn has(&self, mut key: &[u8]) -> Select {
        let mut select = Select::new("SELECT EXISTS (SELECT 1 FROM ");
        select.sql(self.from).sql(" WHERE (");
        self.push_key(&mut select);
        select.sql(") = (");
        self.bind_key(&mut select, &mut key);
        select.sql("))");
        select
    }

    fn bind_key(&self, select: &mut Select, key: &mut &[u8]) {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                select.sql(", ");
            }
            part.bind(select, key);
        }
    }

    fn push_key(&self, select: &mut Select) {
        for (index, column) in self.key.iter().enumerate() {
            select.sql(if index > 0 { ", " } else { "" });
            select.sql(column);
        }
    }
}

impl Part {
    fn bind(self, select: &mut Select, key: &mut &[u8]) {
        match self {
            Self::Octets(count) => select.bind(take(key, count)),
            Self::Number => select.bind(number(take(key, 8))),
            Self::Owner => {
                let octets = take(key, 17);
                let organization = octets.first() == Some(&1);
                select.bind(if organization { &octets[1..] } else { &[] })
            }
            Self::Text => select.bind(String::from_utf8_lossy(key).into_owned()),
            Self::Topic => select.bind(match take(key, 1) {
                [1] => retained::topic_text(RetainedTopic::ConfigReported),
                _ => retained::topic_text(RetainedTopic::Status),
            }),
        };
    }
}

/// The next octets of a key; fewer where it is no key of this kind.
fn take<'k>(key: &mut &'k [u8], count: usize) -> &'k [u8] {
    let (head, rest) = key.split_at(count.min(key.len()));
    *key = rest;
    head
}

fn number(octets: &[u8]) -> i64 {
    octets.try_into().map_or(0, i64::from_be_bytes)
}

/// Where the records of a kind lie.
pub(super) const fn table(kind: RecordKind) -> Table {
    match kind {
        RecordKind::Organization => all(&[organization::SELECT], "organization", &["id"], &[ID]),
        RecordKind::ApiKey => all(
            &[api_key::SELECT],
            "api_key",
            &["owner", "id"],
            &[Part::Owner, ID],
        ),
        RecordKind::Issuer => all(
            &[certificate::SELECT_ISSUER],
            "issuer",
            &["key_id"],
            &[ISSUER],
        ),
        RecordKind::IssuerCount => all(&[COUNTS], "issuer_count", &["key_id"], &[ISSUER]),
        RecordKind::CompromisedKey => all(
            &[COMPROMISED],
            "compromised_key",
            &["public_key_sha256"],
            &[Part::Octets(32)],
        ),
        RecordKind::Site => all(
            &[site::SELECT],
            "site",
            &["organization_id", "id"],
            &[ID, ID],
        ),
        RecordKind::Group => all(
            &[group::SELECT],
            "device_group",
            &["organization_id", "id"],
            &[ID, ID],
        ),
        RecordKind::Device => all(
            &[device::SELECT, " FROM device AS d"],
            "device AS d",
            &["d.organization_id", "d.id"],
            &[ID, ID],
        ),
        RecordKind::Token => living(
            &[token::SELECT],
            "token AS t",
            &["t.organization_id", "t.id"],
            &[ID, ID],
        ),
        RecordKind::Certificate => all(
            &[certificate::SELECT],
            "certificate AS c",
            &["c.organization_id", "c.device_id", "c.issue_sequence"],
            &[ID, ID, Part::Number],
        ),
        of_device => table_of_devices(of_device),
    }
}

/// Where what a device is made of and reports lies, and what is remembered of requests.
const fn table_of_devices(kind: RecordKind) -> Table {
    match kind {
        RecordKind::Component => living(
            &[
                component::SELECT,
                " FROM component AS c WHERE 1",
                component::LIVES,
            ],
            "component AS c",
            &["c.organization_id", "c.id"],
            &[ID, ID],
        ),
        RecordKind::Sensor => living(
            &[sensor::SELECT, " FROM sensor AS s WHERE 1", sensor::LIVES],
            "sensor AS s",
            &["s.organization_id", "s.id"],
            &[ID, ID],
        ),
        RecordKind::Reading => living(
            &[READINGS],
            "sensor AS s JOIN reading AS r ON r.sensor_number = s.number",
            &["s.organization_id", "s.id", "r.taken_at"],
            &[ID, ID, Part::Number],
        ),
        RecordKind::Health => living(
            &[health::SELECT, health::LIVES],
            "health AS h",
            &["h.organization_id", "h.device_id", "h.taken_at"],
            &[ID, ID, Part::Number],
        ),
        RecordKind::Quarantined => living(
            &[quarantine::SELECT],
            "quarantine AS q",
            &["q.organization_id", "q.id"],
            &[ID, ID],
        ),
        RecordKind::Retained => living(
            &[RETAINED],
            "retained AS r",
            &["r.organization_id", "r.device_id", "r.topic"],
            &[ID, ID, Part::Topic],
        ),
        _ => all(
            &[idempotency::SELECT],
            "idempotency",
            &["owner", "key"],
            &[Part::Owner, Part::Text],
        ),
    }
}

/// A table all of whose rows are seen.
const fn all(
    select: &'static [&'static str],
    from: &'static str,
    key: &'static [&'static str],
    parts: &'static [Part],
) -> Table {
    Table {
        select,
        conditional: false,
        from,
        key,
        parts,
    }
}

/// A table that has rows of deleted devices too, which `select` leaves out.
const fn living(
    select: &'static [&'static str],
    from: &'static str,
    key: &'static [&'static str],
    parts: &'static [Part],
) -> Table {
    Table {
        conditional: true,
        ..all(select, from, key, parts)
    }
}

/// Reads a row of a kind's table, if it agrees with its checksum. What is counted and gathered from
/// several rows has none.
fn decode_sound(kind: RecordKind, row: &SqliteRow) -> Result<ArchiveRecord, Error> {
    let table = match kind {
        RecordKind::CompromisedKey | RecordKind::IssuerCount => return decode(kind, row),
        RecordKind::Group => "device_group",
        RecordKind::ApiKey => "api_key",
        RecordKind::Quarantined => "quarantine",
        kind => kind.as_str(),
    };
    match by_name(table) {
        Some(table) => sound(table, |row| decode(kind, row))(row),
        None => decode(kind, row),
    }
}

/// Reads a row of a kind's table.
pub(super) fn decode(kind: RecordKind, row: &SqliteRow) -> Result<ArchiveRecord, Error> {
    Ok(match kind {
        RecordKind::Organization => ArchiveRecord::Organization(organization::decode(row)?),
        RecordKind::ApiKey => ArchiveRecord::ApiKey(api_key::decode(row)?),
        RecordKind::Issuer => ArchiveRecord::Issuer(certificate::decode_issuer(row)?),
        RecordKind::IssuerCount => {
            let mut columns = Columns::of(row, "issuer_count");
            let key_id = IssuerKeyId::from_bytes(columns.octets()?);
            columns.name(key_id);
            ArchiveRecord::IssuerCount {
                key_id,
                revocations: columns.number()?,
                crl_number: columns.number()?,
            }
        }
        RecordKind::CompromisedKey => {
            let mut columns = Columns::of(row, "compromised_key");
            ArchiveRecord::CompromisedKey(Sha256Digest::from_bytes(columns.octets()?))
        }
        RecordKind::Site => ArchiveRecord::Site(site::decode(row)?),
        RecordKind::Group => ArchiveRecord::Group(group::decode(row)?),
        RecordKind::Device => ArchiveRecord::Device(Box::new(device::decode(row)?)),
        RecordKind::Token => ArchiveRecord::Token(token::decode(row)?),
        RecordKind::Certificate => ArchiveRecord::Certificate(Box::new(certificate::decode(row)?)),
        RecordKind::Component => ArchiveRecord::Component(Box::new(component::decode(row)?)),
        RecordKind::Sensor => ArchiveRecord::Sensor(Box::new(sensor::decode(row)?.sensor)),
        RecordKind::Reading => {
            let sensor = SensorId::from_uuid(id_at(row, 5)?);
            let organization = OrganizationId::from_uuid(id_at(row, 4)?);
            ArchiveRecord::Reading(organization, reading::decode(row, sensor)?)
        }
        RecordKind::Health => {
            let organization = OrganizationId::from_uuid(id_at(row, 9)?);
            ArchiveRecord::Health(organization, Box::new(health::decode(row)?))
        }
        RecordKind::Quarantined => ArchiveRecord::Quarantined(quarantine::decode(row)?),
        RecordKind::Retained => {
            let mut columns = Columns::of(row, "retained");
            let organization_id = columns.id(OrganizationId::from_uuid)?;
            let device_id = columns.id(DeviceId::from_uuid)?;
            columns.name(device_id);
            ArchiveRecord::Retained {
                organization_id,
                device_id,
                topic: columns.parse_with(retained::topic)?,
                payload: columns.plain()?,
            }
        }
        RecordKind::Idempotency => ArchiveRecord::Idempotency(idempotency::decode(row)?),
    })
}

/// Readings lie by the numbers of their sensors: first the rest of the sensor of the key, then the
/// sensors behind it, so that each look begins where the last one has ended.
async fn readings(
    connection: &mut SqliteConnection,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<ArchiveRecord>, Error> {
    let mut rows = Vec::new();
    let mut behind = Select::new(READINGS);
    if let Some(mut key) = after {
        let (organization, sensor) = (take(&mut key, 16), take(&mut key, 16));
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
    let rows = rows.iter();
    rows.map(|row| decode_sound(RecordKind::Reading, row))
        .collect()
}

fn id_at(row: &SqliteRow, column: usize) -> Result<Uuid, Error> {
    let octets: &[u8] = row.try_get(column)?;
    Uuid::from_slice(octets).map_err(|source| Error::Row {
        table: "sensor",
        id: String::new(),
        column,
        source: source.into(),
    })
}

const READINGS: &str = "SELECT r.taken_at, s.value_type, r.value, r.metadata, s.organization_id, \
     s.id, r.sensor_number, r.checksum FROM sensor AS s CROSS JOIN reading AS r ON r.sensor_number = s.number \
     WHERE EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = s.organization_id \
     AND d.id = s.device_id)";

/// Those of issuers of which nothing was counted yet are zero.
const COUNTS: &str = "SELECT key_id, revocations, crl_number FROM (SELECT key_id, \
     max(revocations) AS revocations, max(crl_number) AS crl_number FROM (SELECT key_id, \
     revocations, crl_number FROM issuer_count UNION ALL SELECT key_id, 0, 0 FROM issuer) \
     GROUP BY key_id)";

/// Those of certificates on record, and those whose certificates are gone.
const COMPROMISED: &str = "SELECT public_key_sha256 FROM (SELECT public_key_sha256 \
     FROM compromised_key UNION SELECT public_key_sha256 FROM certificate \
     WHERE fate = 'REVOKED' AND revocation_reason = 'keyCompromise')";

const ID: Part = Part::Octets(16);

const ISSUER: Part = Part::Octets(20);

const RETAINED: &str = "SELECT r.organization_id, r.device_id, r.topic, r.payload, \
     r.received_at, r.checksum FROM retained AS r WHERE EXISTS (SELECT 1 FROM device AS d \
     WHERE d.organization_id = r.organization_id AND d.id = r.device_id)";
