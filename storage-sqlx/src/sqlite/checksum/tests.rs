//! Every column of every table of content is summed, and no two rows have one sum by their form.

use std::collections::BTreeSet;

use sqlx::Row as _;

use super::{DEVICE, Datum, SENSOR, SUMMED, checksum};
use crate::sqlite::SqliteStorage;

#[tokio::test]
async fn every_column_is_summed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.db");
    let storage = SqliteStorage::open(&path).await.unwrap();
    let mut reader = storage.reader().await.unwrap();
    let columns = sqlx::query(
        "SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c \
         WHERE t.schema = 'main' AND t.type = 'table'",
    );
    let mut found = BTreeSet::new();
    for row in columns.fetch_all(&mut *reader).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        if !UNSUMMED.contains(&table.as_str()) && column != "checksum" {
            found.insert((table, column));
        }
    }
    let summed = SUMMED.iter().flat_map(|table| {
        let columns = table.columns.iter();
        columns.map(|column| (table.name.to_owned(), (*column).to_owned()))
    });
    assert_eq!(found, summed.collect());
}

#[test]
fn a_sum_tells_rows_apart() {
    let sums = [
        checksum(&DEVICE, []),
        checksum(&SENSOR, []),
        checksum(&DEVICE, [Datum::Integer(0)]),
        checksum(&DEVICE, [Datum::Null, Datum::Integer(0)]),
        checksum(&DEVICE, [Datum::Real(0.0)]),
        checksum(&DEVICE, [Datum::Real(-0.0)]),
        checksum(&DEVICE, [Datum::Text("")]),
        checksum(&DEVICE, [Datum::Blob(b"")]),
        checksum(&DEVICE, [Datum::Text("ab"), Datum::Text("c")]),
        checksum(&DEVICE, [Datum::Text("a"), Datum::Text("bc")]),
    ];
    assert_eq!(BTreeSet::from(sums).len(), sums.len());
}

#[test]
fn null_at_the_end_changes_no_sum() {
    let row = [Datum::Integer(7), Datum::Text("pump")];
    let longer = [row[0], row[1], Datum::Null];
    assert_eq!(checksum(&DEVICE, row), checksum(&DEVICE, longer));
}

/// What is derived from records, and compared with them by a check, or holds nothing that counts.
const UNSUMMED: [&str; 14] = [
    "_sqlx_migrations",
    "component_tag",
    "deleted_sensor",
    "device_tag",
    "device_word",
    "group_tag",
    "probe",
    "sensor_tag",
    "sensor_word",
    "sqlite_schema",
    "sqlite_sequence",
    "tally",
    "uncounted_group",
    "unsealed",
];
