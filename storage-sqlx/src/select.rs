//! Builds queries out of fixed pieces and bound values.

use fieldgate_core::model::page::{Page, PageLimit};
use fieldgate_core::model::revision::Revision;
use sqlx::query::Query;
use sqlx::{Database, Encode, Executor, IntoArguments, QueryBuilder, Type};

use crate::error::Error;

/// A query under construction: pieces are literals, everything else is bound.
pub(crate) struct Select<DB: Database> {
    builder: QueryBuilder<DB>,
}

impl<DB: Database> Select<DB>
where
    DB::Arguments: Default + IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'t> i64: Encode<'t, DB> + Type<DB>,
{
    /// Begins with a piece.
    pub(crate) fn new(piece: &'static str) -> Self {
        Self {
            builder: QueryBuilder::new(piece),
        }
    }

    /// Adds a piece.
    pub(crate) fn sql(&mut self, piece: &'static str) -> &mut Self {
        self.builder.push(piece);
        self
    }

    /// Adds a value.
    pub(crate) fn bind<'t>(&mut self, value: impl Encode<'t, DB> + Type<DB>) -> &mut Self {
        self.builder.push_bind(value);
        self
    }

    /// The query.
    pub(crate) fn query(&mut self) -> Query<'_, DB, DB::Arguments> {
        self.builder.build()
    }

    /// Runs the query for a row that may be there.
    pub(crate) async fn optional<T>(
        mut self,
        connection: &mut DB::Connection,
        decode: impl FnOnce(&DB::Row) -> Result<T, Error> + Send,
    ) -> Result<Option<T>, Error> {
        let row = self.query().fetch_optional(connection).await?;
        row.as_ref().map(decode).transpose()
    }

    /// Runs the query for a page: it takes one more than the page holds.
    pub(crate) async fn page<T>(
        mut self,
        connection: &mut DB::Connection,
        limit: PageLimit,
        decode: impl Fn(&DB::Row) -> Result<T, Error> + Send,
    ) -> Result<Page<T>, Error> {
        self.sql(" LIMIT ").bind(row_count(limit.as_usize() + 1));
        let rows = self.query().fetch_all(connection).await?;
        let found = rows.iter().map(decode).collect::<Result<_, _>>()?;
        Ok(Page::cut(found, limit))
    }
}

/// A count of rows as a database takes it.
pub(crate) fn row_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count of rows as a database gives it.
pub(crate) fn counted(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// Refuses a change that was made from another revision than the stored one.
pub(crate) fn check_revision(
    expected: Option<Revision>,
    stored: Revision,
    what: &'static str,
) -> Result<(), Error> {
    if expected.is_some_and(|expected| expected != stored) {
        return Err(Error::stale(what));
    }
    Ok(())
}
