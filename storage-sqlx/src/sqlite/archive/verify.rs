//! Checks a database: the file itself, each row, and what is kept to find rows.

use std::collections::BTreeSet;
use std::fmt::Display;

use fieldgate_core::model::device::name_words;
use fieldgate_core::storage::{FINDINGS_MAX, Finding, RecordKind};
use futures_util::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::sqlite::archive::agreements::{AGREEMENTS, Agreement, WORDS, Words};
use crate::sqlite::archive::tables::{decode, table};
use crate::sqlite::checksum::SUMMED;
use crate::sqlite::select::json_array;
use crate::sqlite::tally;

/// Tells what is wrong in a database, as a connection sees it.
pub(super) async fn verify(connection: &mut SqliteConnection) -> Vec<Finding> {
    let mut check = Check::default();
    check.file(connection).await;
    check.schema(connection).await;
    for table in SUMMED {
        check.checksums(connection, table).await;
    }
    for kind in RecordKind::ALL {
        check.rows(connection, kind).await;
    }
    for agreement in &AGREEMENTS {
        check.agreement(connection, agreement).await;
    }
    for words in &WORDS {
        check.words(connection, words).await;
    }
    check.groups(connection).await;
    check.findings
}

#[derive(Default)]
pub(super) struct Check {
    findings: Vec<Finding>,
}

impl Check {
    /// Whether there is room for more findings than so many.
    pub(super) const fn has_room(&self, pending: usize) -> bool {
        self.findings.len() + pending < FINDINGS_MAX
    }

    pub(super) fn find(&mut self, place: impl Display, problem: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding::new(place, problem));
        }
    }

    /// Notes that a query could not be run to its end, and lets the others go on.
    pub(super) fn note(&mut self, place: &str, ran: Result<(), sqlx::Error>) {
        if let Err(error) = ran {
            // What a database says of its own structures holds nothing of the rows.
            let problem = match error {
                sqlx::Error::Database(error) => format!("it cannot be read on: {error}"),
                _ => "it cannot be read on".to_owned(),
            };
            self.find(place, problem);
        }
    }

    /// The pages of the file, the indexes against their tables, and the references.
    async fn file(&mut self, connection: &mut SqliteConnection) {
        let ran = async {
            let mut rows = sqlx::query("PRAGMA integrity_check(100)").fetch(&mut *connection);
            while let Some(row) = rows.try_next().await? {
                let line: String = row.try_get(0)?;
                if line != "ok" {
                    self.find("file", line);
                }
            }
            Ok(())
        };
        let ran = ran.await;
        self.note("file", ran);
        let ran = async {
            let mut rows = sqlx::query("PRAGMA foreign_key_check").fetch(connection);
            while let Some(row) = rows.try_next().await? {
                let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
                self.find(table, format!("a row names a {parent} that is not there"));
            }
            Ok(())
        };
        let ran = ran.await;
        self.note("references", ran);
    }

    /// Each row of a kind of record.
    async fn rows(&mut self, connection: &mut SqliteConnection, kind: RecordKind) {
        let mut all = table(kind).behind(None);
        let ran = async {
            let mut rows = all.query().fetch(connection);
            while let Some(row) = rows.try_next().await? {
                if let Err(error) = decode(kind, &row) {
                    let (id, column) = match &error {
                        Error::Row { id, column, .. } => (id.as_str(), *column),
                        _ => ("", 0),
                    };
                    let problem = format!("column {column} of the row does not read");
                    self.find(format_args!("{kind} {id}"), problem);
                }
            }
            Ok(())
        };
        let ran = ran.await;
        self.note(kind.as_str(), ran);
    }

    async fn agreement(&mut self, connection: &mut SqliteConnection, agreement: &Agreement) {
        let ran = async {
            let mut rows = sqlx::query(agreement.violations).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                let place = text(row.try_get(0)?);
                self.find(
                    format_args!("{} {place}", agreement.place),
                    agreement.problem,
                );
            }
            Ok(())
        };
        let ran = ran.await;
        self.note(agreement.place, ran);
    }

    /// The sizes of groups, against their devices.
    async fn groups(&mut self, connection: &mut SqliteConnection) {
        if tally::wrong_groups(connection, |id| {
            let problem = "the number of its devices is wrong";
            self.find(format_args!("device_group {id}"), problem);
        })
        .await
        .is_err()
        {
            self.find("device_group", "their devices cannot be counted");
        }
    }

    /// The words by which records are found, against the records.
    async fn words(&mut self, connection: &mut SqliteConnection, words: &Words) {
        let ran = async {
            let (mut expected, mut after) = (0, i64::MIN);
            loop {
                let page = sqlx::query(words.page).bind(after).bind(PAGE);
                let rows = page.fetch_all(&mut *connection).await?;
                let Some(last) = rows.last() else {
                    break;
                };
                after = last.try_get(0)?;
                for row in &rows {
                    let (organization, id): (&[u8], &[u8]) = (row.try_get(1)?, row.try_get(2)?);
                    let name: &str = row.try_get(3)?;
                    let all: BTreeSet<String> = name_words(name).collect();
                    expected += all.len();
                    let missing: i64 = sqlx::query_scalar(words.missing)
                        .bind(organization)
                        .bind(id)
                        .bind(json_array(all.iter().map(String::as_str)))
                        .fetch_one(&mut *connection)
                        .await?;
                    if missing > 0 {
                        let problem = "it is not found by a word of its name";
                        self.find(format_args!("{} {}", words.place, text(id)), problem);
                    }
                }
            }
            let count: i64 = sqlx::query_scalar(words.count)
                .fetch_one(connection)
                .await?;
            if usize::try_from(count).is_ok_and(|count| count > expected) {
                let problem = "there are words in the index that are in no name";
                self.find(words.place, problem);
            }
            Ok(())
        };
        let ran = ran.await;
        self.note(words.place, ran);
    }
}

/// An id as it is written.
fn text(id: &[u8]) -> String {
    Uuid::from_slice(id).map_or_else(|_| "without an id".to_owned(), |id| id.to_string())
}

/// How many names a look takes in.
const PAGE: i64 = 500;

#[cfg(test)]
mod tests;
