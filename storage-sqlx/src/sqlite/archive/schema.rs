//! Checks the schema of a database against the one that the migrations make.

use std::collections::BTreeSet;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::sqlite::archive::verify::Check;
use crate::sqlite::open::MIGRATIONS;

impl Check {
    /// Each table, index and trigger.
    pub(super) async fn schema(&mut self, connection: &mut SqliteConnection) {
        let ran = async {
            let (found, expected) = (schema(connection).await?, expected().await?);
            for (kind, name, _) in found.symmetric_difference(&expected) {
                let problem = "it is not as the migrations make it";
                self.find(format_args!("{kind} {name}"), problem);
            }
            Ok(())
        };
        let ran = ran.await;
        self.note("schema", ran);
    }
}

type Schema = BTreeSet<(String, String, Option<String>)>;

async fn expected() -> Result<Schema, sqlx::Error> {
    let options = SqliteConnectOptions::new().in_memory(true);
    let mut connection = options.disable_statement_logging().connect().await?;
    for (.., sql) in MIGRATIONS {
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    let expected = schema(&mut connection).await?;
    connection.close().await?;
    Ok(expected)
}

async fn schema(connection: &mut SqliteConnection) -> Result<Schema, sqlx::Error> {
    let all: Vec<_> = sqlx::query_as(
        "SELECT type, name, sql FROM sqlite_schema \
         WHERE tbl_name NOT LIKE '\\_sqlx\\_%' ESCAPE '\\' \
         AND tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(connection)
    .await?;
    Ok(all.into_iter().collect())
}
