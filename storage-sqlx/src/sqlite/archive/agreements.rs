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
    /// Gives numbers, organizations, ids and names behind a number.
    pub(super) page: &'static str,
    /// Counts those of an organization's record and a JSON array of words that are not there.
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
                "SELECT o.device_id FROM ",
                $table,
                " AS o WHERE NOT EXISTS (SELECT 1 FROM device AS d \
                 WHERE d.organization_id = o.organization_id AND d.id = o.device_id) \
                 AND NOT EXISTS (SELECT 1 FROM deleted_device AS d \
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
                "SELECT o.id FROM ",
                $table,
                " AS o, json_each(CASE WHEN json_valid(o.tags) THEN o.tags ELSE '[]' END) AS j \
                 WHERE NOT EXISTS (SELECT 1 FROM ",
                $table,
                "_tag AS t WHERE t.organization_id = o.organization_id AND t.tag = j.value \
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
                "SELECT t.owner_id FROM ",
                $table,
                "_tag AS t WHERE NOT EXISTS (SELECT 1 FROM ",
                $table,
                " AS o, json_each(CASE WHEN json_valid(o.tags) THEN o.tags ELSE '[]' END) AS j \
                 WHERE o.organization_id = t.organization_id AND o.id = t.owner_id \
                 AND j.value = t.tag)"
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
                "SELECT organization_id FROM (SELECT organization_id, value, sum(count) AS count \
                 FROM (SELECT organization_id, value, -count AS count FROM tally WHERE kind = '",
                $kind,
                "' UNION ALL SELECT organization_id, ",
                $value,
                ", count(*) FROM ",
                $counted,
                " GROUP BY 1, 2) GROUP BY 1, 2) WHERE count <> 0 GROUP BY 1"
            ),
            problem: $problem,
        }
    };
}

macro_rules! words {
    ($table:literal, $number:literal) => {
        Words {
            place: $table,
            page: concat!(
                "SELECT ",
                $number,
                ", organization_id, id, name FROM ",
                $table,
                " WHERE ",
                $number,
                " > ? ORDER BY ",
                $number,
                " LIMIT ?"
            ),
            missing: concat!(
                "SELECT count(*) FROM json_each(?3) AS j WHERE NOT EXISTS (SELECT 1 FROM ",
                $table,
                "_word AS w WHERE w.organization_id = ?1 AND w.word = CAST(j.value AS BLOB) \
                 AND w.owner_id = ?2)"
            ),
            count: concat!("SELECT count(*) FROM ", $table, "_word"),
        }
    };
}

pub(super) const WORDS: [Words; 2] = [words!("device", "rowid"), words!("sensor", "number")];

pub(super) const AGREEMENTS: [Agreement; 23] = [
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
        place: "sensor",
        violations: "SELECT s.id FROM sensor AS s WHERE NOT EXISTS (SELECT 1 FROM component AS c \
             WHERE c.organization_id = s.organization_id AND c.id = s.component_id) \
             AND EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = s.organization_id \
             AND d.id = s.device_id)",
        problem: "its component is not there",
    },
    Agreement {
        place: "reading",
        violations: "SELECT DISTINCT CAST(r.sensor_number AS BLOB) FROM reading AS r \
             WHERE NOT EXISTS (SELECT 1 FROM sensor AS s WHERE s.number = r.sensor_number) \
             AND NOT EXISTS (SELECT 1 FROM deleted_sensor AS s WHERE s.number = r.sensor_number)",
        problem: "there is no sensor of its number",
    },
    Agreement {
        place: "sensor",
        violations: "SELECT CAST(seq AS BLOB) FROM sqlite_sequence WHERE name = 'sensor' \
             AND seq < (SELECT max(number) FROM (SELECT number FROM sensor \
             UNION ALL SELECT number FROM deleted_sensor))",
        problem: "the next one would have the number of another",
    },
    Agreement {
        place: "device",
        violations: "SELECT d.id FROM device AS d WHERE d.certificate_serial_number IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM certificate AS c \
             WHERE c.organization_id = d.organization_id AND c.device_id = d.id \
             AND c.serial_number = d.certificate_serial_number)",
        problem: "its certificate is not there",
    },
    Agreement {
        place: "issuer",
        violations: "SELECT c.issuer_key_id FROM certificate AS c WHERE c.fate = 'REVOKED' \
             GROUP BY c.issuer_key_id HAVING count(*) > coalesce((SELECT n.revocations \
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
        "ifnull(site_id, x'')",
        "device",
        "the number of its devices by site is wrong"
    ),
    tally!(
        "PROFILE",
        "ifnull(profile, '')",
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
