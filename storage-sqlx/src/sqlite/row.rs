//! Reads what SQLite keeps in a form of its own: ids, and lists of texts.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::tag::{Tag, Tags};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::error::Error;
pub(super) use crate::row::stored;
use crate::sqlite::select::json_array;

/// The columns of a row, in their order.
pub(super) type Columns<'r> = crate::row::Columns<'r, SqliteRow>;

impl Columns<'_> {
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

    /// The tags of a JSON array.
    pub(super) fn tags(&mut self) -> Result<Tags, Error> {
        let tags = self.texts(str::parse::<Tag>)?;
        Tags::new(tags).map_err(|source| self.last_error(source))
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
}

/// Tags as they are stored.
pub(super) fn tags_json(tags: &Tags) -> String {
    json_array(tags.iter().map(Tag::as_str))
}
