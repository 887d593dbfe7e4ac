//! Builds queries in the way of SQLite: lists of values are JSON, or rows of one statement.

use sqlx::Sqlite;

pub(super) use crate::select::{check_revision, counted, row_count};

/// A query under construction.
pub(super) type Select = crate::select::Select<Sqlite>;

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

const CHUNKS: [usize; 4] = [64, 16, 4, 1];
