//! Reads rows column by column, and says which row does not decode.

use std::fmt::Display;
use std::str::FromStr;

use fieldgate_core::model::Invalid;
use fieldgate_core::model::location::Location;
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::tag::{Tag, Tags};
use fieldgate_core::model::timestamp::Timestamp;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row as _, Type};
use uuid::Uuid;

use crate::error::Error;
use crate::sqlite::select::json_array;

/// The columns of a row, in their order.
#[derive(Debug)]
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    table: &'static str,
    id: String,
    next: usize,
}

impl<'r> Columns<'r> {
    /// The columns of a row of `table`.
    pub(super) const fn of(row: &'r SqliteRow, table: &'static str) -> Self {
        Self {
            row,
            table,
            id: String::new(),
            next: 0,
        }
    }

    /// Names the row in errors.
    pub(super) fn name(&mut self, id: impl Display) {
        self.id = id.to_string();
    }

    /// The next column as SQLite has it.
    pub(super) fn plain<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, Error> {
        let column = self.next;
        self.next += 1;
        self.row
            .try_get(column)
            .map_err(|source| self.error(column, source))
    }

    /// The next column, made into something by `parse`.
    pub(super) fn parse_with<S, T, E>(
        &mut self,
        parse: impl FnOnce(S) -> Result<T, E>,
    ) -> Result<T, Error>
    where
        S: Decode<'r, Sqlite> + Type<Sqlite>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stored = self.plain()?;
        parse(stored).map_err(|source| self.error(self.next - 1, source))
    }

    /// The same, of a column that may be NULL.
    pub(super) fn parse_optional_with<S, T, E>(
        &mut self,
        parse: impl FnOnce(S) -> Result<T, E>,
    ) -> Result<Option<T>, Error>
    where
        S: Decode<'r, Sqlite> + Type<Sqlite>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.parse_with(|stored: Option<S>| stored.map(parse).transpose())
    }

    /// A text form.
    pub(super) fn text<T: FromStr<Err = Invalid>>(&mut self) -> Result<T, Error> {
        self.parse_with(|text: &str| text.parse())
    }

    /// A text form, or NULL.
    pub(super) fn text_optional<T: FromStr<Err = Invalid>>(&mut self) -> Result<Option<T>, Error> {
        self.parse_optional_with(|text: &str| text.parse())
    }

    /// An id.
    pub(super) fn id<T>(&mut self, make: impl FnOnce(Uuid) -> T) -> Result<T, Error> {
        self.parse_with(|octets: &[u8]| Uuid::from_slice(octets).map(make))
    }

    /// An id, or NULL.
    pub(super) fn id_optional<T>(
        &mut self,
        make: impl FnOnce(Uuid) -> T,
    ) -> Result<Option<T>, Error> {
        self.parse_optional_with(|octets: &[u8]| Uuid::from_slice(octets).map(make))
    }

    /// So many octets.
    pub(super) fn octets<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.parse_with(|octets: &[u8]| octets.try_into())
    }

    /// A time.
    pub(super) fn timestamp(&mut self) -> Result<Timestamp, Error> {
        self.parse_with(Timestamp::from_unix_millis)
    }

    /// A time, or NULL.
    pub(super) fn timestamp_optional(&mut self) -> Result<Option<Timestamp>, Error> {
        self.parse_optional_with(Timestamp::from_unix_millis)
    }

    /// A number; see [`stored`].
    pub(super) fn number(&mut self) -> Result<u64, Error> {
        self.plain().map(i64::cast_unsigned)
    }

    /// A number, or NULL.
    pub(super) fn number_optional(&mut self) -> Result<Option<u64>, Error> {
        let number: Option<i64> = self.plain()?;
        Ok(number.map(i64::cast_unsigned))
    }

    /// A revision.
    pub(super) fn revision(&mut self) -> Result<Revision, Error> {
        self.number().map(Revision::from_u64)
    }

    /// The tags of a JSON array.
    pub(super) fn tags(&mut self) -> Result<Tags, Error> {
        let tags = self.texts(str::parse::<Tag>)?;
        Tags::new(tags).map_err(|source| self.error(self.next - 1, source))
    }

    /// The texts of a JSON array.
    pub(super) fn texts<T, C>(
        &mut self,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<C, Error>
    where
        C: FromIterator<T>,
    {
        self.parse_with(
            |json: &str| -> Result<C, Box<dyn std::error::Error + Send + Sync>> {
                let texts: Vec<String> = serde_json::from_str(json)?;
                let parsed = texts.iter().map(|text| parse(text));
                Ok(parsed.collect::<Result<C, Invalid>>()?)
            },
        )
    }

    /// The four columns of a place.
    pub(super) fn location(&mut self) -> Result<Option<Location>, Error> {
        let first = self.next;
        let latitude: Option<f64> = self.plain()?;
        let longitude: Option<f64> = self.plain()?;
        let altitude = self.plain()?;
        let label = self.text_optional()?;
        let Some((latitude, longitude)) = latitude.zip(longitude) else {
            return Ok(None);
        };
        Location::new(latitude, longitude, altitude, label)
            .map(Some)
            .map_err(|source| self.error(first, source))
    }

    /// What was read up to now does not fit together.
    pub(super) fn last_error(
        &self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        self.error(self.next.saturating_sub(1), source)
    }

    /// What was read up to now does not fit together.
    pub(super) fn contradiction(&self, reason: &'static str) -> Error {
        self.last_error(Invalid::new(reason))
    }

    fn error(
        &self,
        column: usize,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::Row {
            table: self.table,
            id: self.id.clone(),
            column,
            source: source.into(),
        }
    }
}

/// A number as it is stored. SQLite has signed ones only: what is over 2^63 turns negative, and
/// comes back as it was.
pub(super) const fn stored(number: u64) -> i64 {
    number.cast_signed()
}

/// Tags as they are stored.
pub(super) fn tags_json(tags: &Tags) -> String {
    json_array(tags.iter().map(Tag::as_str))
}
