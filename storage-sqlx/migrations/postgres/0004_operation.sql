-- What the operation of a server needs, for years and through mishaps.

-- Which of the servers that have worked on the database, one after the other, works on it now.
CREATE TABLE server (
    id integer PRIMARY KEY CHECK (id = 1),
    epoch bigint NOT NULL
);

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
