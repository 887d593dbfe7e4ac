//! Checks rows against their checksums.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures_util::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use crate::sqlite::archive::verify::Check;
use crate::sqlite::checksum::{READING, Soundness, Summed, select, soundness};

impl Check {
    /// Each row of a table, those too that nobody can see any more.
    pub(super) async fn checksums(
        &mut self,
        connection: &mut SqliteConnection,
        table: &'static Summed,
    ) {
        let mut all = select(table);
        let mut damaged = Vec::new();
        let ran = async {
            let mut rows = all.query().fetch(&mut *connection);
            while let Some(row) = rows.try_next().await? {
                let problem = match soundness(table, &row) {
                    Soundness::Sound => continue,
                    Soundness::Damaged => "it is damaged: its checksum does not agree with it",
                    Soundness::Unsealed => "it has no checksum",
                };
                if self.has_room(damaged.len()) {
                    let number: Option<i64> = row.try_get(READING.columns[0]).ok();
                    damaged.push((table.place(&row), number, problem));
                }
            }
            Ok(())
        };
        let ran = ran.await;
        self.note(table.name, ran);
        let mut sensors = BTreeMap::new();
        for (mut place, number, problem) in damaged {
            if let Some(number) = number {
                if let Entry::Vacant(entry) = sensors.entry(number) {
                    let name = sensor(connection, number).await;
                    entry.insert(name.unwrap_or_default());
                }
                let by_number = format!("sensor number {number}");
                if let Some(Some(name)) = sensors.get(&number) {
                    place = place.replacen(&by_number, name, 1);
                }
            }
            self.find(place, problem);
        }
    }
}

/// What the sensor of a number is called elsewhere, if there is one.
async fn sensor(
    connection: &mut SqliteConnection,
    number: i64,
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT id, organization_id FROM sensor WHERE number = ?")
        .bind(number)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let ids = Uuid::from_slice(row.try_get(0)?).and_then(|id| {
        let organization = Uuid::from_slice(row.try_get(1).unwrap_or_default())?;
        Ok(format!("sensor {id} in organization {organization}"))
    });
    Ok(ids.ok())
}
