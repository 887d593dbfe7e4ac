//! Reads rows column by column, and says which row does not decode.

use std::fmt::Display;
use std::str::FromStr;

use fieldgate_core::model::Invalid;
use fieldgate_core::model::location::Location;
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::timestamp::Timestamp;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::Error;

/// The columns of a row, in their order.
#[derive(Debug)]
pub(crate) struct Columns<'r, R> {
    row: &'r R,
    table: &'static str,
    id: String,
    next: usize,
}

impl<'r, R: Row> Columns<'r, R>
where
    usize: ColumnIndex<R>,
    &'r str: Decode<'r, R::Database> + Type<R::Database>,
    &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    f64: Decode<'r, R::Database> + Type<R::Database>,
{
    /// The columns of a row of `table`.
    pub(crate) const fn of(row: &'r R, table: &'static str) -> Self {
        Self {
            row,
            table,
            id: String::new(),
            next: 0,
        }
    }

    /// Names the row in errors.
    pub(crate) fn name(&mut self, id: impl Display) {
        self.id = id.to_string();
    }

    /// The next column as the database has it.
    pub(crate) fn plain<T: Decode<'r, R::Database> + Type<R::Database>>(
        &mut self,
    ) -> Result<T, Error> {
        let column = self.next;
        self.next += 1;
        self.row
            .try_get(column)
            .map_err(|source| self.error(column, source))
    }

    /// The next column, made into something by `parse`.
    pub(crate) fn parse_with<S, T, E>(
        &mut self,
        parse: impl FnOnce(S) -> Result<T, E>,
    ) -> Result<T, Error>
    where
        S: Decode<'r, R::Database> + Type<R::Database>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stored = self.plain()?;
        parse(stored).map_err(|source| self.error(self.next - 1, source))
    }

    /// The same, of a column that may be NULL.
    pub(crate) fn parse_optional_with<S, T, E>(
        &mut self,
        parse: impl FnOnce(S) -> Result<T, E>,
    ) -> Result<Option<T>, Error>
    where
        S: Decode<'r, R::Database> + Type<R::Database>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.parse_with(|stored: Option<S>| stored.map(parse).transpose())
    }

    /// A text form.
    pub(crate) fn text<T: FromStr<Err = Invalid>>(&mut self) -> Result<T, Error> {
        self.parse_with(|text: &str| text.parse())
    }

    /// A text form, or NULL.
    pub(crate) fn text_optional<T: FromStr<Err = Invalid>>(&mut self) -> Result<Option<T>, Error> {
        self.parse_optional_with(|text: &str| text.parse())
    }

    /// So many octets.
    pub(crate) fn octets<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.parse_with(|octets: &[u8]| octets.try_into())
    }

    /// A time.
    pub(crate) fn timestamp(&mut self) -> Result<Timestamp, Error> {
        self.parse_with(Timestamp::from_unix_millis)
    }

    /// A time, or NULL.
    pub(crate) fn timestamp_optional(&mut self) -> Result<Option<Timestamp>, Error> {
        self.parse_optional_with(Timestamp::from_unix_millis)
    }

    /// A number; see [`stored`].
    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        self.plain().map(i64::cast_unsigned)
    }

    /// A number, or NULL.
    pub(crate) fn number_optional(&mut self) -> Result<Option<u64>, Error> {
        let number: Option<i64> = self.plain()?;
        Ok(number.map(i64::cast_unsigned))
    }

    /// A revision.
    pub(crate) fn revision(&mut self) -> Result<Revision, Error> {
        self.number().map(Revision::from_u64)
    }

    /// The four columns of a place.
    pub(crate) fn location(&mut self) -> Result<Option<Location>, Error> {
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
    pub(crate) fn last_error(
        &self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        self.error(self.next.saturating_sub(1), source)
    }

    /// What was read up to now does not fit together.
    pub(crate) fn contradiction(&self, reason: &'static str) -> Error {
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

/// A number as it is stored. Databases have signed ones only: what is over 2^63 turns negative, and
/// comes back as it was.
pub(crate) const fn stored(number: u64) -> i64 {
    number.cast_signed()
}
