//! What has to agree in a database, beyond what the database itself looks after.

/// What has to agree.
pub(super) struct Agreement {
    pub(super) place: &'static str,
    /// Gives the ids of the records that do not.
    pub(super) violations: &'static str,
    pub(super) problem: &'static str,
}

/// The words by which records are found.
pub(super) struct Words {
    pub(super) place: &'static str,
    /// Gives ids, organizations and names behind an id.
    pub(super) page: &'static str,
    /// Counts those of an organization's record and an array of words that are not there.
    pub(super) missing: &'static str,
    /// Counts all that are there.
    pub(super) count: &'static str,
}

/// What belongs to a device, of which there may be leftovers until they are purged.
macro_rules! of_device {
    ($table:literal) => {
        Agreement {
            place: $table,
            violations: concat!(
                "SELECT DISTINCT o.device_id::text FROM ",
                $table,
                " AS o WHERE NOT EXISTS (SELECT 1 FROM device_identity AS d \
                 WHERE d.organization_id = o.organization_id AND d.id = o.device_id)"
            ),
            problem: "there is no device of this id, which it belongs to",
        }
    };
}

/// The tags of records against their index.
macro_rules! tags {
    ($table:literal) => {
        Agreement {
            place: $table,
            violations: concat!(
                "SELECT DISTINCT o.id::text FROM ",
                $table,
                " AS o CROSS JOIN LATERAL unnest(o.tags) AS value \
                 WHERE NOT EXISTS (SELECT 1 FROM ",
                $table,
                "_tag AS t WHERE t.organization_id = o.organization_id AND t.tag = value \
                 AND t.owner_id = o.id)"
            ),
            problem: "it is not found by one of its tags",
        }
    };
}

/// The index of tags against the records.
macro_rules! tagged {
    ($table:literal) => {
        Agreement {
            place: $table,
            violations: concat!(
                "SELECT DISTINCT t.owner_id::text FROM ",
                $table,
                "_tag AS t WHERE NOT EXISTS (SELECT 1 FROM ",
                $table,
                " AS o WHERE o.organization_id = t.organization_id AND o.id = t.owner_id \
                 AND t.tag = ANY(o.tags))"
            ),
            problem: "it is found by a tag that it has not",
        }
    };
}

/// What is counted against what is there to be counted.
macro_rules! tally {
    ($kind:literal, $value:literal, $counted:literal, $problem:literal) => {
        Agreement {
            place: "organization",
            violations: concat!(
                "SELECT DISTINCT organization_id::text FROM (SELECT organization_id FROM \
                 (SELECT organization_id, value, -count AS count FROM tally WHERE kind = '",
                $kind,
                "' UNION ALL SELECT organization_id, ",
                $value,
                ", count(*) FROM ",
                $counted,
                " GROUP BY 1, 2) AS each GROUP BY organization_id, value \
                 HAVING sum(count) <> 0) AS wrong"
            ),
            problem: $problem,
        }
    };
}

macro_rules! words {
    ($table:literal) => {
        Words {
            place: $table,
            page: concat!(
                "SELECT id, organization_id, name FROM ",
                $table,
                " WHERE id >= $1 ORDER BY id LIMIT $2"
            ),
            missing: concat!(
                "SELECT count(*) FROM unnest($3) AS value WHERE NOT EXISTS (SELECT 1 FROM ",
                $table,
                "_word AS w WHERE w.organization_id = $1 AND w.word = value AND w.owner_id = $2)"
            ),
            count: concat!("SELECT count(*) FROM ", $table, "_word"),
        }
    };
}

pub(super) const WORDS: [Words; 2] = [words!("device"), words!("sensor")];

