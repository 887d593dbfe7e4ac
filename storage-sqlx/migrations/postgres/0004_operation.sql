-- What the operation of a server needs, for years and through mishaps.

-- Which of the servers that have worked on the database, one after the other, works on it now.
CREATE TABLE server (
    id integer PRIMARY KEY CHECK (id = 1),
    epoch bigint NOT NULL
);

-- What was taken before there was anything that could take it, by devices without a clock. It has a
-- place of its own, as the default partitions are looked through whenever a month is made.
DO $$
DECLARE
    parent text;
    past text;
    to_at bigint;
BEGIN
    FOREACH parent IN ARRAY ARRAY['health', 'reading'] LOOP
        past := parent || '_past';
        -- The year 2020, or the oldest month that there is.
        SELECT least(1577836800000, min(extract(epoch FROM make_date(
            substr(right(c.relname, 7), 1, 4)::integer, right(c.relname, 2)::integer, 1)) * 1000))
        INTO to_at FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(parent) AND c.relname ~ '_[0-9]{4}_[0-9]{2}$';
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', past, parent);
        PERFORM wall(past::regclass, 'organization_id');
        EXECUTE format(
            'WITH moved AS (DELETE FROM %I WHERE taken_at < %s RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved', parent || '_default', to_at, past);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)',
            parent, past, to_at);
    END LOOP;
END
$$;

-- Makes the partition of a month, which counts from January of the year 0, and moves into it what
-- the default one holds of it, as far as the caller sees that: it is for the server.
DROP FUNCTION add_month(integer);
CREATE FUNCTION add_month(parent text, month integer) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = fieldgate, pg_temp AS $$
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

REVOKE ALL ON FUNCTION add_month FROM PUBLIC;

-- Who was admitted is so to this as well.
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
