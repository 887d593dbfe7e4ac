//! Says where the records of an archive lie, and reads their rows.

use fieldgate_core::model::certificate::{IssuerKeyId, Sha256Digest};
use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId};
use fieldgate_core::storage::{ArchiveRecord, RecordKind, RetainedTopic};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::row::Columns;
use crate::postgres::select::Select;
use crate::postgres::{
    api_key, certificate, component, device, group, health, idempotency, organization, quarantine,
    reading, retained, sensor, site, token,
};

/// Where the records of a kind lie.
pub(super) struct Table {
    /// What reads those that anybody can see, in pieces.
    select: &'static [&'static str],
    /// Whether `select` has a condition already.
    conditional: bool,
    /// The table, under the name that the key's columns have.
    from: &'static str,
    /// The columns of the key.
    pub(super) key: &'static [&'static str],
    /// What these are.
    pub(super) parts: &'static [Part],
}

/// A part of a key.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// An id.
    Id,
    /// A number.
    Number,
    /// Octets, to the end.
    Octets,
    /// The owner of a key.
    Owner,
    /// A text, to the end.
    Text,
    /// A retained topic.
    Topic,
}

impl Table {
    /// Selects all, in no order.
    pub(super) fn all(&self) -> Select {
        let mut select = Select::new("");
        for piece in self.select {
            select.sql(piece);
        }
        select
    }

    /// Selects what is behind a key, in order.
    pub(super) fn behind(&self, after: Option<&[u8]>) -> Select {
        let mut select = self.all();
        if let Some(mut rest) = after {
            select.sql(if self.conditional {
                " AND ("
            } else {
                " WHERE ("
            });
            self.push_key(&mut select);
            select.sql(") > (");
            for (index, part) in self.parts.iter().enumerate() {
                select.sql(if index > 0 { ", " } else { "" });
                part.bind(&mut select, &mut rest);
            }
            select.sql(")");
        }
        select.sql(" ORDER BY ");
        self.push_key(&mut select);
        select
    }

    /// Selects whether there is one with this key.
    pub(super) fn has(&self, mut key: &[u8]) -> Select {
        let mut select = Select::new("SELECT EXISTS (SELECT 1 FROM ");
        select.sql(self.from);
        for (index, (column, part)) in self.key.iter().zip(self.parts).enumerate() {
            select.sql(if index > 0 { " AND " } else { " WHERE " });
            select.sql(column);
            if matches!(part, Part::Owner) && take(&mut key, 1) != [1] {
                take(&mut key, 16);
                select.sql(" IS NULL");
            } else {
                select.sql(" = ");
                part.bind(&mut select, &mut key);
            }
        }
        select.sql(")");
        select
    }

    fn push_key(&self, select: &mut Select) {
        for (index, column) in self.key.iter().enumerate() {
            select.sql(if index > 0 { ", " } else { "" });
            select.sql(column);
        }
    }
}

impl Part {
    /// Binds it, and takes it off a key.
    pub(super) fn bind(self, select: &mut Select, key: &mut &[u8]) {
        match self {
            // The octet before an owner's id is gone.
            Self::Id | Self::Owner => select.bind(id(take(key, 16))),
            Self::Number => select.bind(number(take(key, 8))),
            Self::Octets => select.bind(*key),
            Self::Text => select.bind(String::from_utf8_lossy(key).into_owned()),
            Self::Topic => select.bind(match take(key, 1) {
                [1] => retained::topic_text(RetainedTopic::ConfigReported),
                _ => retained::topic_text(RetainedTopic::Status),
            }),
        };
    }
}

/// The next octets of a key; fewer where it is no key of this kind.
pub(super) fn take<'k>(key: &mut &'k [u8], count: usize) -> &'k [u8] {
    let (head, rest) = key.split_at(count.min(key.len()));
    *key = rest;
    head
}

pub(super) fn id(octets: &[u8]) -> Uuid {
    Uuid::from_slice(octets).unwrap_or_default()
}

pub(super) fn number(octets: &[u8]) -> i64 {
    octets.try_into().map_or(0, i64::from_be_bytes)
}

