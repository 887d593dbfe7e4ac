-- Numbers that are kept with every change, so that no answer has to count.
--
-- Triggers keep them, for no statement can forget those. None of them fires where a device is only
-- seen, or a sensor only gets a new reading.

-- This goes over all there is.
SET LOCAL fieldgate.server = 'on';
SET LOCAL statement_timeout = 0;

-- How many of an organization's devices have a STATUS, are ONLINE, are at a SITE, have a PROFILE,
-- belong to a GROUP; how many of its sensors have a VALUE_TYPE: the sum over all slots, and 0 where
-- there is none. An empty value stands for devices without a site or a profile.
--
-- A transaction adds in a slot that no other one holds meanwhile, so that those of an organization
-- wait for each other neither here nor in a circle.
CREATE TABLE tally (
    organization_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    slot integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (organization_id, kind, value, slot)
) WITH (fillfactor = 50);

-- Groups that have not been counted to their end: only devices up to this one are in the tally.
CREATE TABLE uncounted_group (
    organization_id uuid NOT NULL,
    id uuid PRIMARY KEY,
    counted_to uuid NOT NULL
);

-- The tags by which the groups of a device are found: each group under the first of the tags that
-- it wants all, else under each of which it wants any, else under the empty one.
CREATE TABLE group_tag (
    organization_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    group_id uuid NOT NULL,
    PRIMARY KEY (organization_id, tag, group_id)
);

CREATE INDEX group_tag_by_group ON group_tag (group_id);

SELECT wall(walled::regclass, 'organization_id')
FROM unnest(ARRAY['group_tag', 'tally', 'uncounted_group']) AS walled;

-- Who was admitted is so to these tables as well.
DO $$
DECLARE
    admitted name;
BEGIN
    FOR admitted IN
        SELECT DISTINCT r.rolname FROM pg_class AS c
        CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE c.oid = 'device'::regclass AND a.grantee <> c.relowner
    LOOP
        PERFORM admit(admitted);
    END LOOP;
END
$$;

-- The slot of this transaction: the first that is free from its connection's own on. Where none is,
-- the connection has one for itself, which is taken back into the others later.
CREATE FUNCTION tally_slot() RETURNS integer LANGUAGE plpgsql AS $$
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

-- Adds to the tally.
CREATE FUNCTION add_to_tally(organization uuid, kinds text[], vals text[], counts bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
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

-- Lets no device of an organization come, go or change its tags until the transaction ends, where
-- `alone`; else keeps its groups as they are.
CREATE FUNCTION hold_membership(organization uuid, alone boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF alone THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(organization::text, 1181049905));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(organization::text, 1181049905));
    END IF;
END
$$;

-- The groups, as far as they are counted, that choose a device with these tags.
CREATE FUNCTION groups_of(organization uuid, device uuid, its_tags text[]) RETURNS SETOF uuid
    LANGUAGE sql AS $$
    SELECT g.id FROM device_group AS g
    WHERE g.organization_id = organization
    AND g.id IN (SELECT group_id FROM group_tag WHERE organization_id = organization
        AND tag = ANY(its_tags || ''::text))
    AND g.selector_all <@ its_tags
    AND (g.selector_any = '{}' OR g.selector_any && its_tags)
    AND NOT g.selector_none && its_tags
    AND NOT EXISTS (SELECT 1 FROM uncounted_group AS u WHERE u.id = g.id AND u.counted_to < device)
$$;

CREATE FUNCTION device_counted() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER device_came_or_went AFTER INSERT OR DELETE ON device
    FOR EACH ROW EXECUTE FUNCTION device_counted();

CREATE TRIGGER device_changed AFTER UPDATE OF status, online, site_id, profile, tags ON device
    FOR EACH ROW WHEN ((OLD.status, OLD.online, OLD.site_id, OLD.profile, OLD.tags)
        IS DISTINCT FROM (NEW.status, NEW.online, NEW.site_id, NEW.profile, NEW.tags))
    EXECUTE FUNCTION device_counted();

-- Sensors of a deleted device were taken out with it.
CREATE FUNCTION sensor_counted() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER sensor_came_or_went AFTER INSERT OR DELETE ON sensor
    FOR EACH ROW EXECUTE FUNCTION sensor_counted();

CREATE TRIGGER sensor_changed AFTER UPDATE OF value_type ON sensor
    FOR EACH ROW WHEN (OLD.value_type <> NEW.value_type) EXECUTE FUNCTION sensor_counted();

-- Finds a group under its tags, and has it counted anew.
CREATE FUNCTION find_group(organization uuid, group_found uuid, wants_all text[], wants_any text[])
    RETURNS void LANGUAGE sql AS $$
    INSERT INTO group_tag (organization_id, tag, group_id)
    SELECT organization, tag, group_found FROM unnest(CASE
        WHEN wants_all <> '{}' THEN wants_all[1:1]
        WHEN wants_any <> '{}' THEN wants_any
        ELSE ARRAY[''] END) AS tag;
    INSERT INTO uncounted_group (organization_id, id, counted_to)
    VALUES (organization, group_found, '00000000-0000-0000-0000-000000000000')
$$;

CREATE FUNCTION group_counted() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER group_came_or_went AFTER INSERT OR DELETE ON device_group
    FOR EACH ROW EXECUTE FUNCTION group_counted();

CREATE TRIGGER group_changed AFTER UPDATE OF selector_all, selector_any, selector_none
    ON device_group FOR EACH ROW WHEN ((OLD.selector_all, OLD.selector_any, OLD.selector_none)
        IS DISTINCT FROM (NEW.selector_all, NEW.selector_any, NEW.selector_none))
    EXECUTE FUNCTION group_counted();

-- Takes slots together whose numbers have added up, so that there are few rows however many sites,
-- profiles, groups and connections there have been. Only the server does; how many there were.
CREATE FUNCTION fold_tally(most integer) RETURNS integer LANGUAGE plpgsql AS $$
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

CREATE INDEX tally_to_fold ON tally (slot)
    WHERE slot > 0 AND kind IN ('GROUP', 'PROFILE', 'SITE') OR slot > 31;

-- The filters of lists that had no index of their own.
DROP INDEX device_by_figures;
CREATE INDEX device_by_online ON device (organization_id, online, id);
CREATE INDEX sensor_by_type ON sensor (organization_id, value_type, id);
CREATE INDEX token_by_fate ON token (organization_id, fate, id);
CREATE INDEX quarantine_by_reason ON quarantine (organization_id, reason, id);

-- What is there already. Groups are counted in small steps, later.
INSERT INTO tally SELECT organization_id, 'STATUS', status, 0, count(*) FROM device GROUP BY 1, 3;
INSERT INTO tally SELECT organization_id, 'ONLINE', '', 0, count(*) FROM device
WHERE online GROUP BY 1;
INSERT INTO tally SELECT organization_id, 'SITE', coalesce(site_id::text, ''), 0, count(*)
FROM device GROUP BY 1, 3;
INSERT INTO tally SELECT organization_id, 'PROFILE', coalesce(profile, ''), 0, count(*)
FROM device GROUP BY 1, 3;
INSERT INTO tally SELECT s.organization_id, 'VALUE_TYPE', s.value_type, 0, count(*)
FROM sensor AS s JOIN device AS d ON d.organization_id = s.organization_id AND d.id = s.device_id
GROUP BY 1, 3;
SELECT find_group(organization_id, id, selector_all, selector_any) FROM device_group;
