//! Reads what PostgreSQL keeps in a form of its own: ids, and lists of texts.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::tag::{Tag, Tags};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::error::Error;
pub(super) use crate::row::stored;

/// The columns of a row, in their order.
pub(super) type Columns<'r> = crate::row::Columns<'r, PgRow>;

impl Columns<'_> {
    /// An id.
    pub(super) fn id<T>(&mut self, make: impl FnOnce(Uuid) -> T) -> Result<T, Error> {
        self.plain().map(make)
    }

    /// An id, or NULL.
    pub(super) fn id_optional<T>(
        &mut self,
        make: impl FnOnce(Uuid) -> T,
    ) -> Result<Option<T>, Error> {
        let uuid: Option<Uuid> = self.plain()?;
        Ok(uuid.map(make))
    }

    /// The tags of an array.
    pub(super) fn tags(&mut self) -> Result<Tags, Error> {
        let tags = self.texts(str::parse::<Tag>)?;
        Tags::new(tags).map_err(|source| self.last_error(source))
    }

    /// The texts of an array.
    pub(super) fn texts<T, C>(
        &mut self,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<C, Error>
    where
        C: FromIterator<T>,
    {
        self.parse_with(|texts: Vec<String>| -> Result<C, Invalid> {
            texts.iter().map(|text| parse(text)).collect()
        })
    }
}

/// Tags as they are stored.
pub(super) fn tag_texts(tags: &Tags) -> Vec<&str> {
    tags.iter().map(Tag::as_str).collect()
}
