//! The tables whose rows have checksums.

use std::fmt::Write as _;

use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::RecordKind;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

/// A table whose rows have checksums.
#[derive(Debug)]
pub(in crate::sqlite) struct Summed {
    /// Its name.
    pub(in crate::sqlite) name: &'static str,
    /// What its rows are called.
    kind: &'static str,
    /// Its columns but for the checksum. Their order is part of every sum: new ones come last.
    pub(in crate::sqlite) columns: &'static [&'static str],
    /// What names a row.
    naming: &'static [Naming],
    /// Whether its rows change, and have numbers of SQLite's by which they are found again.
    pub(in crate::sqlite) changes: bool,
    /// The columns of its key.
    pub(in crate::sqlite) key: &'static str,
}

/// A column that names a row.
#[derive(Debug)]
enum Naming {
    Id(&'static str),
    Device,
    Organization,
    Owner,
    Octets(&'static str),
    Sensor,
    Time,
}

impl Summed {
    /// The column before all others, where there is one.
    pub(in crate::sqlite) const fn rowid(&self) -> &'static str {
        if self.changes { "rowid AS row, " } else { "" }
    }

    /// Names a row, as far as that still reads, and nothing of what is in it.
    pub(in crate::sqlite) fn place(&self, row: &SqliteRow) -> String {
        let mut place = self.kind.to_owned();
        for naming in self.naming {
            naming.push(row, &mut place);
        }
        place
    }
}

impl Naming {
    fn push(&self, row: &SqliteRow, place: &mut String) {
        let (before, column) = match self {
            Self::Id(column) | Self::Octets(column) => ("", *column),
            Self::Device => ("of device ", "device_id"),
            Self::Organization => ("in organization ", "organization_id"),
            Self::Owner => ("of owner ", "owner"),
            Self::Sensor => ("of sensor number ", "sensor_number"),
            Self::Time => ("at ", "taken_at"),
        };
        let name = match self {
            Self::Id(_) | Self::Device | Self::Organization | Self::Owner => id(row, column),
            Self::Octets(_) => octets(row, column),
            Self::Sensor => row
                .try_get(column)
                .ok()
                .map(|number: i64| number.to_string()),
            Self::Time => time(row, column),
        };
        let name = name.unwrap_or_else(|| "that does not read".to_owned());
        // Writing to a string does not fail.
        let _ = write!(place, " {before}{name}");
    }
}

/// The owner of a key that is the server has no id.
fn id(row: &SqliteRow, column: &str) -> Option<String> {
    let octets: &[u8] = row.try_get(column).ok()?;
    if octets.is_empty() {
        return Some("server".to_owned());
    }
    Some(Uuid::from_slice(octets).ok()?.to_string())
}

fn octets(row: &SqliteRow, column: &str) -> Option<String> {
    let octets: &[u8] = row.try_get(column).ok()?;
    Some(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

fn time(row: &SqliteRow, column: &str) -> Option<String> {
    let at = Timestamp::from_unix_millis(row.try_get(column).ok()?);
    at.ok().map(|at| at.to_string())
}

/// The table of a name.
pub(in crate::sqlite) fn by_name(name: &str) -> Option<&'static Summed> {
    SUMMED.into_iter().find(|table| table.name == name)
}

/// All of them.
pub(in crate::sqlite) const SUMMED: [&Summed; 18] = [
    &API_KEY,
    &CERTIFICATE,
    &COMPONENT,
    &COMPROMISED_KEY,
    &DELETED_DEVICE,
    &DEVICE,
    &DEVICE_GROUP,
    &HEALTH,
    &IDEMPOTENCY,
    &ISSUER,
    &ISSUER_COUNT,
    &ORGANIZATION,
    &QUARANTINE,
    &READING,
    &RETAINED,
    &SENSOR,
    &SITE,
    &TOKEN,
];

pub(in crate::sqlite) const API_KEY: Summed = Summed {
    name: "api_key",
    kind: RecordKind::ApiKey.as_str(),
    columns: &[
        "owner",
        "id",
        "name",
        "prefix",
        "secret_hash",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "revision",
    ],
    naming: &[Naming::Id("id"), Naming::Owner],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const CERTIFICATE: Summed = Summed {
    name: "certificate",
    kind: RecordKind::Certificate.as_str(),
    columns: &[
        "issuer_key_id",
        "serial_number",
        "organization_id",
        "device_id",
        "subject",
        "fingerprint_sha256",
        "public_key_sha256",
        "not_before",
        "not_after",
        "issued_at",
        "issue_sequence",
        "first_used_at",
        "fate",
        "revoked_at",
        "revocation_reason",
        "pem",
    ],
    naming: &[
        Naming::Octets("serial_number"),
        Naming::Device,
        Naming::Organization,
    ],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const COMPONENT: Summed = Summed {
    name: "component",
    kind: RecordKind::Component.as_str(),
    columns: &[
        "organization_id",
        "id",
        "device_id",
        "key",
        "origin",
        "name",
        "profile",
        "tags",
        "metadata",
        "revision",
    ],
    naming: &[Naming::Id("id"), Naming::Device, Naming::Organization],
    changes: true,
    key: "rowid",
};

const COMPROMISED_KEY: Summed = Summed {
    name: "compromised_key",
    kind: RecordKind::CompromisedKey.as_str(),
    columns: &["public_key_sha256"],
    naming: &[Naming::Octets("public_key_sha256")],
    changes: true,
    key: "rowid",
};

const DELETED_DEVICE: Summed = Summed {
    name: "deleted_device",
    kind: "deleted-device",
    columns: &["organization_id", "id", "emptied", "next_expiry"],
    naming: &[Naming::Id("id"), Naming::Organization],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const DEVICE: Summed = Summed {
    name: "device",
    kind: RecordKind::Device.as_str(),
    columns: &[
        "organization_id",
        "id",
        "name",
        "latitude",
        "longitude",
        "altitude",
        "location_label",
        "tags",
        "metadata",
        "site_id",
        "profile",
        "status",
        "online",
        "first_session_at",
        "last_seen_at",
        "status_changed_at",
        "firmware_version",
        "certificate_serial_number",
        "certificate_not_after",
        "session_epoch",
        "live_epoch",
        "live_node",
        "live_serial_number",
        "created_at",
        "updated_at",
        "revision",
    ],
    naming: &[Naming::Id("id"), Naming::Organization],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const DEVICE_GROUP: Summed = Summed {
    name: "device_group",
    kind: RecordKind::Group.as_str(),
    columns: &[
        "organization_id",
        "id",
        "name",
        "description",
        "selector_all",
        "selector_any",
        "selector_none",
        "created_at",
        "revision",
    ],
    naming: &[Naming::Id("id"), Naming::Organization],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const HEALTH: Summed = Summed {
    name: "health",
    kind: RecordKind::Health.as_str(),
    columns: &[
        "organization_id",
        "device_id",
        "taken_at",
        "uptime_seconds",
        "free_heap_bytes",
        "signal_strength_dbm",
        "connection_type",
        "readings_sent",
        "readings_dropped",
        "extra",
    ],
    naming: &[Naming::Device, Naming::Time, Naming::Organization],
    changes: false,
    key: "organization_id, device_id, taken_at",
};

pub(in crate::sqlite) const IDEMPOTENCY: Summed = Summed {
    name: "idempotency",
    kind: RecordKind::Idempotency.as_str(),
    columns: &["owner", "key", "request_sha256", "resource", "created_at"],
    naming: &[Naming::Owner],
    changes: false,
    key: "owner, key",
};

pub(in crate::sqlite) const ISSUER: Summed = Summed {
    name: "issuer",
    kind: RecordKind::Issuer.as_str(),
    columns: &["key_id", "certificate_pem", "root_pem", "created_at"],
    naming: &[Naming::Octets("key_id")],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const ISSUER_COUNT: Summed = Summed {
    name: "issuer_count",
    kind: RecordKind::IssuerCount.as_str(),
    columns: &["key_id", "revocations", "crl_number"],
    naming: &[Naming::Octets("key_id")],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const ORGANIZATION: Summed = Summed {
    name: "organization",
    kind: RecordKind::Organization.as_str(),
    columns: &["id", "slug", "name", "created_at", "revision"],
    naming: &[Naming::Id("id")],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const QUARANTINE: Summed = Summed {
    name: "quarantine",
    kind: RecordKind::Quarantined.as_str(),
    columns: &[
        "organization_id",
        "id",
        "device_id",
        "received_at",
        "reason",
        "detail",
        "raw",
    ],
    naming: &[Naming::Id("id"), Naming::Device, Naming::Organization],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const READING: Summed = Summed {
    name: "reading",
    kind: RecordKind::Reading.as_str(),
    columns: &["sensor_number", "taken_at", "value", "metadata"],
    naming: &[Naming::Sensor, Naming::Time],
    changes: false,
    key: "sensor_number, taken_at",
};

pub(in crate::sqlite) const RETAINED: Summed = Summed {
    name: "retained",
    kind: RecordKind::Retained.as_str(),
    columns: &[
        "organization_id",
        "device_id",
        "topic",
        "payload",
        "received_at",
    ],
    naming: &[Naming::Device, Naming::Organization],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const SENSOR: Summed = Summed {
    name: "sensor",
    kind: RecordKind::Sensor.as_str(),
    columns: &[
        "number",
        "organization_id",
        "id",
        "device_id",
        "component_id",
        "key",
        "name",
        "value_type",
        "unit",
        "tags",
        "type_origin",
        "latest_at",
        "latest_value",
        "revision",
    ],
    naming: &[Naming::Id("id"), Naming::Device, Naming::Organization],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const SITE: Summed = Summed {
    name: "site",
    kind: RecordKind::Site.as_str(),
    columns: &[
        "organization_id",
        "id",
        "name",
        "description",
        "latitude",
        "longitude",
        "altitude",
        "location_label",
        "time_zone",
        "created_at",
        "revision",
    ],
    naming: &[Naming::Id("id"), Naming::Organization],
    changes: true,
    key: "rowid",
};

pub(in crate::sqlite) const TOKEN: Summed = Summed {
    name: "token",
    kind: RecordKind::Token.as_str(),
    columns: &[
        "id",
        "organization_id",
        "device_id",
        "device_name",
        "created_at",
        "expires_at",
        "secret_hash",
        "fate",
        "fate_at",
        "serial_number",
    ],
    naming: &[Naming::Id("id"), Naming::Device, Naming::Organization],
    changes: true,
    key: "rowid",
};
