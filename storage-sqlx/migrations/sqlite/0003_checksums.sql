-- Checksums of rows: a CRC-32 over all other columns, computed outside of SQLite.
--
-- Rows of `health`, `idempotency` and `reading` never change, and are inserted with theirs. In all
-- other tables a new row has none, and one that changes loses it; before each commit the server
-- writes those that are missing. `unsealed` names the tables in which an earlier version has left
-- rows without one.

ALTER TABLE api_key ADD COLUMN checksum INTEGER;
ALTER TABLE certificate ADD COLUMN checksum INTEGER;
ALTER TABLE component ADD COLUMN checksum INTEGER;
ALTER TABLE device ADD COLUMN checksum INTEGER;
ALTER TABLE device_group ADD COLUMN checksum INTEGER;
ALTER TABLE health ADD COLUMN checksum INTEGER;
ALTER TABLE idempotency ADD COLUMN checksum INTEGER;
ALTER TABLE issuer ADD COLUMN checksum INTEGER;
ALTER TABLE organization ADD COLUMN checksum INTEGER;
ALTER TABLE quarantine ADD COLUMN checksum INTEGER;
ALTER TABLE reading ADD COLUMN checksum INTEGER;
ALTER TABLE retained ADD COLUMN checksum INTEGER;
ALTER TABLE sensor ADD COLUMN checksum INTEGER;
ALTER TABLE site ADD COLUMN checksum INTEGER;
ALTER TABLE token ADD COLUMN checksum INTEGER;

-- These had no number by which SQLite tells which of their rows were changed.

CREATE TABLE compromised_key_numbered (
    public_key_sha256 BLOB NOT NULL PRIMARY KEY,
    checksum INTEGER
) STRICT;

INSERT INTO compromised_key_numbered (public_key_sha256)
    SELECT public_key_sha256 FROM compromised_key;
DROP TABLE compromised_key;
ALTER TABLE compromised_key_numbered RENAME TO compromised_key;

CREATE TABLE deleted_device_numbered (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL UNIQUE,
    emptied INTEGER NOT NULL,
    next_expiry INTEGER,
    checksum INTEGER,
    PRIMARY KEY (organization_id, id)
) STRICT;

INSERT INTO deleted_device_numbered (organization_id, id, emptied, next_expiry)
    SELECT organization_id, id, emptied, next_expiry FROM deleted_device;
DROP TABLE deleted_device;
ALTER TABLE deleted_device_numbered RENAME TO deleted_device;

CREATE INDEX deleted_device_to_empty ON deleted_device (organization_id, id) WHERE emptied = 0;
CREATE INDEX deleted_device_by_expiry ON deleted_device (next_expiry) WHERE emptied = 1;

CREATE TABLE issuer_count_numbered (
    key_id BLOB NOT NULL PRIMARY KEY,
    revocations INTEGER NOT NULL,
    crl_number INTEGER NOT NULL,
    checksum INTEGER
) STRICT;

INSERT INTO issuer_count_numbered (key_id, revocations, crl_number)
    SELECT key_id, revocations, crl_number FROM issuer_count;
DROP TABLE issuer_count;
ALTER TABLE issuer_count_numbered RENAME TO issuer_count;

-- A row that was changed, but for its checksum, loses it.

CREATE TRIGGER api_key_changed AFTER UPDATE ON api_key WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE api_key SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER certificate_changed AFTER UPDATE ON certificate WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE certificate SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER component_changed AFTER UPDATE ON component WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE component SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER compromised_key_changed AFTER UPDATE ON compromised_key WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE compromised_key SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER deleted_device_changed AFTER UPDATE ON deleted_device WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE deleted_device SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER device_changed AFTER UPDATE ON device WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE device SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER device_group_changed AFTER UPDATE ON device_group WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE device_group SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER issuer_changed AFTER UPDATE ON issuer WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE issuer SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER issuer_count_changed AFTER UPDATE ON issuer_count WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE issuer_count SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER organization_changed AFTER UPDATE ON organization WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE organization SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER quarantine_changed AFTER UPDATE ON quarantine WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE quarantine SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER retained_changed AFTER UPDATE ON retained WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE retained SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER sensor_changed AFTER UPDATE ON sensor WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE sensor SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER site_changed AFTER UPDATE ON site WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE site SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER token_changed AFTER UPDATE ON token WHEN NEW.checksum = OLD.checksum
BEGIN
    UPDATE token SET checksum = NULL WHERE rowid = NEW.rowid;
END;

CREATE TABLE unsealed (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO unsealed (name)
    SELECT 'api_key' WHERE EXISTS (SELECT 1 FROM api_key)
    UNION ALL
    SELECT 'certificate' WHERE EXISTS (SELECT 1 FROM certificate)
    UNION ALL
    SELECT 'component' WHERE EXISTS (SELECT 1 FROM component)
    UNION ALL
    SELECT 'compromised_key' WHERE EXISTS (SELECT 1 FROM compromised_key)
    UNION ALL
    SELECT 'deleted_device' WHERE EXISTS (SELECT 1 FROM deleted_device)
    UNION ALL
    SELECT 'device' WHERE EXISTS (SELECT 1 FROM device)
    UNION ALL
    SELECT 'device_group' WHERE EXISTS (SELECT 1 FROM device_group)
    UNION ALL
    SELECT 'health' WHERE EXISTS (SELECT 1 FROM health)
    UNION ALL
    SELECT 'idempotency' WHERE EXISTS (SELECT 1 FROM idempotency)
    UNION ALL
    SELECT 'issuer' WHERE EXISTS (SELECT 1 FROM issuer)
    UNION ALL
    SELECT 'issuer_count' WHERE EXISTS (SELECT 1 FROM issuer_count)
    UNION ALL
    SELECT 'organization' WHERE EXISTS (SELECT 1 FROM organization)
    UNION ALL
    SELECT 'quarantine' WHERE EXISTS (SELECT 1 FROM quarantine)
    UNION ALL
    SELECT 'reading' WHERE EXISTS (SELECT 1 FROM reading)
    UNION ALL
    SELECT 'retained' WHERE EXISTS (SELECT 1 FROM retained)
    UNION ALL
    SELECT 'sensor' WHERE EXISTS (SELECT 1 FROM sensor)
    UNION ALL
    SELECT 'site' WHERE EXISTS (SELECT 1 FROM site)
    UNION ALL
    SELECT 'token' WHERE EXISTS (SELECT 1 FROM token);
