//! Gives the rows of earlier versions their checksums.

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::sqlite::checksum::{Summed, bind_column, by_name, seal_of, select};
use crate::sqlite::select::{Select, chunks, row_count};

/// Gives all rows a checksum that have none, in small steps. One that is cut off goes on the next
/// time.
pub(super) async fn seal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    while let Some(name) = next(connection).await? {
        if let Some(table) = by_name(&name) {
            tracing::info!(table = name, "the rows of an earlier version get checksums");
            seal_table(connection, table).await?;
        }
        sqlx::query("DELETE FROM unsealed WHERE name = ?")
            .bind(name)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn next(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT name FROM unsealed LIMIT 1")
        .fetch_optional(connection)
        .await
}

async fn seal_table(
    connection: &mut SqliteConnection,
    table: &'static Summed,
) -> Result<(), sqlx::Error> {
    let mut last = None;
    loop {
        let mut transaction = connection.begin().await?;
        let rows = behind(&mut transaction, table, last.as_ref()).await?;
        for chunk in chunks(&rows) {
            write(&mut transaction, table, chunk).await?;
        }
        transaction.commit().await?;
        if rows.len() < STEP {
            return Ok(());
        }
        last = rows.into_iter().next_back();
    }
}

/// The next rows without a checksum.
async fn behind(
    connection: &mut SqliteConnection,
    table: &'static Summed,
    last: Option<&SqliteRow>,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let mut select = select(table);
    select.sql(" WHERE checksum IS NULL");
    if let Some(last) = last {
        select.sql(" AND (").sql(table.key).sql(") > (");
        bind_key(&mut select, table, last)?;
        select.sql(")");
    }
    select.sql(" ORDER BY ").sql(table.key);
    select.sql(" LIMIT ").bind(row_count(STEP));
    select.query().fetch_all(connection).await
}

async fn write(
    connection: &mut SqliteConnection,
    table: &'static Summed,
    rows: &[SqliteRow],
) -> Result<(), sqlx::Error> {
    let mut update = Select::new("WITH sealed (sum, a, b, c) AS (VALUES ");
    for (index, row) in rows.iter().enumerate() {
        update.sql(if index == 0 { "(" } else { ", (" });
        update.bind(seal_of(table, row)).sql(", ");
        bind_key(&mut update, table, row)?;
        for _ in table.key.split(',').count()..KEY.len() {
            update.sql(", NULL");
        }
        update.sql(")");
    }
    update.sql(") UPDATE ").sql(table.name);
    update.sql(" SET checksum = sum FROM sealed WHERE ");
    for (index, (column, name)) in table.key.split(", ").zip(KEY).enumerate() {
        update.sql(if index == 0 { "" } else { " AND " });
        update.sql(table.name).sql(".").sql(column).sql(name);
    }
    update.query().execute(connection).await?;
    Ok(())
}

fn bind_key(
    select: &mut Select,
    table: &'static Summed,
    row: &SqliteRow,
) -> Result<(), sqlx::Error> {
    for (index, column) in table.key.split(", ").enumerate() {
        select.sql(if index == 0 { "" } else { ", " });
        // Where a row has a number of SQLite's, it is the first column under another name.
        let column = if table.changes { "row" } else { column };
        bind_column(select, row, column)?;
    }
    Ok(())
}

/// The parts of the longest key.
const KEY: [&str; 3] = [" = a", " = b", " = c"];

/// How many rows a step takes.
const STEP: usize = 4096;

#[cfg(test)]
mod tests;
