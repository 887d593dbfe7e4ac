//! Gives rows that a transaction has changed their checksums, before it is committed.
//!
//! ```text
//!  INSERT or UPDATE ──hook of the connection──> which rows of which table
//!                  └──trigger of the table────> their checksum is NULL
//!  before COMMIT:  how were they before?        another connection, which sees them unchanged
//!                  what are they now?           their sums are computed, and written
//! ```
//!
//! So no statement has to think of checksums. What a row was before matters where a disk has damaged
//! it: a statement that changes one column of it must not make the rest good again. Such a row gets
//! a sum that is wrong, and stays damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteOperation};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::sqlite::checksum::{Soundness, Summed, by_name, seal_of, select, soundness};
use crate::sqlite::select::Select;

/// What watches the writer's connection.
#[derive(Debug)]
pub(super) struct Seals {
    touched: Arc<Mutex<Touched>>,
    /// For a connection that reads what is committed.
    options: SqliteConnectOptions,
    before: Option<SqliteConnection>,
}

/// The rows of each table, and whether they were there before.
type Touched = BTreeMap<&'static str, BTreeMap<i64, bool>>;

impl Seals {
    /// Beside a writer with these options.
    pub(super) fn new(options: &SqliteConnectOptions) -> Self {
        let options = options.clone().read_only(true);
        Self {
            touched: Arc::default(),
            options: options.thread_name(|_| "sqlite-before".to_owned()),
            before: None,
        }
    }

    /// Notes from now on what a new connection changes, and forgets about the one before it.
    pub(super) async fn watch(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        lock(&self.touched).clear();
        let touched = Arc::clone(&self.touched);
        let mut connection = connection.lock_handle().await?;
        connection.set_update_hook(move |change| {
            if let Some(table) = by_name(change.table).filter(|table| table.changes) {
                note(&mut lock(&touched), table, &change.operation, change.rowid);
            }
        });
        Ok(())
    }

    /// Writes the checksums of all rows that were changed since the last time. Rows whose change was
    /// undone have theirs still.
    pub(super) async fn write(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        let touched = mem::take(&mut *lock(&self.touched));
        for (name, rows) in touched {
            if let Some(table) = by_name(name) {
                self.write_table(connection, table, &rows).await?;
            }
        }
        // That has changed the same rows once more.
        lock(&self.touched).clear();
        Ok(())
    }

    async fn write_table(
        &mut self,
        connection: &mut SqliteConnection,
        table: &'static Summed,
        rows: &BTreeMap<i64, bool>,
    ) -> Result<(), sqlx::Error> {
        let old = rows.iter().filter(|(_, was_there)| **was_there);
        let old: Vec<i64> = old.map(|(row, _)| *row).collect();
        let all: Vec<i64> = rows.keys().copied().collect();
        let damaged = self.damaged(table, &old).await?;
        let mut unsealed = select(table);
        unsealed.sql(" WHERE checksum IS NULL AND rowid IN (SELECT value FROM json_each(");
        unsealed.bind(json(&all)).sql("))");
        let unsealed = unsealed.query().fetch_all(&mut *connection).await?;
        let mut sums = Vec::with_capacity(unsealed.len());
        for row in &unsealed {
            let number: i64 = row.try_get("row")?;
            let sum = seal_of(table, row);
            let is_damaged = damaged.contains(&number);
            sums.push(serde_json::json!([
                number,
                if is_damaged { !sum } else { sum }
            ]));
        }
        if sums.is_empty() {
            return Ok(());
        }
        let mut update = Select::new("UPDATE ");
        update.sql(table.name);
        update.sql(" SET checksum = s.value ->> 1 FROM json_each(");
        update.bind(serde_json::Value::from(sums).to_string());
        update.sql(") AS s WHERE ").sql(table.name);
        update.sql(".rowid = s.value ->> 0");
        update.query().execute(connection).await?;
        Ok(())
    }

    /// Which of the rows were damaged before the transaction.
    async fn damaged(
        &mut self,
        table: &'static Summed,
        rows: &[i64],
    ) -> Result<BTreeSet<i64>, sqlx::Error> {
        if rows.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut before = match self.before.take() {
            Some(open) => open,
            None => self.options.connect().await?,
        };
        let mut were = select(table);
        were.sql(" WHERE rowid IN (SELECT value FROM json_each(");
        were.bind(json(rows)).sql("))");
        let were = were.query().fetch_all(&mut before).await?;
        self.before = Some(before);
        let mut damaged = BTreeSet::new();
        for row in &were {
            if soundness(table, row) == Soundness::Damaged {
                tracing::error!(
                    record = table.place(row),
                    "a record is damaged: run `check`"
                );
                damaged.insert(row.try_get("row")?);
            }
        }
        Ok(damaged)
    }

    /// Closes what it has of its own.
    pub(super) async fn close(&mut self) {
        if let Some(before) = self.before.take()
            && let Err(error) = before.close().await
        {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }
}

/// A row that is deleted and inserted again was not there before. One that is deleted alone may
/// come back by a savepoint.
fn note(touched: &mut Touched, table: &'static Summed, operation: &SqliteOperation, row: i64) {
    match operation {
        SqliteOperation::Insert => {
            touched.entry(table.name).or_default().insert(row, false);
        }
        SqliteOperation::Update => {
            let rows = touched.entry(table.name).or_default();
            rows.entry(row).or_insert(true);
        }
        _ => {}
    }
}

fn json(rows: &[i64]) -> String {
    serde_json::Value::from(rows).to_string()
}

fn lock(touched: &Mutex<Touched>) -> MutexGuard<'_, Touched> {
    touched.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
