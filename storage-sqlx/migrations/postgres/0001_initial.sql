-- The first schema. Everything is in the schema `fieldgate`, to which the search path is set.
--
-- Times are milliseconds since 1970, enums are their text form, sets of tags are arrays beside an
-- index table. Texts that are compared are so by their octets. Organization first in every key.
--
-- `device` holds living devices only. What hangs on a device has no foreign key to it: what a
-- deleted device leaves behind is removed in small steps.

-- The wall around each organization's rows, also for the owner of the tables. A transaction sees
-- the rows of the organization that it has named, or all where it is the server's own; without
-- either it sees none.
CREATE FUNCTION wall(walled regclass, organization text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', walled);
    EXECUTE format(
        'CREATE POLICY of_organization ON %s USING '
        '(%I = nullif(current_setting(''fieldgate.organization'', true), '''')::uuid)',
        walled, organization);
    EXECUTE format(
        'CREATE POLICY of_server ON %s USING (current_setting(''fieldgate.server'', true) = ''on'')',
        walled);
END
$$;

CREATE TABLE organization (
    id uuid PRIMARY KEY,
    slug text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    created_at bigint NOT NULL,
    revision bigint NOT NULL
);

-- Without an organization it is the server's own.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    organization_id uuid REFERENCES organization (id),
    name text NOT NULL,
    prefix text COLLATE "C" NOT NULL UNIQUE,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    revision bigint NOT NULL
);

CREATE INDEX api_key_by_owner ON api_key (organization_id, id);

-- Without an organization it is the server's own.
CREATE TABLE idempotency (
    organization_id uuid,
    key text COLLATE "C" NOT NULL,
    request_sha256 bytea NOT NULL,
    resource uuid NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (organization_id, key)
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE site (
    organization_id uuid NOT NULL REFERENCES organization (id),
    id uuid PRIMARY KEY,
    name text NOT NULL,
    description text,
    latitude double precision,
    longitude double precision,
    altitude double precision,
    location_label text,
    time_zone text,
    created_at bigint NOT NULL,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id)
);

CREATE TABLE device_group (
    organization_id uuid NOT NULL REFERENCES organization (id),
    id uuid PRIMARY KEY,
    name text NOT NULL,
    description text,
    selector_all text[] NOT NULL,
    selector_any text[] NOT NULL,
    selector_none text[] NOT NULL,
    created_at bigint NOT NULL,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id)
);

-- The fill factor leaves room to change a row where it is.
CREATE TABLE device (
    organization_id uuid NOT NULL REFERENCES organization (id),
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    latitude double precision,
    longitude double precision,
    altitude double precision,
    location_label text,
    tags text[] NOT NULL,
    metadata text NOT NULL,
    site_id uuid,
    profile text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    online boolean NOT NULL,
    first_session_at bigint,
    last_seen_at bigint,
    status_changed_at bigint NOT NULL,
    firmware_version text,
    certificate_serial_number bytea,
    certificate_not_after bigint,
    session_epoch bigint NOT NULL,
    live_epoch bigint,
    live_node text COLLATE "C",
    live_serial_number bytea,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, name),
    FOREIGN KEY (organization_id, site_id) REFERENCES site (organization_id, id)
) WITH (fillfactor = 80);

CREATE INDEX device_by_site ON device (organization_id, site_id, id);
CREATE INDEX device_by_profile ON device (organization_id, profile, id);
CREATE INDEX device_by_status ON device (organization_id, status, id);
CREATE INDEX device_by_figures ON device (organization_id, status, online, site_id, profile);
CREATE INDEX device_by_node ON device (live_node, id) WHERE live_node IS NOT NULL;

-- The ids that are taken: of living devices, and of deleted ones until nothing of them is left,
-- their certificates being the last.
CREATE TABLE device_identity (
    organization_id uuid NOT NULL,
    id uuid PRIMARY KEY,
    deleted boolean NOT NULL DEFAULT false,
    emptied boolean NOT NULL DEFAULT false,
    next_expiry bigint
);

CREATE INDEX device_identity_to_empty ON device_identity (id) WHERE deleted AND NOT emptied;
CREATE INDEX device_identity_by_expiry ON device_identity (next_expiry) WHERE deleted AND emptied;

CREATE TABLE device_tag (
    organization_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    owner_id uuid NOT NULL,
    PRIMARY KEY (organization_id, tag, owner_id)
);

-- Words are octets, so that a prefix is a range of them.
CREATE TABLE device_word (
    organization_id uuid NOT NULL,
    word bytea NOT NULL,
    owner_id uuid NOT NULL,
    PRIMARY KEY (organization_id, word, owner_id)
);

CREATE TABLE token (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    device_name text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    secret_hash bytea NOT NULL,
    fate text COLLATE "C" NOT NULL,
    fate_at bigint,
    serial_number bytea
);

CREATE INDEX token_by_organization ON token (organization_id, id);
CREATE INDEX token_by_device ON token (organization_id, device_id);
CREATE INDEX token_open ON token (organization_id, id) WHERE fate = 'OPEN';
CREATE UNIQUE INDEX token_open_by_device ON token (organization_id, device_id) WHERE fate = 'OPEN';
CREATE INDEX token_open_by_expiry ON token (expires_at) WHERE fate = 'OPEN';

CREATE TABLE certificate (
    issuer_key_id bytea NOT NULL,
    serial_number bytea NOT NULL,
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    subject text NOT NULL,
    fingerprint_sha256 bytea NOT NULL,
    public_key_sha256 bytea NOT NULL,
    not_before bigint NOT NULL,
    not_after bigint NOT NULL,
    issued_at bigint NOT NULL,
    issue_sequence bigint NOT NULL,
    first_used_at bigint,
    fate text COLLATE "C" NOT NULL,
    revoked_at bigint,
    revocation_reason text COLLATE "C",
    pem text NOT NULL,
    PRIMARY KEY (issuer_key_id, serial_number)
);

CREATE UNIQUE INDEX certificate_by_device
    ON certificate (organization_id, device_id, issue_sequence);
CREATE INDEX certificate_by_key ON certificate (public_key_sha256);
CREATE INDEX certificate_revoked
    ON certificate (issuer_key_id, serial_number) WHERE fate = 'REVOKED';

-- Keys that somebody else may know, of certificates that are no longer on record.
CREATE TABLE compromised_key (
    public_key_sha256 bytea PRIMARY KEY
);

CREATE TABLE issuer (
    key_id bytea PRIMARY KEY,
    certificate_pem text NOT NULL,
    root_pem text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE issuer_count (
    key_id bytea PRIMARY KEY,
    revocations bigint NOT NULL,
    crl_number bigint NOT NULL
);

CREATE TABLE component (
    organization_id uuid NOT NULL,
    id uuid PRIMARY KEY,
    device_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    origin text NOT NULL,
    name text NOT NULL,
    profile text COLLATE "C",
    tags text[] NOT NULL,
    metadata text NOT NULL,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, device_id, key)
);

CREATE INDEX component_by_profile ON component (organization_id, profile, id);

CREATE TABLE component_tag (
    organization_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    owner_id uuid NOT NULL,
    PRIMARY KEY (organization_id, tag, owner_id)
);

-- Readings refer to a sensor by its number, which is never used again.
CREATE TABLE sensor (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    device_id uuid NOT NULL,
    component_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    name text NOT NULL,
    value_type text COLLATE "C" NOT NULL,
    unit text,
    tags text[] NOT NULL,
    type_origin text NOT NULL,
    latest_at bigint,
    latest_bigint bigint,
    latest_boolean boolean,
    latest_double double precision,
    latest_text text,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, component_id, key)
) WITH (fillfactor = 80);

CREATE INDEX sensor_by_device ON sensor (organization_id, device_id, id);

CREATE TABLE sensor_tag (
    organization_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    owner_id uuid NOT NULL,
    PRIMARY KEY (organization_id, tag, owner_id)
);

CREATE TABLE sensor_word (
    organization_id uuid NOT NULL,
    word bytea NOT NULL,
    owner_id uuid NOT NULL,
    PRIMARY KEY (organization_id, word, owner_id)
);

-- Sensors that are gone and whose readings are still there.
CREATE TABLE deleted_sensor (
    organization_id uuid NOT NULL,
    number bigint PRIMARY KEY
);

-- One of the four values is there, and its column tells its type. In a text, the character 0,
-- which PostgreSQL does not have, is the character 1 before a `0`, and the character 1 is itself
-- before a `1`.
CREATE TABLE reading (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text,
    PRIMARY KEY (sensor_number, taken_at)
) PARTITION BY RANGE (taken_at);

CREATE TABLE health (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text,
    PRIMARY KEY (organization_id, device_id, taken_at)
) PARTITION BY RANGE (taken_at);

-- What no month has a partition for.
CREATE TABLE reading_default PARTITION OF reading DEFAULT;
CREATE TABLE health_default PARTITION OF health DEFAULT;

CREATE TABLE quarantine (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    device_id uuid NOT NULL,
    received_at bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    detail text NOT NULL,
    raw text NOT NULL,
    PRIMARY KEY (organization_id, id)
);

CREATE INDEX quarantine_by_device ON quarantine (organization_id, device_id, id);
CREATE INDEX quarantine_by_age ON quarantine (received_at);

CREATE TABLE retained (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    topic text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (organization_id, device_id, topic)
);

CREATE TABLE probe (
    id integer PRIMARY KEY CHECK (id = 1),
    count bigint NOT NULL
);

SELECT wall('organization', 'id');
SELECT wall(walled::regclass, 'organization_id') FROM unnest(ARRAY[
    'api_key', 'certificate', 'component', 'component_tag', 'deleted_sensor', 'device',
    'device_group', 'device_identity', 'device_tag', 'device_word', 'health', 'health_default',
    'idempotency', 'quarantine', 'reading', 'reading_default', 'retained', 'sensor', 'sensor_tag',
    'sensor_word', 'site', 'token'
]) AS walled;

-- Makes the partitions of a month, which counts from January of the year 0, and moves into them
-- what the default ones hold of it, as far as the caller sees that: it is for the server.
CREATE FUNCTION add_month(month integer) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = fieldgate, pg_temp AS $$
DECLARE
    first timestamp := make_timestamp(month / 12, month % 12 + 1, 1, 0, 0, 0);
    from_at bigint := extract(epoch FROM first) * 1000;
    to_at bigint := extract(epoch FROM first + interval '1 month') * 1000;
    parent text;
    part text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['health', 'reading'] LOOP
        part := format('%s_%s', parent, to_char(first, 'YYYY_MM'));
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
        -- Another node may have been first.
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
        PERFORM wall(part::regclass, 'organization_id');
        EXECUTE format(
            'WITH moved AS (DELETE FROM %I WHERE taken_at >= %s AND taken_at < %s RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved', parent || '_default', from_at, to_at, part);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            parent, part, from_at, to_at);
    END LOOP;
END
$$;

-- Removes the oldest partition of readings or health reports that ends at or before a time; false
-- where there is none.
CREATE FUNCTION drop_month(parent text, before_at bigint) RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = fieldgate, pg_temp AS $$
DECLARE
    part text;
BEGIN
    IF parent NOT IN ('health', 'reading') THEN
        RAISE EXCEPTION 'there are no months of %', parent;
    END IF;
    SELECT c.relname INTO part
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(parent) AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
    AND extract(epoch FROM make_date(substr(right(c.relname, 7), 1, 4)::integer,
        right(c.relname, 2)::integer, 1) + interval '1 month') * 1000 <= before_at
    ORDER BY c.relname LIMIT 1;
    IF part IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', part);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION add_month, drop_month, wall FROM PUBLIC;

-- Lets a role work with all this, and nothing more: for a server that is not the owner.
CREATE FUNCTION admit(role name) RETURNS void LANGUAGE plpgsql
    SET search_path = fieldgate, pg_temp AS $$
DECLARE
    admitted name;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA fieldgate TO %I', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION add_month, drop_month TO %I', role);
    FOR admitted IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'fieldgate'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition
    LOOP
        EXECUTE format('GRANT SELECT ON %I TO %I', admitted, role);
        IF admitted <> '_sqlx_migrations' THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO %I', admitted, role);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION admit FROM PUBLIC;
