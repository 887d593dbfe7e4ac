--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: fieldgate; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA fieldgate;


--
-- Name: add_month(text, integer); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.add_month(parent text, month integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'fieldgate', 'pg_temp'
    AS $$
DECLARE
    first timestamp := make_timestamp(month / 12, month % 12 + 1, 1, 0, 0, 0);
    from_at bigint := extract(epoch FROM first) * 1000;
    to_at bigint := extract(epoch FROM first + interval '1 month') * 1000;
    part text := format('%s_%s', parent, to_char(first, 'YYYY_MM'));
BEGIN
    IF parent NOT IN ('health', 'reading') THEN
        RAISE EXCEPTION 'there are no months of %', parent;
    END IF;
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    -- Another node may have been first.
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
    PERFORM wall(part::regclass, 'organization_id');
    EXECUTE format(
        'WITH moved AS (DELETE FROM %I WHERE taken_at >= %s AND taken_at < %s RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', parent || '_default', from_at, to_at, part);
    EXECUTE format(
        'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        parent, part, from_at, to_at);
END
$$;


--
-- Name: add_to_tally(uuid, text[], text[], bigint[]); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.add_to_tally(organization uuid, kinds text[], vals text[], counts bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    slot_held integer;
BEGIN
    IF cardinality(kinds) = 0 THEN
        RETURN;
    END IF;
    slot_held := tally_slot();
    INSERT INTO tally AS t (organization_id, kind, value, slot, count)
    SELECT organization, c.kind, c.value, slot_held, sum(c.count)
    FROM unnest(kinds, vals, counts) AS c (kind, value, count)
    GROUP BY c.kind, c.value HAVING sum(c.count) <> 0
    ON CONFLICT (organization_id, kind, value, slot) DO UPDATE SET count = t.count + excluded.count;
END
$$;


--
-- Name: admit(name); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.admit(role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'fieldgate', 'pg_temp'
    AS $$
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


--
-- Name: device_counted(); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.device_counted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    organization uuid;
    kinds text[] := '{}';
    vals text[] := '{}';
    counts bigint[] := '{}';
    chosen uuid;
BEGIN
    organization := CASE WHEN TG_OP = 'DELETE' THEN OLD.organization_id ELSE NEW.organization_id END;
    IF TG_OP <> 'UPDATE' OR OLD.tags <> NEW.tags THEN
        PERFORM hold_membership(organization, false);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        kinds := ARRAY['STATUS', 'ONLINE', 'SITE', 'PROFILE'];
        vals := ARRAY[OLD.status, '', coalesce(OLD.site_id::text, ''), coalesce(OLD.profile, '')];
        counts := ARRAY[-1, -OLD.online::integer, -1, -1];
        IF TG_OP <> 'UPDATE' OR OLD.tags <> NEW.tags THEN
            FOR chosen IN SELECT groups_of(organization, OLD.id, OLD.tags) LOOP
                kinds := kinds || 'GROUP'::text;
                vals := vals || chosen::text;
                counts := counts || -1::bigint;
            END LOOP;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        kinds := kinds || ARRAY['STATUS', 'ONLINE', 'SITE', 'PROFILE'];
        vals := vals
            || ARRAY[NEW.status, '', coalesce(NEW.site_id::text, ''), coalesce(NEW.profile, '')];
        counts := counts || ARRAY[1, NEW.online::integer, 1, 1]::bigint[];
        IF TG_OP <> 'UPDATE' OR OLD.tags <> NEW.tags THEN
            FOR chosen IN SELECT groups_of(organization, NEW.id, NEW.tags) LOOP
                kinds := kinds || 'GROUP'::text;
                vals := vals || chosen::text;
                counts := counts || 1::bigint;
            END LOOP;
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        -- Its sensors go out of sight with it.
        SELECT kinds || coalesce(array_agg('VALUE_TYPE'::text), '{}'),
            vals || coalesce(array_agg(s.value_type::text), '{}'),
            counts || coalesce(array_agg(-s.sensors), '{}')
        INTO kinds, vals, counts
        FROM (SELECT value_type, count(*) AS sensors FROM sensor
            WHERE organization_id = OLD.organization_id AND device_id = OLD.id
            GROUP BY value_type) AS s;
    END IF;
    PERFORM add_to_tally(organization, kinds, vals, counts);
    RETURN NULL;
END
$$;


--
-- Name: drop_month(text, bigint); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.drop_month(parent text, before_at bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'fieldgate', 'pg_temp'
    AS $_$
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
$_$;


--
-- Name: find_group(uuid, uuid, text[], text[]); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.find_group(organization uuid, group_found uuid, wants_all text[], wants_any text[]) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO group_tag (organization_id, tag, group_id)
    SELECT organization, tag, group_found FROM unnest(CASE
        WHEN wants_all <> '{}' THEN wants_all[1:1]
        WHEN wants_any <> '{}' THEN wants_any
        ELSE ARRAY[''] END) AS tag;
    INSERT INTO uncounted_group (organization_id, id, counted_to)
    VALUES (organization, group_found, '00000000-0000-0000-0000-000000000000')
$$;


--
-- Name: fold_tally(integer); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.fold_tally(most integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    folded integer := 0;
    slot_held integer;
    kept record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1181049905, 0) THEN
        RETURN 0;
    END IF;
    FOR slot_held IN SELECT DISTINCT slot FROM (SELECT slot FROM tally
        WHERE slot > 0 AND kind IN ('GROUP', 'PROFILE', 'SITE') OR slot > 31 LIMIT most) AS t
    LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(1181049905, slot_held);
        FOR kept IN WITH gone AS (DELETE FROM tally WHERE ctid = ANY(ARRAY(SELECT ctid FROM tally
            WHERE slot = slot_held AND (kind IN ('GROUP', 'PROFILE', 'SITE') OR slot > 31)
            LIMIT most)) RETURNING *),
        sums AS (INSERT INTO tally AS t (organization_id, kind, value, slot, count)
            SELECT organization_id, kind, value, 0, sum(count) FROM gone GROUP BY 1, 2, 3
            ON CONFLICT (organization_id, kind, value, slot)
            DO UPDATE SET count = t.count + excluded.count RETURNING *)
        SELECT * FROM sums
        LOOP
            folded := folded + 1;
            IF kept.count = 0 THEN
                DELETE FROM tally WHERE organization_id = kept.organization_id
                AND kind = kept.kind AND value = kept.value AND slot = 0;
            END IF;
        END LOOP;
    END LOOP;
    RETURN folded;
END
$$;


--
-- Name: group_counted(); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.group_counted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM hold_membership(OLD.organization_id, true);
        DELETE FROM group_tag WHERE group_id = OLD.id;
        DELETE FROM uncounted_group WHERE id = OLD.id;
        -- Nobody takes slots together meanwhile, whose sums would not be seen here.
        PERFORM pg_advisory_xact_lock(1181049905, 0);
        DELETE FROM tally
        WHERE organization_id = OLD.organization_id AND kind = 'GROUP' AND value = OLD.id::text;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM hold_membership(NEW.organization_id, true);
        PERFORM find_group(NEW.organization_id, NEW.id, NEW.selector_all, NEW.selector_any);
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: groups_of(uuid, uuid, text[]); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.groups_of(organization uuid, device uuid, its_tags text[]) RETURNS SETOF uuid
    LANGUAGE sql
    AS $$
    SELECT g.id FROM device_group AS g
    WHERE g.organization_id = organization
    AND g.id IN (SELECT group_id FROM group_tag WHERE organization_id = organization
        AND tag = ANY(its_tags || ''::text))
    AND g.selector_all <@ its_tags
    AND (g.selector_any = '{}' OR g.selector_any && its_tags)
    AND NOT g.selector_none && its_tags
    AND NOT EXISTS (SELECT 1 FROM uncounted_group AS u WHERE u.id = g.id AND u.counted_to < device)
$$;


--
-- Name: hold_membership(uuid, boolean); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.hold_membership(organization uuid, alone boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF alone THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(organization::text, 1181049905));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(organization::text, 1181049905));
    END IF;
END
$$;


--
-- Name: sensor_counted(); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.sensor_counted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    organization uuid;
    its_device uuid;
    vals text[] := '{}';
    counts bigint[] := '{}';
BEGIN
    IF TG_OP <> 'INSERT' THEN
        organization := OLD.organization_id;
        its_device := OLD.device_id;
        vals := ARRAY[OLD.value_type];
        counts := ARRAY[-1];
    END IF;
    IF TG_OP <> 'DELETE' THEN
        organization := NEW.organization_id;
        its_device := NEW.device_id;
        vals := vals || NEW.value_type::text;
        counts := counts || 1::bigint;
    END IF;
    IF EXISTS (SELECT 1 FROM device AS d
        WHERE d.organization_id = organization AND d.id = its_device) THEN
        PERFORM add_to_tally(
            organization, array_fill('VALUE_TYPE'::text, ARRAY[cardinality(vals)]), vals, counts);
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: tally_slot(); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.tally_slot() RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    slot integer;
BEGIN
    FOR tried IN 0..31 LOOP
        slot := (pg_backend_pid() + tried) % 32;
        IF pg_try_advisory_xact_lock(1181049905, slot) THEN
            RETURN slot;
        END IF;
    END LOOP;
    slot := 32 + pg_backend_pid();
    PERFORM pg_advisory_xact_lock(1181049905, slot);
    RETURN slot;
END
$$;


--
-- Name: wall(regclass, text); Type: FUNCTION; Schema: fieldgate; Owner: -
--

CREATE FUNCTION fieldgate.wall(walled regclass, organization text) RETURNS void
    LANGUAGE plpgsql
    AS $$
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


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: _sqlx_migrations; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);


--
-- Name: api_key; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.api_key (
    id uuid NOT NULL,
    organization_id uuid,
    name text NOT NULL,
    prefix text NOT NULL COLLATE pg_catalog."C",
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    revision bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.api_key FORCE ROW LEVEL SECURITY;


--
-- Name: certificate; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.certificate (
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
    fate text NOT NULL COLLATE pg_catalog."C",
    revoked_at bigint,
    revocation_reason text COLLATE pg_catalog."C",
    pem text NOT NULL
);

ALTER TABLE ONLY fieldgate.certificate FORCE ROW LEVEL SECURITY;


--
-- Name: component; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.component (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    device_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    origin text NOT NULL,
    name text NOT NULL,
    profile text COLLATE pg_catalog."C",
    tags text[] NOT NULL,
    metadata text NOT NULL,
    revision bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.component FORCE ROW LEVEL SECURITY;


--
-- Name: component_tag; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.component_tag (
    organization_id uuid NOT NULL,
    tag text NOT NULL COLLATE pg_catalog."C",
    owner_id uuid NOT NULL
);

ALTER TABLE ONLY fieldgate.component_tag FORCE ROW LEVEL SECURITY;


--
-- Name: compromised_key; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.compromised_key (
    public_key_sha256 bytea NOT NULL
);


--
-- Name: deleted_sensor; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.deleted_sensor (
    organization_id uuid NOT NULL,
    number bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.deleted_sensor FORCE ROW LEVEL SECURITY;


--
-- Name: device; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.device (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    latitude double precision,
    longitude double precision,
    altitude double precision,
    location_label text,
    tags text[] NOT NULL,
    metadata text NOT NULL,
    site_id uuid,
    profile text COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    online boolean NOT NULL,
    first_session_at bigint,
    last_seen_at bigint,
    status_changed_at bigint NOT NULL,
    firmware_version text,
    certificate_serial_number bytea,
    certificate_not_after bigint,
    session_epoch bigint NOT NULL,
    live_epoch bigint,
    live_node text COLLATE pg_catalog."C",
    live_serial_number bytea,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    revision bigint NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE ONLY fieldgate.device FORCE ROW LEVEL SECURITY;


--
-- Name: device_group; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.device_group (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    description text,
    selector_all text[] NOT NULL,
    selector_any text[] NOT NULL,
    selector_none text[] NOT NULL,
    created_at bigint NOT NULL,
    revision bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.device_group FORCE ROW LEVEL SECURITY;


--
-- Name: device_identity; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.device_identity (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    emptied boolean DEFAULT false NOT NULL,
    next_expiry bigint
);

ALTER TABLE ONLY fieldgate.device_identity FORCE ROW LEVEL SECURITY;


--
-- Name: device_tag; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.device_tag (
    organization_id uuid NOT NULL,
    tag text NOT NULL COLLATE pg_catalog."C",
    owner_id uuid NOT NULL
);

ALTER TABLE ONLY fieldgate.device_tag FORCE ROW LEVEL SECURITY;


--
-- Name: device_word; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.device_word (
    organization_id uuid NOT NULL,
    word bytea NOT NULL,
    owner_id uuid NOT NULL
);

ALTER TABLE ONLY fieldgate.device_word FORCE ROW LEVEL SECURITY;


--
-- Name: group_tag; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.group_tag (
    organization_id uuid NOT NULL,
    tag text NOT NULL COLLATE pg_catalog."C",
    group_id uuid NOT NULL
);

ALTER TABLE ONLY fieldgate.group_tag FORCE ROW LEVEL SECURITY;


--
-- Name: health; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
)
PARTITION BY RANGE (taken_at);

ALTER TABLE ONLY fieldgate.health FORCE ROW LEVEL SECURITY;


--
-- Name: health_2026_05; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_2026_05 (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_2026_05 FORCE ROW LEVEL SECURITY;


--
-- Name: health_2026_06; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_2026_06 (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_2026_06 FORCE ROW LEVEL SECURITY;


--
-- Name: health_2026_07; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_2026_07 (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_2026_07 FORCE ROW LEVEL SECURITY;


--
-- Name: health_2026_08; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_2026_08 (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_2026_08 FORCE ROW LEVEL SECURITY;


--
-- Name: health_2026_11; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_2026_11 (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_2026_11 FORCE ROW LEVEL SECURITY;


--
-- Name: health_2026_12; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_2026_12 (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_2026_12 FORCE ROW LEVEL SECURITY;


--
-- Name: health_2027_01; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_2027_01 (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_2027_01 FORCE ROW LEVEL SECURITY;


--
-- Name: health_default; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_default (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_default FORCE ROW LEVEL SECURITY;


--
-- Name: health_past; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.health_past (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    taken_at bigint NOT NULL,
    uptime_seconds bigint NOT NULL,
    free_heap_bytes bigint,
    signal_strength_dbm integer,
    connection_type text NOT NULL,
    readings_sent bigint NOT NULL,
    readings_dropped bigint NOT NULL,
    extra text
);

ALTER TABLE ONLY fieldgate.health_past FORCE ROW LEVEL SECURITY;


--
-- Name: idempotency; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.idempotency (
    organization_id uuid,
    key text NOT NULL COLLATE pg_catalog."C",
    request_sha256 bytea NOT NULL,
    resource uuid NOT NULL,
    created_at bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.idempotency FORCE ROW LEVEL SECURITY;


--
-- Name: issuer; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.issuer (
    key_id bytea NOT NULL,
    certificate_pem text NOT NULL,
    root_pem text NOT NULL,
    created_at bigint NOT NULL
);


--
-- Name: issuer_count; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.issuer_count (
    key_id bytea NOT NULL,
    revocations bigint NOT NULL,
    crl_number bigint NOT NULL
);


--
-- Name: organization; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.organization (
    id uuid NOT NULL,
    slug text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    created_at bigint NOT NULL,
    revision bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.organization FORCE ROW LEVEL SECURITY;


--
-- Name: probe; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.probe (
    id integer NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT probe_id_check CHECK ((id = 1))
);


--
-- Name: quarantine; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.quarantine (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    device_id uuid NOT NULL,
    received_at bigint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    detail text NOT NULL,
    raw text NOT NULL
);

ALTER TABLE ONLY fieldgate.quarantine FORCE ROW LEVEL SECURITY;


--
-- Name: reading; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
)
PARTITION BY RANGE (taken_at);

ALTER TABLE ONLY fieldgate.reading FORCE ROW LEVEL SECURITY;


--
-- Name: reading_2026_05; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_2026_05 (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_2026_05 FORCE ROW LEVEL SECURITY;


--
-- Name: reading_2026_06; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_2026_06 (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_2026_06 FORCE ROW LEVEL SECURITY;


--
-- Name: reading_2026_07; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_2026_07 (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_2026_07 FORCE ROW LEVEL SECURITY;


--
-- Name: reading_2026_08; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_2026_08 (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_2026_08 FORCE ROW LEVEL SECURITY;


--
-- Name: reading_2026_11; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_2026_11 (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_2026_11 FORCE ROW LEVEL SECURITY;


--
-- Name: reading_2026_12; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_2026_12 (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_2026_12 FORCE ROW LEVEL SECURITY;


--
-- Name: reading_2027_01; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_2027_01 (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_2027_01 FORCE ROW LEVEL SECURITY;


--
-- Name: reading_default; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_default (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_default FORCE ROW LEVEL SECURITY;


--
-- Name: reading_past; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.reading_past (
    organization_id uuid NOT NULL,
    sensor_number bigint NOT NULL,
    taken_at bigint NOT NULL,
    value_bigint bigint,
    value_boolean boolean,
    value_double double precision,
    value_text text,
    metadata text
);

ALTER TABLE ONLY fieldgate.reading_past FORCE ROW LEVEL SECURITY;


--
-- Name: retained; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.retained (
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    topic text NOT NULL COLLATE pg_catalog."C",
    payload bytea NOT NULL,
    received_at bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.retained FORCE ROW LEVEL SECURITY;


--
-- Name: sensor; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.sensor (
    number bigint NOT NULL,
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    device_id uuid NOT NULL,
    component_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    value_type text NOT NULL COLLATE pg_catalog."C",
    unit text,
    tags text[] NOT NULL,
    type_origin text NOT NULL,
    latest_at bigint,
    latest_bigint bigint,
    latest_boolean boolean,
    latest_double double precision,
    latest_text text,
    revision bigint NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE ONLY fieldgate.sensor FORCE ROW LEVEL SECURITY;


--
-- Name: sensor_number_seq; Type: SEQUENCE; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.sensor ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME fieldgate.sensor_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sensor_tag; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.sensor_tag (
    organization_id uuid NOT NULL,
    tag text NOT NULL COLLATE pg_catalog."C",
    owner_id uuid NOT NULL
);

ALTER TABLE ONLY fieldgate.sensor_tag FORCE ROW LEVEL SECURITY;


--
-- Name: sensor_word; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.sensor_word (
    organization_id uuid NOT NULL,
    word bytea NOT NULL,
    owner_id uuid NOT NULL
);

ALTER TABLE ONLY fieldgate.sensor_word FORCE ROW LEVEL SECURITY;


--
-- Name: server; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.server (
    id integer NOT NULL,
    epoch bigint NOT NULL,
    CONSTRAINT server_id_check CHECK ((id = 1))
);


--
-- Name: site; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.site (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    description text,
    latitude double precision,
    longitude double precision,
    altitude double precision,
    location_label text,
    time_zone text,
    created_at bigint NOT NULL,
    revision bigint NOT NULL
);

ALTER TABLE ONLY fieldgate.site FORCE ROW LEVEL SECURITY;


--
-- Name: tally; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.tally (
    organization_id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    slot integer NOT NULL,
    count bigint NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE ONLY fieldgate.tally FORCE ROW LEVEL SECURITY;


--
-- Name: token; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.token (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    device_id uuid NOT NULL,
    device_name text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    secret_hash bytea NOT NULL,
    fate text NOT NULL COLLATE pg_catalog."C",
    fate_at bigint,
    serial_number bytea
);

ALTER TABLE ONLY fieldgate.token FORCE ROW LEVEL SECURITY;


--
-- Name: uncounted_group; Type: TABLE; Schema: fieldgate; Owner: -
--

CREATE TABLE fieldgate.uncounted_group (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    counted_to uuid NOT NULL
);

ALTER TABLE ONLY fieldgate.uncounted_group FORCE ROW LEVEL SECURITY;


--
-- Name: health_2026_05; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_2026_05 FOR VALUES FROM ('1777593600000') TO ('1780272000000');


--
-- Name: health_2026_06; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_2026_06 FOR VALUES FROM ('1780272000000') TO ('1782864000000');


--
-- Name: health_2026_07; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_2026_07 FOR VALUES FROM ('1782864000000') TO ('1785542400000');


--
-- Name: health_2026_08; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_2026_08 FOR VALUES FROM ('1785542400000') TO ('1788220800000');


--
-- Name: health_2026_11; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_2026_11 FOR VALUES FROM ('1793491200000') TO ('1796083200000');


--
-- Name: health_2026_12; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_2026_12 FOR VALUES FROM ('1796083200000') TO ('1798761600000');


--
-- Name: health_2027_01; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_2027_01 FOR VALUES FROM ('1798761600000') TO ('1801440000000');


--
-- Name: health_default; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_default DEFAULT;


--
-- Name: health_past; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health ATTACH PARTITION fieldgate.health_past FOR VALUES FROM (MINVALUE) TO ('1577836800000');


--
-- Name: reading_2026_05; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_2026_05 FOR VALUES FROM ('1777593600000') TO ('1780272000000');


--
-- Name: reading_2026_06; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_2026_06 FOR VALUES FROM ('1780272000000') TO ('1782864000000');


--
-- Name: reading_2026_07; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_2026_07 FOR VALUES FROM ('1782864000000') TO ('1785542400000');


--
-- Name: reading_2026_08; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_2026_08 FOR VALUES FROM ('1785542400000') TO ('1788220800000');


--
-- Name: reading_2026_11; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_2026_11 FOR VALUES FROM ('1793491200000') TO ('1796083200000');


--
-- Name: reading_2026_12; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_2026_12 FOR VALUES FROM ('1796083200000') TO ('1798761600000');


--
-- Name: reading_2027_01; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_2027_01 FOR VALUES FROM ('1798761600000') TO ('1801440000000');


--
-- Name: reading_default; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_default DEFAULT;


--
-- Name: reading_past; Type: TABLE ATTACH; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading ATTACH PARTITION fieldgate.reading_past FOR VALUES FROM (MINVALUE) TO ('1577836800000');


--
-- Data for Name: _sqlx_migrations; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate._sqlx_migrations VALUES
	(1, 'initial', '2026-11-29 12:28:56.198067+00', true, '\x6058d0564116d592bf37ec8765fdbd387fcce12a9baa98231cb858fd569b7e23fb9102a5ce030d3bd220f71ac22db918', 77281809),
	(2, 'counts', '2026-11-29 12:28:56.278413+00', true, '\x14595e23df9e5c19272551668af4299a18fd3eb7827459cc6716d309577dc50ab4605bda783bf2498ac9468e66a04eae', 18178739),
	(4, 'operation', '2026-11-29 12:28:56.298203+00', true, '\x0e31a7700945d24b06699f7575bceb0f2e74979d35354ac723f0dccc7fedbb142f76aa6823f2fcb6b84cbbba87a39adf', 11471004);


--
-- Data for Name: api_key; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.api_key VALUES
	('019ecb27-227b-7000-8000-000000030000', NULL, 'deployment', '296eb6eebd3ea9de', '\xe171b4ec38ee720227f965e79e74eef0260a57ad0ecc1b52a3546df6192f0037', '{server}', 1781524800123, 1781528400123, NULL, 1),
	('019ecb27-227b-7000-8000-000000070000', '019ecb27-227b-7000-8000-000000050000', 'deployment', '6118820894c0acdc', '\x13d18feabde88da05955dadb0e93c9ec5127c9486b433bb4f0df66b8c88dd5d0', '{devices:read,tokens:write}', 1781524800123, 1781528400123, 1781524807123, 1),
	('019ecb27-227b-7000-8000-000000750000', '019ecb27-227b-7000-8000-000000730000', 'deployment', 'f452affde6365f94', '\xc3eb261e7a71f7c152a93efa233b0a72b92d7a8b45378ec33287a1128581989c', '{devices:read,tokens:write}', 1781524800123, 1781528400123, 1781524807123, 1);


--
-- Data for Name: certificate; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.certificate VALUES
	('\x0101010101010101010101010101010101010101', '\x4e89bdae768ebdc27743e389df32b114', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 'CN=019ecb27-227b-7000-8000-000000510000,O=019ecb27-227b-7000-8000-000000050000', '\x8e89bdae768ebdc27743e389df32b11444e033c17b1af459bfc53dc1863b96f1', '\x5561328c1a6278aa574d2890662c6b326c7fca9c9226d38ae7983c71ca9a2739', 1781524740000, 1813060800000, 1781524800123, 1, 1781524804123, 'REVOKED', 1781524856123, 'cessationOfOperation', '-----BEGIN CERTIFICATE-----
8e89bdae768ebdc27743e389df32b11444e033c17b1af459bfc53dc1863b96f1
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x792e3bf68d93da91fe287ea18e7b0fa2', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'CN=019ecb27-227b-7000-8000-0000000e0000,O=019ecb27-227b-7000-8000-000000050000', '\x392e3bf68d93da91fe287ea18e7b0fa2910997602a51abbb6b2bcca66495a399', '\xc9830b2d1713b3e2a2ae634dcdc01de90402e40e714e5b5579b3ddfe2b72c839', 1781524740000, 1813060800000, 1781524800123, 2, 1781524804123, 'GOOD', NULL, NULL, '-----BEGIN CERTIFICATE-----
392e3bf68d93da91fe287ea18e7b0fa2910997602a51abbb6b2bcca66495a399
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x4f9223c007d00ffaf1c426c1710973f3', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'CN=019ecb27-227b-7000-8000-0000000e0000,O=019ecb27-227b-7000-8000-000000050000', '\x8f9223c007d00ffaf1c426c1710973f33e0737ae3fe24cbc344dcbf253130309', '\x74fcd757ef885d58a6fce16e0a7d9424b6cfb7f325477ad6b93536dc0d5a4a73', 1781524740000, 1813060800000, 1781524800123, 1, 1781524804123, 'SUPERSEDED', NULL, NULL, '-----BEGIN CERTIFICATE-----
8f9223c007d00ffaf1c426c1710973f33e0737ae3fe24cbc344dcbf253130309
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x53d9a3c9b019da7855fa699a45ef5065', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'CN=019ecb27-227b-7000-8000-0000000e0000,O=019ecb27-227b-7000-8000-000000050000', '\x13d9a3c9b019da7855fa699a45ef50659bb7d9d3c40c703b6fdc9aba370bc179', '\xc733a5b1e878f076a4dc42a727180ec66f095a2f2240e4838c7ee46a446b5f2c', 1781524740000, 1813060800000, 1781524800123, 3, NULL, 'GOOD', NULL, NULL, '-----BEGIN CERTIFICATE-----
13d9a3c9b019da7855fa699a45ef50659bb7d9d3c40c703b6fdc9aba370bc179
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x6c676405119c0295a1fb6c763c669413', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000310000', 'CN=019ecb27-227b-7000-8000-000000310000,O=019ecb27-227b-7000-8000-000000050000', '\x6c676405119c0295a1fb6c763c669413662f80291f3a877dfd0d14ba1cc23e34', '\x53e6fd1c8d7654c8117f11a581834bd214b6a16da8f641fba22235b5a0ca2aae', 1781524740000, 1813060800000, 1781524800123, 1, 1781524804123, 'GOOD', NULL, NULL, '-----BEGIN CERTIFICATE-----
6c676405119c0295a1fb6c763c669413662f80291f3a877dfd0d14ba1cc23e34
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x68985bee392321cc6422ec8dc567734e', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000360000', 'CN=019ecb27-227b-7000-8000-000000360000,O=019ecb27-227b-7000-8000-000000050000', '\xe8985bee392321cc6422ec8dc567734e6843b29eebce983f0bca550bdeeecf20', '\x532999dee1daa7e706ca323f964045cd78bd698ed868de028524ce11b25a5f3a', 1781524740000, 1813060800000, 1781524800123, 1, 1781524804123, 'GOOD', NULL, NULL, '-----BEGIN CERTIFICATE-----
e8985bee392321cc6422ec8dc567734e6843b29eebce983f0bca550bdeeecf20
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x73d5a1379558061e1bce3bd107507d6d', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000003b0000', 'CN=019ecb27-227b-7000-8000-0000003b0000,O=019ecb27-227b-7000-8000-000000050000', '\xf3d5a1379558061e1bce3bd107507d6d4c20c23ecf3b90a5147d2c3cc78b9441', '\x83ef3240f4b057ea26fdf390b6cd9ee6e7a4557d0d5caa83e26ebfe867e2d014', 1781524740000, 1813060800000, 1781524800123, 1, 1781524804123, 'GOOD', NULL, NULL, '-----BEGIN CERTIFICATE-----
f3d5a1379558061e1bce3bd107507d6d4c20c23ecf3b90a5147d2c3cc78b9441
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x5170c3001e1f163bcdbaf1dfdd70afa4', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000480000', 'CN=019ecb27-227b-7000-8000-000000480000,O=019ecb27-227b-7000-8000-000000050000', '\x1170c3001e1f163bcdbaf1dfdd70afa42952149ef68c5983c36188680b5a8651', '\x280bfed5fea41dc43d0da99bfe7008253636703b34ff1c8348e0f6c4a62da10b', 1781524740000, 1813060800000, 1781524800123, 2, NULL, 'REVOKED', 1781524805123, 'keyCompromise', '-----BEGIN CERTIFICATE-----
1170c3001e1f163bcdbaf1dfdd70afa42952149ef68c5983c36188680b5a8651
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x6c49881c59e6d53918e7c2c5fbf80997', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000480000', 'CN=019ecb27-227b-7000-8000-000000480000,O=019ecb27-227b-7000-8000-000000050000', '\xec49881c59e6d53918e7c2c5fbf80997d81f498de48911e9536cf30f2a6662af', '\x655a134b21896b362135e90bf272a944dd04311fc939731d70cdb1b6529c2a54', 1781524740000, 1813060800000, 1781524800123, 1, NULL, 'REVOKED', 1781524856123, 'cessationOfOperation', '-----BEGIN CERTIFICATE-----
ec49881c59e6d53918e7c2c5fbf80997d81f498de48911e9536cf30f2a6662af
-----END CERTIFICATE-----
'),
	('\x0101010101010101010101010101010101010101', '\x53f833ac6177c0236f5c42703e447a15', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 'CN=019ecb27-227b-7000-8000-000000620000,O=019ecb27-227b-7000-8000-000000050000', '\x93f833ac6177c0236f5c42703e447a1592096bd3942c2ee831ff6e1bdfb9c4fe', '\x159218c893462d9e2cb0ec82bea4b61707276a18c3948165eb1c76dd8b828c6f', 1781524740000, 1813060800000, 1781524800123, 1, 1781524804123, 'GOOD', NULL, NULL, '-----BEGIN CERTIFICATE-----
93f833ac6177c0236f5c42703e447a1592096bd3942c2ee831ff6e1bdfb9c4fe
-----END CERTIFICATE-----
');


--
-- Data for Name: component; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.component VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-2663-7000-8000-000000220000', '019ecb27-227b-7000-8000-0000000e0000', 'bme280', 'ANNOUNCED', 'Klima', 'environment@1.2', '{}', '{}', 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000230000', '019ecb27-227b-7000-8000-0000000e0000', 'manual', 'MANUAL', 'manual', 'valve@1.2', '{inlet}', '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}', 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000240000', '019ecb27-227b-7000-8000-0000000e0000', 'main', 'ANNOUNCED', 'main', NULL, '{}', '{}', 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590000', '019ecb27-227b-7000-8000-000000510000', 'bme280', 'ANNOUNCED', 'bme280', NULL, '{}', '{}', 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590002', '019ecb27-227b-7000-8000-000000510000', 'main', 'ANNOUNCED', 'main', NULL, '{}', '{}', 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006a0002', '019ecb27-227b-7000-8000-000000620000', 'main', 'ANNOUNCED', 'main', NULL, '{}', '{}', 1);


--
-- Data for Name: component_tag; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.component_tag VALUES
	('019ecb27-227b-7000-8000-000000050000', 'inlet', '019ecb27-227b-7000-8000-000000230000');


--
-- Data for Name: compromised_key; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: deleted_sensor; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.deleted_sensor VALUES
	('019ecb27-227b-7000-8000-000000050000', 12),
	('019ecb27-227b-7000-8000-000000050000', 16);


--
-- Data for Name: device; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.device VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000360000', 'inactive', NULL, NULL, NULL, NULL, '{north,roof,spare}', '{}', NULL, NULL, 'INACTIVE', false, 1781524804123, 1781524804123, 1781524855123, NULL, '\x68985bee392321cc6422ec8dc567734e', 1813060800000, 1, NULL, NULL, NULL, 1781524800123, 1781524855123, 2),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'Pump 7 (Süd)', 47.3769, 8.5417, 408.5, 'Dach (Süd)', '{roof,süd}', '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}', '019ecb27-227b-7000-8000-0000000a0000', 'logger@2.0', 'ACTIVE', true, 1781524804123, 1781524890123, 1781524804123, '1.4.2', '\x53d9a3c9b019da7855fa699a45ef5065', 1813060800000, 2, 2, 'main', '\x792e3bf68d93da91fe287ea18e7b0fa2', 1781524800123, 1781524800123, 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000002d0000', 'pending', NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, 'PENDING', false, NULL, NULL, 1781524800123, NULL, NULL, NULL, 0, NULL, NULL, NULL, 1781524800123, 1781524800123, 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000310000', 'offline', NULL, NULL, NULL, NULL, '{north,roof,spare}', '{}', NULL, NULL, 'OFFLINE', false, 1781524804123, 1781524804123, 1781524850123, NULL, '\x6c676405119c0295a1fb6c763c669413', 1813060800000, 1, NULL, NULL, NULL, 1781524800123, 1781524800123, 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000003b0000', 'maintenance', NULL, NULL, NULL, NULL, '{north,roof,spare}', '{}', NULL, NULL, 'MAINTENANCE', true, 1781524804123, 1781524804123, 1781524855123, NULL, '\x73d5a1379558061e1bce3bd107507d6d', 1813060800000, 1, 1, 'main', '\x73d5a1379558061e1bce3bd107507d6d', 1781524800123, 1781524855123, 2),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000400000', 'never connected', NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, 'PENDING', false, NULL, NULL, 1781524855123, NULL, NULL, NULL, 0, NULL, NULL, NULL, 1781524800123, 1781524855123, 3),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 'smaller', NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, 'ACTIVE', true, 1781524804123, 1781524804123, 1781524804123, NULL, '\x53f833ac6177c0236f5c42703e447a15', 1813060800000, 1, 1, 'main', '\x53f833ac6177c0236f5c42703e447a15', 1781524800123, 1781524800123, 1),
	('019ecb27-227b-7000-8000-000000730000', '019ecb27-227b-7000-8000-000000780000', 'Pump 7 (Süd)', NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, 'PENDING', false, NULL, NULL, 1781524800123, NULL, NULL, NULL, 0, NULL, NULL, NULL, 1781524800123, 1781524800123, 1);


--
-- Data for Name: device_group; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.device_group VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000c0000', 'Pumps', 'On the roof.', '{roof}', '{north,süd}', '{spare}', 1781524800123, 2),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000d0000', 'Pumps', NULL, '{}', '{}', '{}', 1781524800123, 2);


--
-- Data for Name: device_identity; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.device_identity VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', false, false, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000002d0000', false, false, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000310000', false, false, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000360000', false, false, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000003b0000', false, false, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000400000', false, false, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000480000', true, true, 1813060800000),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', true, false, 1813060800000),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', false, false, NULL),
	('019ecb27-227b-7000-8000-000000730000', '019ecb27-227b-7000-8000-000000780000', false, false, NULL);


--
-- Data for Name: device_tag; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.device_tag VALUES
	('019ecb27-227b-7000-8000-000000050000', 'roof', '019ecb27-227b-7000-8000-0000000e0000'),
	('019ecb27-227b-7000-8000-000000050000', 'süd', '019ecb27-227b-7000-8000-0000000e0000'),
	('019ecb27-227b-7000-8000-000000050000', 'north', '019ecb27-227b-7000-8000-000000310000'),
	('019ecb27-227b-7000-8000-000000050000', 'roof', '019ecb27-227b-7000-8000-000000310000'),
	('019ecb27-227b-7000-8000-000000050000', 'spare', '019ecb27-227b-7000-8000-000000310000'),
	('019ecb27-227b-7000-8000-000000050000', 'north', '019ecb27-227b-7000-8000-000000360000'),
	('019ecb27-227b-7000-8000-000000050000', 'roof', '019ecb27-227b-7000-8000-000000360000'),
	('019ecb27-227b-7000-8000-000000050000', 'spare', '019ecb27-227b-7000-8000-000000360000'),
	('019ecb27-227b-7000-8000-000000050000', 'north', '019ecb27-227b-7000-8000-0000003b0000'),
	('019ecb27-227b-7000-8000-000000050000', 'roof', '019ecb27-227b-7000-8000-0000003b0000'),
	('019ecb27-227b-7000-8000-000000050000', 'spare', '019ecb27-227b-7000-8000-0000003b0000');


--
-- Data for Name: device_word; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.device_word VALUES
	('019ecb27-227b-7000-8000-000000050000', '\x37202873c3bc6429', '019ecb27-227b-7000-8000-0000000e0000'),
	('019ecb27-227b-7000-8000-000000050000', '\x70756d702037202873c3bc6429', '019ecb27-227b-7000-8000-0000000e0000'),
	('019ecb27-227b-7000-8000-000000050000', '\x73c3bc6429', '019ecb27-227b-7000-8000-0000000e0000'),
	('019ecb27-227b-7000-8000-000000050000', '\x70656e64696e67', '019ecb27-227b-7000-8000-0000002d0000'),
	('019ecb27-227b-7000-8000-000000050000', '\x6f66666c696e65', '019ecb27-227b-7000-8000-000000310000'),
	('019ecb27-227b-7000-8000-000000050000', '\x696e616374697665', '019ecb27-227b-7000-8000-000000360000'),
	('019ecb27-227b-7000-8000-000000050000', '\x6d61696e74656e616e6365', '019ecb27-227b-7000-8000-0000003b0000'),
	('019ecb27-227b-7000-8000-000000050000', '\x636f6e6e6563746564', '019ecb27-227b-7000-8000-000000400000'),
	('019ecb27-227b-7000-8000-000000050000', '\x6e6576657220636f6e6e6563746564', '019ecb27-227b-7000-8000-000000400000'),
	('019ecb27-227b-7000-8000-000000050000', '\x736d616c6c6572', '019ecb27-227b-7000-8000-000000620000'),
	('019ecb27-227b-7000-8000-000000730000', '\x37202873c3bc6429', '019ecb27-227b-7000-8000-000000780000'),
	('019ecb27-227b-7000-8000-000000730000', '\x70756d702037202873c3bc6429', '019ecb27-227b-7000-8000-000000780000'),
	('019ecb27-227b-7000-8000-000000730000', '\x73c3bc6429', '019ecb27-227b-7000-8000-000000780000');


--
-- Data for Name: group_tag; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.group_tag VALUES
	('019ecb27-227b-7000-8000-000000050000', 'roof', '019ecb27-227b-7000-8000-0000000c0000'),
	('019ecb27-227b-7000-8000-000000050000', '', '019ecb27-227b-7000-8000-0000000d0000');


--
-- Data for Name: health_2026_05; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.health_2026_05 VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 1778068800123, 3600, NULL, NULL, 'ETHERNET', 7, 0, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 1778068800123, 3600, NULL, NULL, 'ETHERNET', 7, 0, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 1778068800123, 3600, NULL, NULL, 'ETHERNET', 7, 0, NULL);


--
-- Data for Name: health_2026_06; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.health_2026_06 VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 3600, NULL, NULL, 'ETHERNET', 7, 0, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 1781524830123, 3600, 131072, -67, 'WIFI', 7, 2, '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 3600, NULL, NULL, 'ETHERNET', 7, 0, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 1781524830123, 3600, 131072, -67, 'WIFI', 7, 2, '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 3600, NULL, NULL, 'ETHERNET', 7, 0, NULL),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 1781524830123, 3600, 131072, -67, 'WIFI', 7, 2, '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}');


--
-- Data for Name: health_2026_07; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: health_2026_08; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: health_2026_11; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: health_2026_12; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: health_2027_01; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: health_default; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: health_past; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: idempotency; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.idempotency VALUES
	(NULL, 'akeyoftheserver', '\xc4f3fb5c0f7f76b3fe0a74a6ae7472e6a5ef9d66db08df7d0a7e4980c578c55a', '07070707-0707-0707-0707-070707070707', 1781524800123),
	(NULL, 'exampleworks', '\x6d068c5ee574706ed23bc357390da1c5bc5e144f51a32dcd38faf50be60813d6', '07070707-0707-0707-0707-070707070707', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', 'Pump7Sd', '\xd2abcf744490fba98e8a1243e087fffed3d15cf01c04a3dcd7bead81fcea954d', '07070707-0707-0707-0707-070707070707', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', 'pending', '\xba11cf76635a037052c614e65b571caf8a5f72786e66a3dcffb85d2b3bca8a81', '07070707-0707-0707-0707-070707070707', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', 'neverconnected', '\x5dca1ae73a1fbae28fcecd04e0665fd9a4811318755924f551c65301318135ac', '07070707-0707-0707-0707-070707070707', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', 'gone', '\x0fc71b58c93fc44231dea6c113519a64ec45145d6dcd79ad3e9cc51aaf7add2d', '07070707-0707-0707-0707-070707070707', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', 'smaller', '\x7a3cb7961de86cf02e67ae35f54bf19258c82cc502ee3b471682eebe048ba5a7', '07070707-0707-0707-0707-070707070707', 1781524800123),
	(NULL, 'otherworks', '\x7cb35d2fb5b12bafdb1775284dff234e53465a639069eed3bcbd2a8f3ef2f1d6', '07070707-0707-0707-0707-070707070707', 1781524800123),
	('019ecb27-227b-7000-8000-000000730000', 'Pump7Sd', '\xc9e58745f05d75b8fe19aa8083ccf1351b53e8105105971a8097d4b9be3bc17f', '07070707-0707-0707-0707-070707070707', 1781524800123);


--
-- Data for Name: issuer; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.issuer VALUES
	('\x0101010101010101010101010101010101010101', 'issuer 1
', 'root 1
', 1781524801123),
	('\x0202020202020202020202020202020202020202', 'issuer 2
', 'root 2
', 1781524802123);


--
-- Data for Name: issuer_count; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.issuer_count VALUES
	('\x0101010101010101010101010101010101010101', 3, 3);


--
-- Data for Name: organization; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.organization VALUES
	('019ecb27-227b-7000-8000-000000050000', 'example-works', 'Beispielwerke (Süd) 漢字', 1781524800123, 2),
	('019ecb27-227b-7000-8000-000000730000', 'other-works', 'Beispielwerke (Süd) 漢字', 1781524800123, 2);


--
-- Data for Name: probe; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: quarantine; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.quarantine VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000240005', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'TYPE_MISMATCH', 'the sensor is of type BOOLEAN, this is DOUBLE', '{}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000250000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'LIMIT_EXCEEDED', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000260000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'MALFORMED', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000270000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'METADATA_TOO_LARGE', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000280000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'NOT_JSON', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000290000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'TIMESTAMP_AHEAD', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000002a0000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'TYPE_MISMATCH', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000002b0000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'UNKNOWN_SENSOR', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000002c0000', '019ecb27-227b-7000-8000-0000000e0000', 1781524800123, 'VALUE_OUT_OF_RANGE', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590007', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'TYPE_MISMATCH', 'the sensor is of type BOOLEAN, this is DOUBLE', '{}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000005a0000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'LIMIT_EXCEEDED', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000005b0000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'MALFORMED', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000005c0000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'METADATA_TOO_LARGE', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000005d0000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'NOT_JSON', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000005e0000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'TIMESTAMP_AHEAD', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000005f0000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'TYPE_MISMATCH', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000600000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'UNKNOWN_SENSOR', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000610000', '019ecb27-227b-7000-8000-000000510000', 1781524800123, 'VALUE_OUT_OF_RANGE', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006a0007', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'TYPE_MISMATCH', 'the sensor is of type BOOLEAN, this is DOUBLE', '{}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006b0000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'LIMIT_EXCEEDED', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006c0000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'MALFORMED', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006d0000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'METADATA_TOO_LARGE', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006e0000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'NOT_JSON', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006f0000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'TIMESTAMP_AHEAD', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000700000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'TYPE_MISMATCH', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000710000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'UNKNOWN_SENSOR', 'as an example', '{"süß": 0}'),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000720000', '019ecb27-227b-7000-8000-000000620000', 1781524800123, 'VALUE_OUT_OF_RANGE', 'as an example', '{"süß": 0}');


--
-- Data for Name: reading_2026_05; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.reading_2026_05 VALUES
	('019ecb27-227b-7000-8000-000000050000', 4, 1778068800123, NULL, true, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 9, 1778068800123, NULL, true, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 14, 1778068800123, NULL, true, NULL, NULL, NULL);


--
-- Data for Name: reading_2026_06; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.reading_2026_06 VALUES
	('019ecb27-227b-7000-8000-000000050000', 1, 1781524802123, NULL, NULL, 21.25, NULL, '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}'),
	('019ecb27-227b-7000-8000-000000050000', 1, 1781524810123, NULL, NULL, '-0', NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 1, 1781524811123, NULL, NULL, 1.7976931348623157e+308, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 1, 1781524812123, NULL, NULL, 5e-324, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 3, 1781524813123, -9223372036854775808, NULL, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 3, 1781524814123, 9223372036854775807, NULL, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 4, 1781524815123, NULL, true, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 4, 1781524816123, NULL, false, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 5, 1781524817123, NULL, NULL, NULL, '漢字 0 🚜', NULL),
	('019ecb27-227b-7000-8000-000000050000', 5, 1781524818123, NULL, NULL, NULL, '', NULL),
	('019ecb27-227b-7000-8000-000000050000', 6, 1781524819123, NULL, NULL, 7, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 6, 1781524820123, NULL, NULL, 7.5, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 7, 1781524802123, NULL, NULL, 21.25, NULL, '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}'),
	('019ecb27-227b-7000-8000-000000050000', 7, 1781524810123, NULL, NULL, '-0', NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 7, 1781524811123, NULL, NULL, 1.7976931348623157e+308, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 7, 1781524812123, NULL, NULL, 5e-324, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 8, 1781524813123, -9223372036854775808, NULL, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 8, 1781524814123, 9223372036854775807, NULL, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 9, 1781524815123, NULL, true, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 9, 1781524816123, NULL, false, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 10, 1781524817123, NULL, NULL, NULL, '漢字 0 🚜', NULL),
	('019ecb27-227b-7000-8000-000000050000', 10, 1781524818123, NULL, NULL, NULL, '', NULL),
	('019ecb27-227b-7000-8000-000000050000', 11, 1781524819123, NULL, NULL, 7, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 11, 1781524820123, NULL, NULL, 7.5, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 12, 1781524802123, NULL, NULL, 21.25, NULL, '{"array":[1,-2,3.5,[]],"empty":{},"false":false,"html":"<b>&amp;\"''</b>","null":null,"numbers":[0.1,-0.0,5e-324,-1.5e-300,1.7976931348623157e+308,-9223372036854775808,18446744073709551615],"quote":"\"\\\n\u0000","unicode":"Zürich 漢字 🚜"}'),
	('019ecb27-227b-7000-8000-000000050000', 12, 1781524810123, NULL, NULL, '-0', NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 12, 1781524811123, NULL, NULL, 1.7976931348623157e+308, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 12, 1781524812123, NULL, NULL, 5e-324, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 13, 1781524813123, -9223372036854775808, NULL, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 13, 1781524814123, 9223372036854775807, NULL, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 14, 1781524815123, NULL, true, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 14, 1781524816123, NULL, false, NULL, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 15, 1781524817123, NULL, NULL, NULL, '漢字 0 🚜', NULL),
	('019ecb27-227b-7000-8000-000000050000', 15, 1781524818123, NULL, NULL, NULL, '', NULL),
	('019ecb27-227b-7000-8000-000000050000', 16, 1781524819123, NULL, NULL, 7, NULL, NULL),
	('019ecb27-227b-7000-8000-000000050000', 16, 1781524820123, NULL, NULL, 7.5, NULL, NULL);


--
-- Data for Name: reading_2026_07; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: reading_2026_08; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: reading_2026_11; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: reading_2026_12; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: reading_2027_01; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: reading_default; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: reading_past; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Data for Name: retained; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.retained VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'STATUS', '\x7b2261223a22ff227d', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'CONFIG_REPORTED', '\x7b2261223a22ff227d', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 'STATUS', '\x7b2261223a22ff227d', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 'CONFIG_REPORTED', '\x7b2261223a22ff227d', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 'STATUS', '\x7b2261223a22ff227d', 1781524800123),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 'CONFIG_REPORTED', '\x7b2261223a22ff227d', 1781524800123);


--
-- Data for Name: sensor; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.sensor OVERRIDING SYSTEM VALUE VALUES
	(3, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000240001', '019ecb27-227b-7000-8000-0000000e0000', '019ecb27-227b-7000-8000-000000240000', 'count', 'count', 'BIGINT', NULL, '{}', 'INFERRED', 1781524814123, 9223372036854775807, NULL, NULL, NULL, 1),
	(4, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000240002', '019ecb27-227b-7000-8000-0000000e0000', '019ecb27-227b-7000-8000-000000240000', 'open', 'open', 'BOOLEAN', NULL, '{}', 'INFERRED', 1781524816123, NULL, false, NULL, NULL, 1),
	(5, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000240003', '019ecb27-227b-7000-8000-0000000e0000', '019ecb27-227b-7000-8000-000000240000', 'note', 'note', 'TEXT', NULL, '{}', 'INFERRED', 1781524818123, NULL, NULL, NULL, '', 1),
	(6, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000240004', '019ecb27-227b-7000-8000-0000000e0000', '019ecb27-227b-7000-8000-000000240000', 'level', 'level', 'DOUBLE', NULL, '{}', 'INFERRED', 1781524820123, NULL, NULL, 7.5, NULL, 1),
	(1, '019ecb27-227b-7000-8000-000000050000', '019ecb27-2663-7000-8000-000000220001', '019ecb27-227b-7000-8000-0000000e0000', '019ecb27-2663-7000-8000-000000220000', 'temperature', 'Außen <1>', 'DOUBLE', 'Cel', '{}', 'ANNOUNCED', 1781524812123, NULL, NULL, 5e-324, NULL, 1),
	(2, '019ecb27-227b-7000-8000-000000050000', '019ecb27-2663-7000-8000-000000220002', '019ecb27-227b-7000-8000-0000000e0000', '019ecb27-2663-7000-8000-000000220000', 'silent', 'Named by people', 'TEXT', 'm', '{tank}', 'ANNOUNCED', NULL, NULL, NULL, NULL, NULL, 2),
	(7, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590001', '019ecb27-227b-7000-8000-000000510000', '019ecb27-227b-7000-8000-000000590000', 'temperature', 'temperature', 'DOUBLE', NULL, '{}', 'INFERRED', 1781524812123, NULL, NULL, 5e-324, NULL, 1),
	(8, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590003', '019ecb27-227b-7000-8000-000000510000', '019ecb27-227b-7000-8000-000000590002', 'count', 'count', 'BIGINT', NULL, '{}', 'INFERRED', 1781524814123, 9223372036854775807, NULL, NULL, NULL, 1),
	(9, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590004', '019ecb27-227b-7000-8000-000000510000', '019ecb27-227b-7000-8000-000000590002', 'open', 'open', 'BOOLEAN', NULL, '{}', 'INFERRED', 1781524816123, NULL, false, NULL, NULL, 1),
	(10, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590005', '019ecb27-227b-7000-8000-000000510000', '019ecb27-227b-7000-8000-000000590002', 'note', 'note', 'TEXT', NULL, '{}', 'INFERRED', 1781524818123, NULL, NULL, NULL, '', 1),
	(11, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000590006', '019ecb27-227b-7000-8000-000000510000', '019ecb27-227b-7000-8000-000000590002', 'level', 'level', 'DOUBLE', NULL, '{}', 'INFERRED', 1781524820123, NULL, NULL, 7.5, NULL, 1),
	(13, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006a0003', '019ecb27-227b-7000-8000-000000620000', '019ecb27-227b-7000-8000-0000006a0002', 'count', 'count', 'BIGINT', NULL, '{}', 'INFERRED', 1781524814123, 9223372036854775807, NULL, NULL, NULL, 1),
	(14, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006a0004', '019ecb27-227b-7000-8000-000000620000', '019ecb27-227b-7000-8000-0000006a0002', 'open', 'open', 'BOOLEAN', NULL, '{}', 'INFERRED', 1781524816123, NULL, false, NULL, NULL, 1),
	(15, '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000006a0005', '019ecb27-227b-7000-8000-000000620000', '019ecb27-227b-7000-8000-0000006a0002', 'note', 'note', 'TEXT', NULL, '{}', 'INFERRED', 1781524818123, NULL, NULL, NULL, '', 1);


--
-- Data for Name: sensor_tag; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.sensor_tag VALUES
	('019ecb27-227b-7000-8000-000000050000', 'tank', '019ecb27-2663-7000-8000-000000220002');


--
-- Data for Name: sensor_word; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.sensor_word VALUES
	('019ecb27-227b-7000-8000-000000050000', '\x313e', '019ecb27-2663-7000-8000-000000220001'),
	('019ecb27-227b-7000-8000-000000050000', '\x6175c39f656e203c313e', '019ecb27-2663-7000-8000-000000220001'),
	('019ecb27-227b-7000-8000-000000050000', '\x636f756e74', '019ecb27-227b-7000-8000-000000240001'),
	('019ecb27-227b-7000-8000-000000050000', '\x6f70656e', '019ecb27-227b-7000-8000-000000240002'),
	('019ecb27-227b-7000-8000-000000050000', '\x6e6f7465', '019ecb27-227b-7000-8000-000000240003'),
	('019ecb27-227b-7000-8000-000000050000', '\x6c6576656c', '019ecb27-227b-7000-8000-000000240004'),
	('019ecb27-227b-7000-8000-000000050000', '\x62792070656f706c65', '019ecb27-2663-7000-8000-000000220002'),
	('019ecb27-227b-7000-8000-000000050000', '\x6e616d65642062792070656f706c65', '019ecb27-2663-7000-8000-000000220002'),
	('019ecb27-227b-7000-8000-000000050000', '\x70656f706c65', '019ecb27-2663-7000-8000-000000220002'),
	('019ecb27-227b-7000-8000-000000050000', '\x74656d7065726174757265', '019ecb27-227b-7000-8000-000000590001'),
	('019ecb27-227b-7000-8000-000000050000', '\x636f756e74', '019ecb27-227b-7000-8000-000000590003'),
	('019ecb27-227b-7000-8000-000000050000', '\x6f70656e', '019ecb27-227b-7000-8000-000000590004'),
	('019ecb27-227b-7000-8000-000000050000', '\x6e6f7465', '019ecb27-227b-7000-8000-000000590005'),
	('019ecb27-227b-7000-8000-000000050000', '\x6c6576656c', '019ecb27-227b-7000-8000-000000590006'),
	('019ecb27-227b-7000-8000-000000050000', '\x636f756e74', '019ecb27-227b-7000-8000-0000006a0003'),
	('019ecb27-227b-7000-8000-000000050000', '\x6f70656e', '019ecb27-227b-7000-8000-0000006a0004'),
	('019ecb27-227b-7000-8000-000000050000', '\x6e6f7465', '019ecb27-227b-7000-8000-0000006a0005');


--
-- Data for Name: server; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.server VALUES
	(1, 2);


--
-- Data for Name: site; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.site VALUES
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000b0000', 'Depot', NULL, NULL, NULL, NULL, NULL, NULL, 1781524800123, 1),
	('019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000a0000', 'Depot', 'Behind the mill: ring twice.', 47.3769, 8.5417, 408.5, 'Dach (Süd)', 'Europe/Zurich', 1781524800123, 2);


--
-- Data for Name: tally; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.tally VALUES
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'TEXT', 24, 2),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'OFFLINE', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'DOUBLE', 26, -2),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'DOUBLE', 24, 2),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'INACTIVE', 26, 1),
	('019ecb27-227b-7000-8000-000000050000', 'ONLINE', '', 27, 0),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'ACTIVE', 27, 0),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'MAINTENANCE', 24, 1),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'PENDING', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'ONLINE', '', 24, 3),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'ACTIVE', 24, 2),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'BOOLEAN', 26, 0),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'BIGINT', 26, 0),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'TEXT', 26, 0),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'PENDING', 24, 0),
	('019ecb27-227b-7000-8000-000000050000', 'ONLINE', '', 26, 0),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'PENDING', 26, 1),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'ACTIVE', 26, 0),
	('019ecb27-227b-7000-8000-000000050000', 'SITE', '', 26, -1),
	('019ecb27-227b-7000-8000-000000050000', 'GROUP', '019ecb27-227b-7000-8000-0000000d0000', 26, -1),
	('019ecb27-227b-7000-8000-000000050000', 'PROFILE', '', 26, -1),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'INACTIVE', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'PROFILE', 'logger@2.0', 0, 1),
	('019ecb27-227b-7000-8000-000000050000', 'GROUP', '019ecb27-227b-7000-8000-0000000c0000', 0, 1),
	('019ecb27-227b-7000-8000-000000050000', 'SITE', '019ecb27-227b-7000-8000-0000000a0000', 0, 1),
	('019ecb27-227b-7000-8000-000000050000', 'PROFILE', '', 0, 5),
	('019ecb27-227b-7000-8000-000000050000', 'SITE', '', 0, 5),
	('019ecb27-227b-7000-8000-000000050000', 'GROUP', '019ecb27-227b-7000-8000-0000000d0000', 0, 6),
	('019ecb27-227b-7000-8000-000000050000', 'GROUP', '019ecb27-227b-7000-8000-0000000d0000', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'PROFILE', '', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'SITE', '', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'BIGINT', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'BOOLEAN', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'TEXT', 27, 1),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'DOUBLE', 27, 2),
	('019ecb27-227b-7000-8000-000000050000', 'STATUS', 'INACTIVE', 24, -1),
	('019ecb27-227b-7000-8000-000000050000', 'GROUP', '019ecb27-227b-7000-8000-0000000d0000', 24, 1),
	('019ecb27-227b-7000-8000-000000050000', 'PROFILE', '', 24, 1),
	('019ecb27-227b-7000-8000-000000050000', 'SITE', '', 24, 1),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'BIGINT', 24, 1),
	('019ecb27-227b-7000-8000-000000050000', 'VALUE_TYPE', 'BOOLEAN', 24, 1),
	('019ecb27-227b-7000-8000-000000730000', 'STATUS', 'PENDING', 24, 1),
	('019ecb27-227b-7000-8000-000000730000', 'PROFILE', '', 24, 1),
	('019ecb27-227b-7000-8000-000000730000', 'SITE', '', 24, 1);


--
-- Data for Name: token; Type: TABLE DATA; Schema: fieldgate; Owner: -
--

INSERT INTO fieldgate.token VALUES
	('019ecb27-227b-7000-8000-000000100000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'Pump 7 (Süd)', 1781524800123, 1781611200123, '\x8e5c7fac12e20f28657e528831e353424c33c22d57b630e65fb3653e0f7c99b7', 'REVOKED', 1781524800123, NULL),
	('019ecb27-227b-7000-8000-000000140000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'Pump 7 (Süd)', 1781524800123, 1781611200123, '\xb89a8f6f6b39c49ce33fa98bc12249063e2abedae1820af48ef477c19b267ded', 'USED', 1781524800123, '\x4f9223c007d00ffaf1c426c1710973f3'),
	('019ecb27-227b-7000-8000-000000180000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'Pump 7 (Süd)', 1781524800123, 1781611200123, '\x3dbea9caad70aea7f604d185ce2845eb19943e72f2fe224699ccf388022675f6', 'USED', 1781524800123, '\x792e3bf68d93da91fe287ea18e7b0fa2'),
	('019ecb27-227b-7000-8000-0000001c0000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'Pump 7 (Süd)', 1781524800123, 1781611200123, '\x470db0cc9147b5965a7a953d0da34d06e42429c576dae7d5d517ab8c2731d152', 'USED', 1781524800123, '\x53d9a3c9b019da7855fa699a45ef5065'),
	('019ecb27-227b-7000-8000-0000001e0000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'Pump 7 (Süd)', 1781524800123, 1781611200123, '\x33b32760d53380570c3a201502c6a5cd575c9bbc1237610b77744b1797586351', 'REVOKED', 1781524800123, NULL),
	('019ecb27-227b-7000-8000-000000200000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000000e0000', 'Pump 7 (Süd)', 1781524800123, 1781611200123, '\xfbbb58db9fa10172241278c31637bbc00a8c25a14b293906a51199220458c22d', 'OPEN', NULL, NULL),
	('019ecb27-227b-7000-8000-0000002f0000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000002d0000', 'pending', 1781524800123, 1781611200123, '\x95c8f2c1ffcfa591ae4d44e79ab805b3a3551fe2dee86dc53c4df472c29e29bd', 'OPEN', NULL, NULL),
	('019ecb27-227b-7000-8000-000000340000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000310000', 'offline', 1781524800123, 1781611200123, '\xd3555dcd6a0c77d2dd419e141afd5333e3fdfffbb6c1105ed9af8b6c461ec519', 'USED', 1781524800123, '\x6c676405119c0295a1fb6c763c669413'),
	('019ecb27-227b-7000-8000-000000390000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000360000', 'inactive', 1781524800123, 1781611200123, '\x219da23cb6ca6415ffab5f54cb47dbe77ac5229230b998aeeeb8166147cad002', 'USED', 1781524800123, '\x68985bee392321cc6422ec8dc567734e'),
	('019ecb27-227b-7000-8000-0000003e0000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-0000003b0000', 'maintenance', 1781524800123, 1781611200123, '\x4f8338b9346bbec0d3fedc866854938aa2ba5ebf1d445b2d64bb358b1f656547', 'USED', 1781524800123, '\x73d5a1379558061e1bce3bd107507d6d'),
	('019ecb27-227b-7000-8000-000000420000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000400000', 'never connected', 1781524800123, 1781611200123, '\xf196ab668d4d36ca7b8faf3d3fbad6322b883ad1caba2c73ef296ba9d5782829', 'REVOKED', 1781524800123, NULL),
	('019ecb27-227b-7000-8000-000000440000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000400000', 'never connected', 1781524800123, 1781611200123, '\x0dfb574fb029d238d5842a0fca825702b9a3b12098fb7a840a070b6ed06d1cb9', 'REVOKED', 1781524803123, NULL),
	('019ecb27-227b-7000-8000-000000460000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000400000', 'never connected', 1781524800123, 1781524860123, '\x7c042053c8dae6c0be4ab167ed11d921b071455026ae13a1df9736817d6bd7ff', 'EXPIRED', NULL, NULL),
	('019ecb27-227b-7000-8000-000000530000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 'gone', 1781524800123, 1781611200123, '\x0c250c6a969e10ba96067244112bb2ed328eeafaa1ad9a302ce5fe406b065481', 'REVOKED', 1781524800123, NULL),
	('019ecb27-227b-7000-8000-000000570000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000510000', 'gone', 1781524800123, 1781611200123, '\x5815cf622965a738cd74d5d74c8090f457e35228ff0cd18b4856f53e7ae11661', 'USED', 1781524800123, '\x4e89bdae768ebdc27743e389df32b114'),
	('019ecb27-227b-7000-8000-000000640000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 'smaller', 1781524800123, 1781611200123, '\x7c7eba8a43b01805ca5aa18b7e931b608eb597bc3a32c57142f0553c7a8899de', 'REVOKED', 1781524800123, NULL),
	('019ecb27-227b-7000-8000-000000680000', '019ecb27-227b-7000-8000-000000050000', '019ecb27-227b-7000-8000-000000620000', 'smaller', 1781524800123, 1781611200123, '\x5babad5aff6f0b464fec311fdbe8ecd06e953b0e7981f960e21ff86c2d289ee1', 'USED', 1781524800123, '\x53f833ac6177c0236f5c42703e447a15'),
	('019ecb27-227b-7000-8000-0000007a0000', '019ecb27-227b-7000-8000-000000730000', '019ecb27-227b-7000-8000-000000780000', 'Pump 7 (Süd)', 1781524800123, 1781611200123, '\xaf469bbd21ffe74902cb04edff5c41fef6cb1b1a66e48aa99a4a89a1f2f451d2', 'OPEN', NULL, NULL);


--
-- Data for Name: uncounted_group; Type: TABLE DATA; Schema: fieldgate; Owner: -
--



--
-- Name: sensor_number_seq; Type: SEQUENCE SET; Schema: fieldgate; Owner: -
--

SELECT pg_catalog.setval('fieldgate.sensor_number_seq', 16, true);


--
-- Name: _sqlx_migrations _sqlx_migrations_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);


--
-- Name: api_key api_key_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);


--
-- Name: api_key api_key_prefix_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.api_key
    ADD CONSTRAINT api_key_prefix_key UNIQUE (prefix);


--
-- Name: certificate certificate_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.certificate
    ADD CONSTRAINT certificate_pkey PRIMARY KEY (issuer_key_id, serial_number);


--
-- Name: component component_organization_id_device_id_key_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.component
    ADD CONSTRAINT component_organization_id_device_id_key_key UNIQUE (organization_id, device_id, key);


--
-- Name: component component_organization_id_id_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.component
    ADD CONSTRAINT component_organization_id_id_key UNIQUE (organization_id, id);


--
-- Name: component component_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.component
    ADD CONSTRAINT component_pkey PRIMARY KEY (id);


--
-- Name: component_tag component_tag_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.component_tag
    ADD CONSTRAINT component_tag_pkey PRIMARY KEY (organization_id, tag, owner_id);


--
-- Name: compromised_key compromised_key_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.compromised_key
    ADD CONSTRAINT compromised_key_pkey PRIMARY KEY (public_key_sha256);


--
-- Name: deleted_sensor deleted_sensor_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.deleted_sensor
    ADD CONSTRAINT deleted_sensor_pkey PRIMARY KEY (number);


--
-- Name: device_group device_group_organization_id_id_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device_group
    ADD CONSTRAINT device_group_organization_id_id_key UNIQUE (organization_id, id);


--
-- Name: device_group device_group_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device_group
    ADD CONSTRAINT device_group_pkey PRIMARY KEY (id);


--
-- Name: device_identity device_identity_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device_identity
    ADD CONSTRAINT device_identity_pkey PRIMARY KEY (id);


--
-- Name: device device_organization_id_id_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device
    ADD CONSTRAINT device_organization_id_id_key UNIQUE (organization_id, id);


--
-- Name: device device_organization_id_name_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device
    ADD CONSTRAINT device_organization_id_name_key UNIQUE (organization_id, name);


--
-- Name: device device_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (id);


--
-- Name: device_tag device_tag_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device_tag
    ADD CONSTRAINT device_tag_pkey PRIMARY KEY (organization_id, tag, owner_id);


--
-- Name: device_word device_word_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device_word
    ADD CONSTRAINT device_word_pkey PRIMARY KEY (organization_id, word, owner_id);


--
-- Name: group_tag group_tag_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.group_tag
    ADD CONSTRAINT group_tag_pkey PRIMARY KEY (organization_id, tag, group_id);


--
-- Name: health health_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health
    ADD CONSTRAINT health_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_2026_05 health_2026_05_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_2026_05
    ADD CONSTRAINT health_2026_05_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_2026_06 health_2026_06_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_2026_06
    ADD CONSTRAINT health_2026_06_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_2026_07 health_2026_07_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_2026_07
    ADD CONSTRAINT health_2026_07_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_2026_08 health_2026_08_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_2026_08
    ADD CONSTRAINT health_2026_08_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_2026_11 health_2026_11_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_2026_11
    ADD CONSTRAINT health_2026_11_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_2026_12 health_2026_12_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_2026_12
    ADD CONSTRAINT health_2026_12_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_2027_01 health_2027_01_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_2027_01
    ADD CONSTRAINT health_2027_01_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_default health_default_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_default
    ADD CONSTRAINT health_default_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: health_past health_past_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.health_past
    ADD CONSTRAINT health_past_pkey PRIMARY KEY (organization_id, device_id, taken_at);


--
-- Name: idempotency idempotency_organization_id_key_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.idempotency
    ADD CONSTRAINT idempotency_organization_id_key_key UNIQUE NULLS NOT DISTINCT (organization_id, key);


--
-- Name: issuer_count issuer_count_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.issuer_count
    ADD CONSTRAINT issuer_count_pkey PRIMARY KEY (key_id);


--
-- Name: issuer issuer_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.issuer
    ADD CONSTRAINT issuer_pkey PRIMARY KEY (key_id);


--
-- Name: organization organization_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (id);


--
-- Name: organization organization_slug_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.organization
    ADD CONSTRAINT organization_slug_key UNIQUE (slug);


--
-- Name: probe probe_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.probe
    ADD CONSTRAINT probe_pkey PRIMARY KEY (id);


--
-- Name: quarantine quarantine_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (organization_id, id);


--
-- Name: reading reading_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading
    ADD CONSTRAINT reading_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_2026_05 reading_2026_05_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_2026_05
    ADD CONSTRAINT reading_2026_05_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_2026_06 reading_2026_06_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_2026_06
    ADD CONSTRAINT reading_2026_06_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_2026_07 reading_2026_07_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_2026_07
    ADD CONSTRAINT reading_2026_07_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_2026_08 reading_2026_08_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_2026_08
    ADD CONSTRAINT reading_2026_08_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_2026_11 reading_2026_11_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_2026_11
    ADD CONSTRAINT reading_2026_11_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_2026_12 reading_2026_12_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_2026_12
    ADD CONSTRAINT reading_2026_12_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_2027_01 reading_2027_01_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_2027_01
    ADD CONSTRAINT reading_2027_01_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_default reading_default_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_default
    ADD CONSTRAINT reading_default_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: reading_past reading_past_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.reading_past
    ADD CONSTRAINT reading_past_pkey PRIMARY KEY (sensor_number, taken_at);


--
-- Name: retained retained_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.retained
    ADD CONSTRAINT retained_pkey PRIMARY KEY (organization_id, device_id, topic);


--
-- Name: sensor sensor_id_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.sensor
    ADD CONSTRAINT sensor_id_key UNIQUE (id);


--
-- Name: sensor sensor_organization_id_component_id_key_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.sensor
    ADD CONSTRAINT sensor_organization_id_component_id_key_key UNIQUE (organization_id, component_id, key);


--
-- Name: sensor sensor_organization_id_id_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.sensor
    ADD CONSTRAINT sensor_organization_id_id_key UNIQUE (organization_id, id);


--
-- Name: sensor sensor_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.sensor
    ADD CONSTRAINT sensor_pkey PRIMARY KEY (number);


--
-- Name: sensor_tag sensor_tag_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.sensor_tag
    ADD CONSTRAINT sensor_tag_pkey PRIMARY KEY (organization_id, tag, owner_id);


--
-- Name: sensor_word sensor_word_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.sensor_word
    ADD CONSTRAINT sensor_word_pkey PRIMARY KEY (organization_id, word, owner_id);


--
-- Name: server server_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.server
    ADD CONSTRAINT server_pkey PRIMARY KEY (id);


--
-- Name: site site_organization_id_id_key; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.site
    ADD CONSTRAINT site_organization_id_id_key UNIQUE (organization_id, id);


--
-- Name: site site_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.site
    ADD CONSTRAINT site_pkey PRIMARY KEY (id);


--
-- Name: tally tally_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.tally
    ADD CONSTRAINT tally_pkey PRIMARY KEY (organization_id, kind, value, slot);


--
-- Name: token token_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (id);


--
-- Name: uncounted_group uncounted_group_pkey; Type: CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.uncounted_group
    ADD CONSTRAINT uncounted_group_pkey PRIMARY KEY (id);


--
-- Name: api_key_by_owner; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX api_key_by_owner ON fieldgate.api_key USING btree (organization_id, id);


--
-- Name: certificate_by_device; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE UNIQUE INDEX certificate_by_device ON fieldgate.certificate USING btree (organization_id, device_id, issue_sequence);


--
-- Name: certificate_by_key; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX certificate_by_key ON fieldgate.certificate USING btree (public_key_sha256);


--
-- Name: certificate_revoked; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX certificate_revoked ON fieldgate.certificate USING btree (issuer_key_id, serial_number) WHERE (fate = 'REVOKED'::text);


--
-- Name: component_by_profile; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX component_by_profile ON fieldgate.component USING btree (organization_id, profile, id);


--
-- Name: device_by_node; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX device_by_node ON fieldgate.device USING btree (live_node, id) WHERE (live_node IS NOT NULL);


--
-- Name: device_by_online; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX device_by_online ON fieldgate.device USING btree (organization_id, online, id);


--
-- Name: device_by_profile; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX device_by_profile ON fieldgate.device USING btree (organization_id, profile, id);


--
-- Name: device_by_site; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX device_by_site ON fieldgate.device USING btree (organization_id, site_id, id);


--
-- Name: device_by_status; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX device_by_status ON fieldgate.device USING btree (organization_id, status, id);


--
-- Name: device_identity_by_expiry; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX device_identity_by_expiry ON fieldgate.device_identity USING btree (next_expiry) WHERE (deleted AND emptied);


--
-- Name: device_identity_to_empty; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX device_identity_to_empty ON fieldgate.device_identity USING btree (id) WHERE (deleted AND (NOT emptied));


--
-- Name: group_tag_by_group; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX group_tag_by_group ON fieldgate.group_tag USING btree (group_id);


--
-- Name: idempotency_by_age; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX idempotency_by_age ON fieldgate.idempotency USING btree (created_at);


--
-- Name: quarantine_by_age; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX quarantine_by_age ON fieldgate.quarantine USING btree (received_at);


--
-- Name: quarantine_by_device; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX quarantine_by_device ON fieldgate.quarantine USING btree (organization_id, device_id, id);


--
-- Name: quarantine_by_reason; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX quarantine_by_reason ON fieldgate.quarantine USING btree (organization_id, reason, id);


--
-- Name: sensor_by_device; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX sensor_by_device ON fieldgate.sensor USING btree (organization_id, device_id, id);


--
-- Name: sensor_by_type; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX sensor_by_type ON fieldgate.sensor USING btree (organization_id, value_type, id);


--
-- Name: tally_to_fold; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX tally_to_fold ON fieldgate.tally USING btree (slot) WHERE (((slot > 0) AND (kind = ANY (ARRAY['GROUP'::text, 'PROFILE'::text, 'SITE'::text]))) OR (slot > 31));


--
-- Name: token_by_device; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX token_by_device ON fieldgate.token USING btree (organization_id, device_id);


--
-- Name: token_by_fate; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX token_by_fate ON fieldgate.token USING btree (organization_id, fate, id);


--
-- Name: token_by_organization; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX token_by_organization ON fieldgate.token USING btree (organization_id, id);


--
-- Name: token_open; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX token_open ON fieldgate.token USING btree (organization_id, id) WHERE (fate = 'OPEN'::text);


--
-- Name: token_open_by_device; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE UNIQUE INDEX token_open_by_device ON fieldgate.token USING btree (organization_id, device_id) WHERE (fate = 'OPEN'::text);


--
-- Name: token_open_by_expiry; Type: INDEX; Schema: fieldgate; Owner: -
--

CREATE INDEX token_open_by_expiry ON fieldgate.token USING btree (expires_at) WHERE (fate = 'OPEN'::text);


--
-- Name: health_2026_05_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_2026_05_pkey;


--
-- Name: health_2026_06_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_2026_06_pkey;


--
-- Name: health_2026_07_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_2026_07_pkey;


--
-- Name: health_2026_08_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_2026_08_pkey;


--
-- Name: health_2026_11_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_2026_11_pkey;


--
-- Name: health_2026_12_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_2026_12_pkey;


--
-- Name: health_2027_01_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_2027_01_pkey;


--
-- Name: health_default_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_default_pkey;


--
-- Name: health_past_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.health_pkey ATTACH PARTITION fieldgate.health_past_pkey;


--
-- Name: reading_2026_05_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_2026_05_pkey;


--
-- Name: reading_2026_06_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_2026_06_pkey;


--
-- Name: reading_2026_07_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_2026_07_pkey;


--
-- Name: reading_2026_08_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_2026_08_pkey;


--
-- Name: reading_2026_11_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_2026_11_pkey;


--
-- Name: reading_2026_12_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_2026_12_pkey;


--
-- Name: reading_2027_01_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_2027_01_pkey;


--
-- Name: reading_default_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_default_pkey;


--
-- Name: reading_past_pkey; Type: INDEX ATTACH; Schema: fieldgate; Owner: -
--

ALTER INDEX fieldgate.reading_pkey ATTACH PARTITION fieldgate.reading_past_pkey;


--
-- Name: device device_came_or_went; Type: TRIGGER; Schema: fieldgate; Owner: -
--

CREATE TRIGGER device_came_or_went AFTER INSERT OR DELETE ON fieldgate.device FOR EACH ROW EXECUTE FUNCTION fieldgate.device_counted();


--
-- Name: device device_changed; Type: TRIGGER; Schema: fieldgate; Owner: -
--

CREATE TRIGGER device_changed AFTER UPDATE OF status, online, site_id, profile, tags ON fieldgate.device FOR EACH ROW WHEN ((((((old.status IS DISTINCT FROM new.status) OR (old.online IS DISTINCT FROM new.online)) OR (old.site_id IS DISTINCT FROM new.site_id)) OR (old.profile IS DISTINCT FROM new.profile)) OR (old.tags IS DISTINCT FROM new.tags))) EXECUTE FUNCTION fieldgate.device_counted();


--
-- Name: device_group group_came_or_went; Type: TRIGGER; Schema: fieldgate; Owner: -
--

CREATE TRIGGER group_came_or_went AFTER INSERT OR DELETE ON fieldgate.device_group FOR EACH ROW EXECUTE FUNCTION fieldgate.group_counted();


--
-- Name: device_group group_changed; Type: TRIGGER; Schema: fieldgate; Owner: -
--

CREATE TRIGGER group_changed AFTER UPDATE OF selector_all, selector_any, selector_none ON fieldgate.device_group FOR EACH ROW WHEN ((((old.selector_all IS DISTINCT FROM new.selector_all) OR (old.selector_any IS DISTINCT FROM new.selector_any)) OR (old.selector_none IS DISTINCT FROM new.selector_none))) EXECUTE FUNCTION fieldgate.group_counted();


--
-- Name: sensor sensor_came_or_went; Type: TRIGGER; Schema: fieldgate; Owner: -
--

CREATE TRIGGER sensor_came_or_went AFTER INSERT OR DELETE ON fieldgate.sensor FOR EACH ROW EXECUTE FUNCTION fieldgate.sensor_counted();


--
-- Name: sensor sensor_changed; Type: TRIGGER; Schema: fieldgate; Owner: -
--

CREATE TRIGGER sensor_changed AFTER UPDATE OF value_type ON fieldgate.sensor FOR EACH ROW WHEN ((old.value_type <> new.value_type)) EXECUTE FUNCTION fieldgate.sensor_counted();


--
-- Name: api_key api_key_organization_id_fkey; Type: FK CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.api_key
    ADD CONSTRAINT api_key_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES fieldgate.organization(id);


--
-- Name: device_group device_group_organization_id_fkey; Type: FK CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device_group
    ADD CONSTRAINT device_group_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES fieldgate.organization(id);


--
-- Name: device device_organization_id_fkey; Type: FK CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device
    ADD CONSTRAINT device_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES fieldgate.organization(id);


--
-- Name: device device_organization_id_site_id_fkey; Type: FK CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.device
    ADD CONSTRAINT device_organization_id_site_id_fkey FOREIGN KEY (organization_id, site_id) REFERENCES fieldgate.site(organization_id, id);


--
-- Name: site site_organization_id_fkey; Type: FK CONSTRAINT; Schema: fieldgate; Owner: -
--

ALTER TABLE ONLY fieldgate.site
    ADD CONSTRAINT site_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES fieldgate.organization(id);


--
-- Name: api_key; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.api_key ENABLE ROW LEVEL SECURITY;

--
-- Name: certificate; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.certificate ENABLE ROW LEVEL SECURITY;

--
-- Name: component; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.component ENABLE ROW LEVEL SECURITY;

--
-- Name: component_tag; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.component_tag ENABLE ROW LEVEL SECURITY;

--
-- Name: deleted_sensor; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.deleted_sensor ENABLE ROW LEVEL SECURITY;

--
-- Name: device; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.device ENABLE ROW LEVEL SECURITY;

--
-- Name: device_group; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.device_group ENABLE ROW LEVEL SECURITY;

--
-- Name: device_identity; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.device_identity ENABLE ROW LEVEL SECURITY;

--
-- Name: device_tag; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.device_tag ENABLE ROW LEVEL SECURITY;

--
-- Name: device_word; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.device_word ENABLE ROW LEVEL SECURITY;

--
-- Name: group_tag; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.group_tag ENABLE ROW LEVEL SECURITY;

--
-- Name: health; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health ENABLE ROW LEVEL SECURITY;

--
-- Name: health_2026_05; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_2026_05 ENABLE ROW LEVEL SECURITY;

--
-- Name: health_2026_06; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_2026_06 ENABLE ROW LEVEL SECURITY;

--
-- Name: health_2026_07; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_2026_07 ENABLE ROW LEVEL SECURITY;

--
-- Name: health_2026_08; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_2026_08 ENABLE ROW LEVEL SECURITY;

--
-- Name: health_2026_11; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_2026_11 ENABLE ROW LEVEL SECURITY;

--
-- Name: health_2026_12; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_2026_12 ENABLE ROW LEVEL SECURITY;

--
-- Name: health_2027_01; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_2027_01 ENABLE ROW LEVEL SECURITY;

--
-- Name: health_default; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_default ENABLE ROW LEVEL SECURITY;

--
-- Name: health_past; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.health_past ENABLE ROW LEVEL SECURITY;

--
-- Name: idempotency; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.idempotency ENABLE ROW LEVEL SECURITY;

--
-- Name: api_key of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.api_key USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: certificate of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.certificate USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: component of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.component USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: component_tag of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.component_tag USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: deleted_sensor of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.deleted_sensor USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: device of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.device USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: device_group of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.device_group USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: device_identity of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.device_identity USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: device_tag of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.device_tag USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: device_word of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.device_word USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: group_tag of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.group_tag USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_2026_05 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_2026_05 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_2026_06 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_2026_06 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_2026_07 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_2026_07 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_2026_08 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_2026_08 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_2026_11 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_2026_11 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_2026_12 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_2026_12 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_2027_01 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_2027_01 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_default of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_default USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: health_past of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.health_past USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: idempotency of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.idempotency USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: organization of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.organization USING ((id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: quarantine of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.quarantine USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_2026_05 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_2026_05 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_2026_06 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_2026_06 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_2026_07 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_2026_07 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_2026_08 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_2026_08 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_2026_11 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_2026_11 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_2026_12 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_2026_12 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_2027_01 of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_2027_01 USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_default of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_default USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: reading_past of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.reading_past USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: retained of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.retained USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: sensor of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.sensor USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: sensor_tag of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.sensor_tag USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: sensor_word of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.sensor_word USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: site of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.site USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: tally of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.tally USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: token of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.token USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: uncounted_group of_organization; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_organization ON fieldgate.uncounted_group USING ((organization_id = (NULLIF(current_setting('fieldgate.organization'::text, true), ''::text))::uuid));


--
-- Name: api_key of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.api_key USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: certificate of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.certificate USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: component of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.component USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: component_tag of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.component_tag USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: deleted_sensor of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.deleted_sensor USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: device of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.device USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: device_group of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.device_group USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: device_identity of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.device_identity USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: device_tag of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.device_tag USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: device_word of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.device_word USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: group_tag of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.group_tag USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_2026_05 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_2026_05 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_2026_06 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_2026_06 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_2026_07 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_2026_07 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_2026_08 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_2026_08 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_2026_11 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_2026_11 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_2026_12 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_2026_12 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_2027_01 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_2027_01 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_default of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_default USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: health_past of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.health_past USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: idempotency of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.idempotency USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: organization of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.organization USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: quarantine of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.quarantine USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_2026_05 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_2026_05 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_2026_06 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_2026_06 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_2026_07 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_2026_07 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_2026_08 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_2026_08 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_2026_11 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_2026_11 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_2026_12 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_2026_12 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_2027_01 of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_2027_01 USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_default of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_default USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: reading_past of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.reading_past USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: retained of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.retained USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: sensor of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.sensor USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: sensor_tag of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.sensor_tag USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: sensor_word of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.sensor_word USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: site of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.site USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: tally of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.tally USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: token of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.token USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: uncounted_group of_server; Type: POLICY; Schema: fieldgate; Owner: -
--

CREATE POLICY of_server ON fieldgate.uncounted_group USING ((current_setting('fieldgate.server'::text, true) = 'on'::text));


--
-- Name: organization; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.organization ENABLE ROW LEVEL SECURITY;

--
-- Name: quarantine; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.quarantine ENABLE ROW LEVEL SECURITY;

--
-- Name: reading; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_2026_05; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_2026_05 ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_2026_06; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_2026_06 ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_2026_07; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_2026_07 ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_2026_08; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_2026_08 ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_2026_11; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_2026_11 ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_2026_12; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_2026_12 ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_2027_01; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_2027_01 ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_default; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_default ENABLE ROW LEVEL SECURITY;

--
-- Name: reading_past; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.reading_past ENABLE ROW LEVEL SECURITY;

--
-- Name: retained; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.retained ENABLE ROW LEVEL SECURITY;

--
-- Name: sensor; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.sensor ENABLE ROW LEVEL SECURITY;

--
-- Name: sensor_tag; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.sensor_tag ENABLE ROW LEVEL SECURITY;

--
-- Name: sensor_word; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.sensor_word ENABLE ROW LEVEL SECURITY;

--
-- Name: site; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.site ENABLE ROW LEVEL SECURITY;

--
-- Name: tally; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.tally ENABLE ROW LEVEL SECURITY;

--
-- Name: token; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.token ENABLE ROW LEVEL SECURITY;

--
-- Name: uncounted_group; Type: ROW SECURITY; Schema: fieldgate; Owner: -
--

ALTER TABLE fieldgate.uncounted_group ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA fieldgate; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA fieldgate TO fieldgate_test_app;


--
-- Name: FUNCTION add_month(parent text, month integer); Type: ACL; Schema: fieldgate; Owner: -
--

REVOKE ALL ON FUNCTION fieldgate.add_month(parent text, month integer) FROM PUBLIC;
GRANT ALL ON FUNCTION fieldgate.add_month(parent text, month integer) TO fieldgate_test_app;


--
-- Name: FUNCTION admit(role name); Type: ACL; Schema: fieldgate; Owner: -
--

REVOKE ALL ON FUNCTION fieldgate.admit(role name) FROM PUBLIC;


--
-- Name: FUNCTION drop_month(parent text, before_at bigint); Type: ACL; Schema: fieldgate; Owner: -
--

REVOKE ALL ON FUNCTION fieldgate.drop_month(parent text, before_at bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION fieldgate.drop_month(parent text, before_at bigint) TO fieldgate_test_app;


--
-- Name: FUNCTION wall(walled regclass, organization text); Type: ACL; Schema: fieldgate; Owner: -
--

REVOKE ALL ON FUNCTION fieldgate.wall(walled regclass, organization text) FROM PUBLIC;


--
-- Name: TABLE _sqlx_migrations; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT ON TABLE fieldgate._sqlx_migrations TO fieldgate_test_app;


--
-- Name: TABLE api_key; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.api_key TO fieldgate_test_app;


--
-- Name: TABLE certificate; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.certificate TO fieldgate_test_app;


--
-- Name: TABLE component; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.component TO fieldgate_test_app;


--
-- Name: TABLE component_tag; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.component_tag TO fieldgate_test_app;


--
-- Name: TABLE compromised_key; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.compromised_key TO fieldgate_test_app;


--
-- Name: TABLE deleted_sensor; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.deleted_sensor TO fieldgate_test_app;


--
-- Name: TABLE device; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.device TO fieldgate_test_app;


--
-- Name: TABLE device_group; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.device_group TO fieldgate_test_app;


--
-- Name: TABLE device_identity; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.device_identity TO fieldgate_test_app;


--
-- Name: TABLE device_tag; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.device_tag TO fieldgate_test_app;


--
-- Name: TABLE device_word; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.device_word TO fieldgate_test_app;


--
-- Name: TABLE group_tag; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.group_tag TO fieldgate_test_app;


--
-- Name: TABLE health; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.health TO fieldgate_test_app;


--
-- Name: TABLE idempotency; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.idempotency TO fieldgate_test_app;


--
-- Name: TABLE issuer; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.issuer TO fieldgate_test_app;


--
-- Name: TABLE issuer_count; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.issuer_count TO fieldgate_test_app;


--
-- Name: TABLE organization; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.organization TO fieldgate_test_app;


--
-- Name: TABLE probe; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.probe TO fieldgate_test_app;


--
-- Name: TABLE quarantine; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.quarantine TO fieldgate_test_app;


--
-- Name: TABLE reading; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.reading TO fieldgate_test_app;


--
-- Name: TABLE retained; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.retained TO fieldgate_test_app;


--
-- Name: TABLE sensor; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.sensor TO fieldgate_test_app;


--
-- Name: TABLE sensor_tag; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.sensor_tag TO fieldgate_test_app;


--
-- Name: TABLE sensor_word; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.sensor_word TO fieldgate_test_app;


--
-- Name: TABLE server; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.server TO fieldgate_test_app;


--
-- Name: TABLE site; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.site TO fieldgate_test_app;


--
-- Name: TABLE tally; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.tally TO fieldgate_test_app;


--
-- Name: TABLE token; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.token TO fieldgate_test_app;


--
-- Name: TABLE uncounted_group; Type: ACL; Schema: fieldgate; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fieldgate.uncounted_group TO fieldgate_test_app;


--
-- PostgreSQL database dump complete
--


