//! Checksums of rows: what is summed, and whether a row agrees with its sum.
//!
//! Every row of a table of content ends in a column `checksum`, a CRC-32 over all its other columns.
//! SQLite has none of its own, and would believe a disk that has changed a bit. Rows that never
//! change get theirs as they are inserted; those of all others are written before each commit
//! ([`crate::sqlite::seal`]).

mod table;

use crc32fast::Hasher;
use fieldgate_core::model::reading::Value;
use sqlx::sqlite::{Sqlite, SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row as _, TypeInfo as _, ValueRef as _};

use crate::error::Error;
use crate::sqlite::select::Select;
pub(super) use table::{
    API_KEY, CERTIFICATE, COMPONENT, DEVICE, DEVICE_GROUP, HEALTH, IDEMPOTENCY, ISSUER,
    ISSUER_COUNT, ORGANIZATION, QUARANTINE, READING, RETAINED, SENSOR, SITE, SUMMED, Summed, TOKEN,
    by_name,
};

/// A value as SQLite keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Datum<'v> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'v str),
    Blob(&'v [u8]),
}

impl Datum<'_> {
    pub(super) fn optional<T>(value: Option<T>, datum: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, datum)
    }

    /// Each value is summed with its storage class and its place, and with its length where that may
    /// differ, so that no two rows are the same octets. NULL is not summed: a column that is added
    /// later, and is NULL, changes no sum.
    fn add(self, place: usize, hasher: &mut Hasher) {
        let place = u8::try_from(place).unwrap_or(u8::MAX);
        let mut add = |class: u8, octets: &[u8]| {
            let length = octets.len() as u64;
            hasher.update(&[place, class]);
            hasher.update(&length.to_le_bytes());
            hasher.update(octets);
        };
        match self {
            Self::Null => {}
            Self::Integer(integer) => add(1, &integer.to_le_bytes()),
            Self::Real(real) => add(2, &real.to_bits().to_le_bytes()),
            Self::Text(text) => add(3, text.as_bytes()),
            Self::Blob(octets) => add(4, octets),
        }
    }
}

impl<'v> From<&'v Value> for Datum<'v> {
    /// As [`Stored`](crate::sqlite::value::Stored) writes it.
    fn from(value: &'v Value) -> Self {
        match value {
            Value::BigInt(integer) => Self::Integer(*integer),
            Value::Boolean(false) => Self::Blob(&[0]),
            Value::Boolean(true) => Self::Blob(&[1]),
            Value::Double(number) => Self::Real(number.as_f64()),
            Value::Text(text) => Self::Text(text.as_str()),
        }
    }
}

/// The checksum of a row with these values, in the order of the table's columns.
pub(super) fn checksum<'v>(table: &Summed, values: impl IntoIterator<Item = Datum<'v>>) -> i64 {
    let mut hasher = Hasher::new();
    hasher.update(table.name.as_bytes());
    for (place, value) in values.into_iter().enumerate() {
        value.add(place, &mut hasher);
    }
    // Four octets in the file, and no more.
    i64::from(hasher.finalize().cast_signed())
}

/// The checksum to give to a row, with all columns of its table. What cannot be summed, as it is no
/// text where there was one, gets one that it cannot agree with.
pub(super) fn seal_of(table: &Summed, row: &SqliteRow) -> i64 {
    checksum_of(table, row).unwrap_or(0)
}

fn checksum_of(table: &Summed, row: &SqliteRow) -> Result<i64, sqlx::Error> {
    let mut values = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        values.push(datum(row.try_get_raw(*column)?).map_err(sqlx::Error::Decode)?);
    }
    Ok(checksum(table, values))
}

fn datum(stored: SqliteValueRef<'_>) -> Result<Datum<'_>, sqlx::error::BoxDynError> {
    if stored.is_null() {
        return Ok(Datum::Null);
    }
    let class = stored.type_info().into_owned();
    Ok(match class.name() {
        "INTEGER" => Datum::Integer(Decode::<Sqlite>::decode(stored)?),
        "REAL" => Datum::Real(Decode::<Sqlite>::decode(stored)?),
        "TEXT" => Datum::Text(Decode::<Sqlite>::decode(stored)?),
        _ => Datum::Blob(Decode::<Sqlite>::decode(stored)?),
    })
}

/// How a row stands to its checksum.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Soundness {
    /// They agree.
    Sound,
    /// They do not.
    Damaged,
    /// It has none: the transaction that is under way has written it.
    Unsealed,
}

/// How a row, with all columns of its table and the checksum, stands to that.
pub(super) fn soundness(table: &Summed, row: &SqliteRow) -> Soundness {
    let summed: Result<Option<i64>, _> = row.try_get("checksum");
    match (summed, checksum_of(table, row)) {
        (Ok(None), _) => Soundness::Unsealed,
        (Ok(Some(summed)), Ok(expected)) if summed == expected => Soundness::Sound,
        // A text that is none, too.
        _ => Soundness::Damaged,
    }
}

/// Decodes a row only if it agrees with its checksum.
pub(super) fn sound<T>(
    table: &'static Summed,
    decode: impl FnOnce(&SqliteRow) -> Result<T, Error>,
) -> impl FnOnce(&SqliteRow) -> Result<T, Error> {
    move |row| match soundness(table, row) {
        Soundness::Damaged => Err(Error::Damaged {
            record: table.place(row),
        }),
        Soundness::Sound | Soundness::Unsealed => decode(row),
    }
}

/// Selects all that [`soundness`] looks at, and the rowid first where the table has one.
pub(super) fn select(table: &Summed) -> Select {
    let mut select = Select::new("SELECT ");
    select.sql(table.rowid());
    for column in table.columns {
        select.sql(column).sql(", ");
    }
    select.sql("checksum FROM ").sql(table.name);
    select
}

/// Binds a column of a row as it is.
pub(super) fn bind_column(
    select: &mut Select,
    row: &SqliteRow,
    column: &str,
) -> Result<(), sqlx::Error> {
    match datum(row.try_get_raw(column)?).map_err(sqlx::Error::Decode)? {
        Datum::Null => select.bind(None::<i64>),
        Datum::Integer(integer) => select.bind(integer),
        Datum::Real(real) => select.bind(real),
        Datum::Text(text) => select.bind(text),
        Datum::Blob(octets) => select.bind(octets),
    };
    Ok(())
}

#[cfg(test)]
mod tests;
