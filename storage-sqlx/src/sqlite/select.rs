//! Builds queries out of fixed pieces and bound values.

use fieldgate_core::model::page::{Page, PageLimit};
use fieldgate_core::model::revision::Revision;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Encode, QueryBuilder, Type};

use crate::error::Error;

/// A query under construction: pieces are literals, everything else is bound.
pub(super) struct Select {
    builder: QueryBuilder<Sqlite>,
}

impl Select {
    /// Begins with a piece.
    pub(super) fn new(piece: &'static str) -> Self {
        Self {
            builder: QueryBuilder::new(piece),
        }
    }

    /// Adds a piece.
    pub(super) fn sql(&mut self, piece: &'static str) -> &mut Self {
        self.builder.push(piece);
        self
    }

    /// Adds a value.
    pub(super) fn bind<'t>(&mut self, value: impl Encode<'t, Sqlite> + Type<Sqlite>) -> &mut Self {
        self.builder.push_bind(value);
        self
    }

    /// The query.
    pub(super) fn query(&mut self) -> Query<'_, Sqlite, SqliteArguments> {
        self.builder.build()
    }

    /// Runs the query for a row that may be there.
    pub(super) async fn optional<T>(
        mut self,
        connection: &mut SqliteConnection,
        decode: impl FnOnce(&SqliteRow) -> Result<T, Error> + Send,
    ) -> Result<Option<T>, Error> {
        let row = self.query().fetch_optional(connection).await?;
        row.as_ref().map(decode).transpose()
    }

    /// Runs the query for a page: it takes one more than the page holds.
    pub(super) async fn page<T>(
        mut self,
        connection: &mut SqliteConnection,
        limit: PageLimit,
        decode: impl Fn(&SqliteRow) -> Result<T, Error> + Send,
    ) -> Result<Page<T>, Error> {
        self.sql(" LIMIT ").bind(row_count(limit.as_usize() + 1));
        let rows = self.query().fetch_all(connection).await?;
        let found = rows.iter().map(decode).collect::<Result<_, _>>()?;
        Ok(Page::cut(found, limit))
    }
}

/// A count of rows as SQLite takes it.
pub(super) fn row_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count of rows as SQLite gives it.
pub(super) fn counted(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// The texts as a JSON array, for `json_each`: one value however many they are, so that there is
/// one statement to prepare.
pub(super) fn json_array<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    serde_json::Value::from_iter(texts).to_string()
}

/// Cuts rows into pieces of few different lengths, each to be written by one statement: so there
/// are few statements to prepare, and few to run.
pub(super) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let length = CHUNKS.into_iter().find(|length| *length <= rest.len())?;
        let (chunk, behind) = rest.split_at(length);
        rest = behind;
        Some(chunk)
    })
}

/// Refuses a change that was made from another revision than the stored one.
pub(super) fn check_revision(
    expected: Option<Revision>,
    stored: Revision,
    what: &'static str,
) -> Result<(), Error> {
    if expected.is_some_and(|expected| expected != stored) {
        return Err(Error::stale(what));
    }
    Ok(())
}

const CHUNKS: [usize; 4] = [64, 16, 4, 1];