pub(super) const AGREEMENTS: [Agreement; 26] = [
    Agreement {
        place: "table",
        violations: "SELECT c.relname::text FROM pg_class AS c \
             WHERE c.relnamespace = to_regnamespace('fieldgate') AND c.relkind IN ('r', 'p') \
             AND NOT (c.relrowsecurity AND c.relforcerowsecurity) \
             AND EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = c.oid \
             AND a.attname = 'organization_id' AND NOT a.attisdropped)",
        problem: "nothing keeps the rows of organizations apart",
    },
    Agreement {
        place: "index",
        violations: "SELECT c.relname::text FROM pg_index AS i \
             JOIN pg_class AS c ON c.oid = i.indexrelid \
             WHERE c.relnamespace = to_regnamespace('fieldgate') \
             AND NOT (i.indisvalid AND i.indisready)",
        problem: "it is not complete",
    },
    tags!("device"),
    tags!("component"),
    tags!("sensor"),
    tagged!("device"),
    tagged!("component"),
    tagged!("sensor"),
    of_device!("token"),
    of_device!("certificate"),
    of_device!("component"),
    of_device!("sensor"),
    of_device!("health"),
    of_device!("quarantine"),
    of_device!("retained"),
    Agreement {
        place: "device",
        violations: "SELECT d.id::text FROM device AS d WHERE NOT EXISTS (SELECT 1 \
             FROM device_identity AS i WHERE i.organization_id = d.organization_id \
             AND i.id = d.id AND NOT i.deleted)",
        problem: "its id is not taken",
    },
    Agreement {
        place: "device",
        violations: "SELECT i.id::text FROM device_identity AS i WHERE NOT i.deleted \
             AND NOT EXISTS (SELECT 1 FROM device AS d \
             WHERE d.organization_id = i.organization_id AND d.id = i.id)",
        problem: "its id is taken, and there is no device of this id",
    },
    Agreement {
        place: "sensor",
        violations: "SELECT s.id::text FROM sensor AS s WHERE NOT EXISTS (SELECT 1 \
             FROM component AS c WHERE c.organization_id = s.organization_id \
             AND c.id = s.component_id) \
             AND EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = s.organization_id \
             AND d.id = s.device_id)",
        problem: "its component is not there",
    },
    Agreement {
        place: "reading",
        violations: "SELECT DISTINCT r.sensor_number::text FROM reading AS r \
             WHERE NOT EXISTS (SELECT 1 FROM sensor AS s WHERE s.number = r.sensor_number \
             AND s.organization_id = r.organization_id) \
             AND NOT EXISTS (SELECT 1 FROM deleted_sensor AS s WHERE s.number = r.sensor_number \
             AND s.organization_id = r.organization_id)",
        problem: "there is no sensor of its number",
    },
    Agreement {
        place: "device",
        violations: "SELECT d.id::text FROM device AS d \
             WHERE d.certificate_serial_number IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM certificate AS c \
             WHERE c.organization_id = d.organization_id AND c.device_id = d.id \
             AND c.serial_number = d.certificate_serial_number)",
        problem: "its certificate is not there",
    },
    Agreement {
        place: "issuer",
        violations: "SELECT encode(c.issuer_key_id, 'hex') FROM certificate AS c \
             WHERE c.fate = 'REVOKED' GROUP BY c.issuer_key_id \
             HAVING count(*) > coalesce((SELECT n.revocations \
             FROM issuer_count AS n WHERE n.key_id = c.issuer_key_id), 0)",
        problem: "more of its certificates are revoked than were counted",
    },
    tally!(
        "STATUS",
        "status",
        "device",
        "the number of its devices by status is wrong"
    ),
    tally!(
        "ONLINE",
        "''",
        "device WHERE online",
        "the number of its devices that are online is wrong"
    ),
    tally!(
        "SITE",
        "coalesce(site_id::text, '')",
        "device",
        "the number of its devices by site is wrong"
    ),
    tally!(
        "PROFILE",
        "coalesce(profile, '')",
        "device",
        "the number of its devices by profile is wrong"
    ),
    tally!(
        "VALUE_TYPE",
        "value_type",
        "sensor AS s WHERE EXISTS (SELECT 1 FROM device AS d \
         WHERE d.organization_id = s.organization_id AND d.id = s.device_id)",
        "the number of its sensors by type is wrong"
    ),
];
