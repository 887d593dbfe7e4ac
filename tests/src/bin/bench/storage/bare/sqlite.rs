//! SQLite by sqlx: prepared statements, with the settings of Fieldgate's own connections.

use std::time::{Duration, Instant};

use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::timestamp::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, QueryBuilder};

use crate::storage::fleet::{self, READINGS, SENSORS};
use crate::storage::listing::{Listing, PAGE, PICKED, WORDS};
use crate::storage::place::Place;

pub(crate) struct Engine {
    readers: SqlitePool,
    writer: SqliteConnection,
    organization: OrganizationId,
}

impl Engine {
    pub(super) async fn open(place: &Place) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(place.path())
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let reading = options
            .clone()
            .read_only(true)
            .pragma("cache_size", "-8192");
        let readers = SqlitePoolOptions::new()
            .max_connections(8)
            .min_connections(1)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(reading);
        let writing = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("cache_size", "-16384")
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", "4000");
        Self {
            readers: readers.await.expect("the file opens"),
            writer: writing.connect().await.expect("the file opens"),
            organization: place.fleet.organization,
        }
    }

    pub(super) async fn get(&self, device: DeviceId) -> usize {
        let found = sqlx::query(GET)
            .bind(self.organization.as_bytes().as_slice())
            .bind(device.as_bytes().as_slice())
            .fetch_all(&self.readers)
            .await;
        found.expect("it reads").len()
    }

    pub(super) async fn page(&self, listing: Listing, after: DeviceId) -> usize {
        let sql = page(listing);
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.organization.as_bytes().as_slice())
            .bind(after.as_bytes().as_slice());
        query = match listing {
            Listing::Group => query.bind(fleet::rack(42)),
            Listing::Offline => query.bind("OFFLINE"),
            Listing::Online => query.bind(false),
            Listing::Profile => query.bind(fleet::profile(PICKED)),
            Listing::Site => query.bind(fleet::site(PICKED).as_bytes().to_vec()),
            Listing::Tag => query.bind(fleet::rack(PICKED)),
            Listing::Word => query.bind(WORDS[0].as_bytes()).bind(WORDS[1].as_bytes()),
        };
        let found = query.fetch_all(&self.readers).await;
        found.expect("it reads").len()
    }

    /// Counts in the ways of the summaries, by a scan each.
    pub(crate) async fn count(&self, sql: &'static str) -> usize {
        let found = sqlx::query(sql)
            .bind(self.organization.as_bytes().as_slice())
            .fetch_all(&self.readers)
            .await;
        found.expect("it reads").len()
    }

    pub(super) async fn insert(&mut self, gateway: usize, begin: Timestamp) -> Duration {
        let numbers = self.numbers(gateway).await;
        let readings: Vec<_> = (0..SENSORS * READINGS).collect();
        let begun = Instant::now();
        let mut tx = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .expect("a transaction");
        for chunk in readings.chunks(ROWS) {
            let mut insert = QueryBuilder::new(
                "INSERT INTO reading (sensor_number, taken_at, value, metadata) ",
            );
            insert.push_values(chunk, |mut row, index| {
                row.push_bind(numbers[index % SENSORS]);
                row.push_bind(fleet::reading_at(begin, index / SENSORS).unix_millis());
                row.push_bind(fleet::reading_value(*index).as_f64());
                row.push_bind(None::<String>);
            });
            let inserted = insert.build().execute(&mut *tx).await;
            inserted.expect("the disk takes it");
        }
        let last = fleet::reading_at(begin, READINGS - 1).unix_millis();
        for (index, number) in numbers.iter().enumerate() {
            let value = fleet::reading_value(SENSORS * (READINGS - 1) + index);
            let updated = sqlx::query(LATEST)
                .bind(number)
                .bind(last)
                .bind(value.as_f64())
                .execute(&mut *tx)
                .await;
            updated.expect("the disk takes it");
        }
        tx.commit().await.expect("the disk takes it");
        begun.elapsed()
    }

    async fn numbers(&mut self, gateway: usize) -> Vec<i64> {
        let found = sqlx::query_scalar(
            "SELECT number FROM sensor WHERE organization_id = ? AND device_id = ? ORDER BY id",
        )
        .bind(self.organization.as_bytes().as_slice())
        .bind(fleet::device(gateway).as_bytes().to_vec())
        .fetch_all(&mut self.writer)
        .await;
        found.expect("it reads")
    }

    pub(super) async fn close(self) {
        self.readers.close().await;
        self.writer.close().await.expect("the file closes");
    }
}

fn page(listing: Listing) -> String {
    let (from, position, condition) = match listing {
        Listing::Group | Listing::Tag => (
            "device_tag AS f CROSS JOIN device AS d \
             ON d.organization_id = f.organization_id AND d.id = f.owner_id",
            "f.owner_id",
            "f.tag = ?3 AND f.organization_id = ?1",
        ),
        Listing::Offline => ("device AS d", "d.id", "d.status = ?3"),
        Listing::Online => ("device AS d", "d.id", "+d.online = ?3"),
        Listing::Profile => ("device AS d", "d.id", "d.profile = ?3"),
        Listing::Site => ("device AS d", "d.id", "d.site_id = ?3"),
        Listing::Word => (
            "device AS d",
            "d.id",
            "d.id IN (SELECT owner_id FROM device_word WHERE organization_id = ?1 \
             AND word >= ?3 AND word < ?4)",
        ),
    };
    format!(
        "SELECT {COLUMNS} FROM {from} WHERE d.organization_id = ?1 AND {position} > ?2 \
         AND {condition} ORDER BY {position} LIMIT {}",
        PAGE + 1
    )
}

/// All that a device's record has.
const COLUMNS: &str = "d.organization_id, d.id, d.name, d.latitude, d.longitude, d.altitude, \
     d.location_label, d.tags, d.metadata, d.site_id, d.profile, d.firmware_version, \
     d.certificate_serial_number, d.certificate_not_after, d.status, d.online, d.first_session_at, \
     d.last_seen_at, d.status_changed_at, d.session_epoch, d.live_epoch, d.live_node, \
     d.live_serial_number, d.created_at, d.updated_at, d.revision";

const GET: &str = "SELECT * FROM device WHERE organization_id = ? AND id = ?";

const LATEST: &str = "UPDATE sensor SET latest_at = ?2, latest_value = ?3 WHERE number = ?1";

/// What the summary of devices would scan.
pub(crate) const COUNT_DEVICES: &str = "SELECT count(*), status, online, site_id, profile \
     FROM device WHERE organization_id = ? GROUP BY 2, 3, 4, 5";

/// How many rows a statement inserts.
const ROWS: usize = 50;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