/// Where the records of a kind lie.
pub(super) const fn table(kind: RecordKind) -> Table {
    match kind {
        RecordKind::Organization => all(
            &[organization::SELECT],
            "organization",
            &["id"],
            &[Part::Id],
        ),
        RecordKind::ApiKey => all(
            &[api_key::SELECT],
            "api_key",
            &["organization_id", "id"],
            &[Part::Owner, Part::Id],
        ),
        RecordKind::Issuer => all(
            &[certificate::SELECT_ISSUER],
            "issuer",
            &["key_id"],
            &[Part::Octets],
        ),
        RecordKind::IssuerCount => all(&[COUNTS], "issuer_count", &["key_id"], &[Part::Octets]),
        RecordKind::CompromisedKey => all(
            &[COMPROMISED],
            "compromised_key",
            &["public_key_sha256"],
            &[Part::Octets],
        ),
        RecordKind::Site => all(
            &[site::SELECT],
            "site",
            &["organization_id", "id"],
            &[Part::Id, Part::Id],
        ),
        RecordKind::Group => all(
            &[group::SELECT],
            "device_group",
            &["organization_id", "id"],
            &[Part::Id, Part::Id],
        ),
        RecordKind::Device => all(
            &[device::SELECT, " FROM device AS d"],
            "device AS d",
            &["d.organization_id", "d.id"],
            &[Part::Id, Part::Id],
        ),
        RecordKind::Token => living(
            &[token::SELECT],
            "token AS t",
            &["t.organization_id", "t.id"],
            &[Part::Id, Part::Id],
        ),
        RecordKind::Certificate => all(
            &[certificate::SELECT],
            "certificate AS c",
            &["c.organization_id", "c.device_id", "c.issue_sequence"],
            &[Part::Id, Part::Id, Part::Number],
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
                " FROM component AS c WHERE true",
                component::LIVES,
            ],
            "component AS c",
            &["c.organization_id", "c.id"],
            &[Part::Id, Part::Id],
        ),
        RecordKind::Sensor => living(
            &[
                sensor::SELECT,
                " FROM sensor AS s WHERE true",
                sensor::LIVES,
            ],
            "sensor AS s",
            &["s.organization_id", "s.id"],
            &[Part::Id, Part::Id],
        ),
        RecordKind::Reading => living(
            &[READINGS],
            READINGS_FROM,
            &["s.organization_id", "s.id", "r.taken_at"],
            &[Part::Id, Part::Id, Part::Number],
        ),
        RecordKind::Health => living(
            &[health::SELECT],
            "health AS h",
            &["h.organization_id", "h.device_id", "h.taken_at"],
            &[Part::Id, Part::Id, Part::Number],
        ),
        RecordKind::Quarantined => living(
            &[quarantine::SELECT],
            "quarantine AS q",
            &["q.organization_id", "q.id"],
            &[Part::Id, Part::Id],
        ),
        RecordKind::Retained => living(
            &[RETAINED],
            "retained AS r",
            &["r.organization_id", "r.device_id", "r.topic"],
            &[Part::Id, Part::Id, Part::Topic],
        ),
        _ => all(
            &[idempotency::SELECT],
            "idempotency",
            &["organization_id", "key"],
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

/// Reads a row of a kind's table.
pub(super) fn decode(kind: RecordKind, row: &PgRow) -> Result<ArchiveRecord, Error> {
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
            let sensor = SensorId::from_uuid(row.try_get(8)?);
            let organization = OrganizationId::from_uuid(row.try_get(7)?);
            ArchiveRecord::Reading(organization, reading::decode(row, sensor)?)
        }
        RecordKind::Health => {
            let organization = OrganizationId::from_uuid(row.try_get(9)?);
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

/// All readings of living devices.
pub(super) const READINGS: &str = "SELECT r.taken_at, s.value_type, r.value_bigint, r.value_boolean, \
     r.value_double, r.value_text, r.metadata, s.organization_id, s.id \
     FROM sensor AS s JOIN reading AS r ON r.sensor_number = s.number \
     WHERE EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = s.organization_id \
     AND d.id = s.device_id)";

const READINGS_FROM: &str = "sensor AS s JOIN reading AS r ON r.sensor_number = s.number";

/// Those of issuers of which nothing was counted yet are zero.
const COUNTS: &str = "SELECT key_id, revocations, crl_number FROM (SELECT key_id, \
     max(revocations) AS revocations, max(crl_number) AS crl_number FROM (SELECT key_id, \
     revocations, crl_number FROM issuer_count UNION ALL SELECT key_id, 0, 0 FROM issuer) \
     AS counts GROUP BY key_id) AS issuer_count";

/// Those of certificates on record, and those whose certificates are gone.
const COMPROMISED: &str = "SELECT public_key_sha256 FROM (SELECT public_key_sha256 \
     FROM compromised_key UNION SELECT public_key_sha256 FROM certificate \
     WHERE fate = 'REVOKED' AND revocation_reason = 'keyCompromise') AS compromised_key";

const RETAINED: &str = "SELECT r.organization_id, r.device_id, r.topic, r.payload \
     FROM retained AS r WHERE EXISTS (SELECT 1 FROM device AS d \
     WHERE d.organization_id = r.organization_id AND d.id = r.device_id)";
