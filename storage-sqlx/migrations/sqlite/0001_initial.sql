-- The first schema.
--
-- Ids are the 16 octets of their UUID, times are milliseconds since 1970, enums are their text
-- form, sets of tags are JSON arrays beside an index table. Organization first in every key.
--
-- `device` holds living devices only. What hangs on a device has no foreign key to it: a deleted
-- device moves to `deleted_device`, and what it leaves behind is removed in small steps.

PRAGMA application_id = 0x46477431; -- "FGt1": names the format, so that no other file is taken for it

CREATE TABLE organization (
    id BLOB NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

-- The owner is an organization's id, or empty for the server itself.
CREATE TABLE api_key (
    owner BLOB NOT NULL,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revision INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
) STRICT;

CREATE TABLE idempotency (
    owner BLOB NOT NULL,
    key TEXT NOT NULL,
    request_sha256 BLOB NOT NULL,
    resource BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE site (
    organization_id BLOB NOT NULL REFERENCES organization (id),
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    latitude REAL,
    longitude REAL,
    altitude REAL,
    location_label TEXT,
    time_zone TEXT,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE TABLE device_group (
    organization_id BLOB NOT NULL REFERENCES organization (id),
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    selector_all TEXT NOT NULL,
    selector_any TEXT NOT NULL,
    selector_none TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE TABLE device (
    organization_id BLOB NOT NULL REFERENCES organization (id),
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    latitude REAL,
    longitude REAL,
    altitude REAL,
    location_label TEXT,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    site_id BLOB,
    profile TEXT,
    status TEXT NOT NULL,
    online INTEGER NOT NULL,
    first_session_at INTEGER,
    last_seen_at INTEGER,
    status_changed_at INTEGER NOT NULL,
    firmware_version TEXT,
    certificate_serial_number BLOB,
    certificate_not_after INTEGER,
    session_epoch INTEGER NOT NULL,
    live_epoch INTEGER,
    live_node TEXT,
    live_serial_number BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name),
    FOREIGN KEY (organization_id, site_id) REFERENCES site (organization_id, id)
) STRICT;

CREATE INDEX device_by_site ON device (organization_id, site_id, id);
CREATE INDEX device_by_profile ON device (organization_id, profile, id);
CREATE INDEX device_by_status ON device (organization_id, status, id);
CREATE INDEX device_by_figures ON device (organization_id, status, online, site_id, profile);
CREATE INDEX device_by_node ON device (live_node) WHERE live_node IS NOT NULL;

CREATE TABLE device_tag (
    organization_id BLOB NOT NULL,
    tag TEXT NOT NULL,
    owner_id BLOB NOT NULL,
    PRIMARY KEY (organization_id, tag, owner_id)
) STRICT, WITHOUT ROWID;

-- Words are octets, so that a prefix is a range of them.
CREATE TABLE device_word (
    organization_id BLOB NOT NULL,
    word BLOB NOT NULL,
    owner_id BLOB NOT NULL,
    PRIMARY KEY (organization_id, word, owner_id)
) STRICT, WITHOUT ROWID;

-- Stays until nothing of the device is left, its certificates being the last.
CREATE TABLE deleted_device (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL UNIQUE,
    emptied INTEGER NOT NULL,
    next_expiry INTEGER,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_device_to_empty ON deleted_device (organization_id, id) WHERE emptied = 0;
CREATE INDEX deleted_device_by_expiry ON deleted_device (next_expiry) WHERE emptied = 1;

CREATE TABLE token (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    device_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    secret_hash BLOB NOT NULL,
    fate TEXT NOT NULL,
    fate_at INTEGER,
    serial_number BLOB
) STRICT;

CREATE INDEX token_by_organization ON token (organization_id, id);
CREATE INDEX token_by_device ON token (organization_id, device_id);
CREATE INDEX token_open ON token (organization_id, id) WHERE fate = 'OPEN';
CREATE UNIQUE INDEX token_open_by_device ON token (organization_id, device_id) WHERE fate = 'OPEN';
CREATE INDEX token_open_by_expiry ON token (expires_at) WHERE fate = 'OPEN';

CREATE TABLE certificate (
    issuer_key_id BLOB NOT NULL,
    serial_number BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    subject TEXT NOT NULL,
    fingerprint_sha256 BLOB NOT NULL,
    public_key_sha256 BLOB NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    issue_sequence INTEGER NOT NULL,
    first_used_at INTEGER,
    fate TEXT NOT NULL,
    revoked_at INTEGER,
    revocation_reason TEXT,
    pem TEXT NOT NULL,
    PRIMARY KEY (issuer_key_id, serial_number)
) STRICT;

CREATE UNIQUE INDEX certificate_by_device
    ON certificate (organization_id, device_id, issue_sequence);
CREATE INDEX certificate_by_key ON certificate (public_key_sha256);
CREATE INDEX certificate_revoked
    ON certificate (issuer_key_id, serial_number) WHERE fate = 'REVOKED';

-- Keys that somebody else may know, of certificates that are no longer on record.
CREATE TABLE compromised_key (
    public_key_sha256 BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE issuer (
    key_id BLOB NOT NULL PRIMARY KEY,
    certificate_pem TEXT NOT NULL,
    root_pem TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE issuer_count (
    key_id BLOB NOT NULL PRIMARY KEY,
    revocations INTEGER NOT NULL,
    crl_number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE component (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL UNIQUE,
    device_id BLOB NOT NULL,
    key TEXT NOT NULL,
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    profile TEXT,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, device_id, key)
) STRICT;

CREATE INDEX component_by_profile ON component (organization_id, profile, id);

CREATE TABLE component_tag (
    organization_id BLOB NOT NULL,
    tag TEXT NOT NULL,
    owner_id BLOB NOT NULL,
    PRIMARY KEY (organization_id, tag, owner_id)
) STRICT, WITHOUT ROWID;

-- Readings refer to a sensor by its number, which is never used again.
CREATE TABLE sensor (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL UNIQUE,
    device_id BLOB NOT NULL,
    component_id BLOB NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    value_type TEXT NOT NULL,
    unit TEXT,
    tags TEXT NOT NULL,
    type_origin TEXT NOT NULL,
    latest_at INTEGER,
    latest_value ANY,
    revision INTEGER NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, component_id, key)
) STRICT;

CREATE INDEX sensor_by_device ON sensor (organization_id, device_id, id);

CREATE TABLE sensor_tag (
    organization_id BLOB NOT NULL,
    tag TEXT NOT NULL,
    owner_id BLOB NOT NULL,
    PRIMARY KEY (organization_id, tag, owner_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sensor_word (
    organization_id BLOB NOT NULL,
    word BLOB NOT NULL,
    owner_id BLOB NOT NULL,
    PRIMARY KEY (organization_id, word, owner_id)
) STRICT, WITHOUT ROWID;

-- Sensors that are gone and whose readings are still there.
CREATE TABLE deleted_sensor (
    number INTEGER PRIMARY KEY
) STRICT;

-- The storage class of a value tells its type: INTEGER for BIGINT, REAL for DOUBLE, TEXT for TEXT,
-- a BLOB of one octet for BOOLEAN. ANY keeps each as it is; a REAL column would lose -0.0.
CREATE TABLE reading (
    sensor_number INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    value ANY NOT NULL,
    metadata TEXT,
    PRIMARY KEY (sensor_number, taken_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE health (
    organization_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    taken_at INTEGER NOT NULL,
    uptime_seconds INTEGER NOT NULL,
    free_heap_bytes INTEGER,
    signal_strength_dbm INTEGER,
    connection_type TEXT NOT NULL,
    readings_sent INTEGER NOT NULL,
    readings_dropped INTEGER NOT NULL,
    extra TEXT,
    PRIMARY KEY (organization_id, device_id, taken_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE INDEX quarantine_by_device ON quarantine (organization_id, device_id, id);
CREATE INDEX quarantine_by_age ON quarantine (received_at);

CREATE TABLE retained (
    organization_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, device_id, topic)
) STRICT;

CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
) STRICT;
