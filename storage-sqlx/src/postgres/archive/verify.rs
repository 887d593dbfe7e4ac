//! Checks a database: each row, and what is kept to find rows.

use std::collections::BTreeSet;
use std::fmt::Display;

use fieldgate_core::model::device::name_words;
use fieldgate_core::storage::{FINDINGS_MAX, Finding, RecordKind};
use futures_util::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::archive::agreements::{AGREEMENTS, Agreement, WORDS, Words};
use crate::postgres::archive::tables::{decode, table};
use crate::postgres::tally;

/// Tells what is wrong in a database, as a connection sees it.
pub(super) async fn verify(connection: &mut PgConnection) -> Vec<Finding> {
    let mut check = Check::default();
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
struct Check {
    findings: Vec<Finding>,
}

impl Check {
    fn find(&mut self, place: impl Display, problem: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding::new(place, problem));
        }
    }

    /// Notes that a query could not be run to its end, and lets the others go on.
    async fn note(
        &mut self,
        connection: &mut PgConnection,
        place: &str,
        ran: Result<(), sqlx::Error>,
    ) {
        let Err(error) = ran else {
            // Nothing of it is needed any more.
            drop(
                sqlx::query("RELEASE SAVEPOINT look")
                    .execute(connection)
                    .await,
            );
            return;
        };
        // What a database says may hold something of the rows, its code does not.
        let code = error.as_database_error().and_then(|error| error.code());
        let problem = code.map_or_else(
            || "it cannot be read on".to_owned(),
            |code| format!("it cannot be read on: error {code}"),
        );
        self.find(place, problem);
        drop(
            sqlx::query("ROLLBACK TO SAVEPOINT look")
                .execute(connection)
                .await,
        );
    }

    /// Each row of a kind of record.
    async fn rows(&mut self, connection: &mut PgConnection, kind: RecordKind) {
        let mut all = table(kind).all();
        let ran = async {
            begin(connection).await?;
            let mut rows = all.query().fetch(&mut *connection);
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
        self.note(connection, kind.as_str(), ran).await;
    }

    async fn agreement(&mut self, connection: &mut PgConnection, agreement: &Agreement) {
        let ran = async {
            begin(connection).await?;
            let mut rows = sqlx::query(agreement.violations).fetch(&mut *connection);
            while let Some(row) = rows.try_next().await? {
                let place: &str = row.try_get(0)?;
                self.find(
                    format_args!("{} {place}", agreement.place),
                    agreement.problem,
                );
            }
            Ok(())
        };
        let ran = ran.await;
        self.note(connection, agreement.place, ran).await;
    }

    /// The sizes of groups, against their devices.
    async fn groups(&mut self, connection: &mut PgConnection) {
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
    async fn words(&mut self, connection: &mut PgConnection, words: &Words) {
        let ran = async {
            begin(connection).await?;
            let (mut expected, mut from) = (0, Some(Uuid::nil()));
            while let Some(first) = from {
                let page = sqlx::query(words.page).bind(first).bind(PAGE);
                let rows = page.fetch_all(&mut *connection).await?;
                let Some(last) = rows.last() else {
                    break;
                };
                let last: Uuid = last.try_get(0)?;
                from = last.as_u128().checked_add(1).map(Uuid::from_u128);
                for row in &rows {
                    let (id, organization): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
                    let all: BTreeSet<String> = name_words(row.try_get(2)?).collect();
                    expected += all.len();
                    let all: Vec<_> = all.iter().map(|word| word.as_bytes()).collect();
                    let missing: i64 = sqlx::query_scalar(words.missing)
                        .bind(organization)
                        .bind(id)
                        .bind(all)
                        .fetch_one(&mut *connection)
                        .await?;
                    if missing > 0 {
                        let problem = "it is not found by a word of its name";
                        self.find(format_args!("{} {id}", words.place), problem);
                    }
                }
            }
            let count: i64 = sqlx::query_scalar(words.count)
                .fetch_one(&mut *connection)
                .await?;
            if usize::try_from(count).is_ok_and(|count| count > expected) {
                let problem = "there are words in the index that are in no name";
                self.find(words.place, problem);
            }
            Ok(())
        };
        let ran = ran.await;
        self.note(connection, words.place, ran).await;
    }
}

/// Begins a look. Where it fails, the transaction goes on behind it.
async fn begin(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let begun = sqlx::query("SAVEPOINT look").execute(connection).await;
    begun.map(drop)
}

/// How many names a look takes in.
const PAGE: i64 = 500;

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests;
