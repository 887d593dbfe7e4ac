//! PostgreSQL by sqlx, as a superuser: prepared statements, without row-level security.

use std::time::{Duration, Instant};

use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::timestamp::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use uuid::Uuid;

use crate::storage::fleet::{self, READINGS, SENSORS};
use crate::storage::listing::{Listing, PAGE, PICKED, WORDS};
use crate::storage::place::Place;

pub(crate) struct Engine {
    pool: PgPool,
    organization: Uuid,
}

impl Engine {
    pub(super) async fn open(place: &Place) -> Self {
        let options: PgConnectOptions = place.superuser.parse().expect("an address");
        let options = options
            .options([("search_path", "fieldgate")])
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .test_before_acquire(false);
        Self {
            pool: pool
                .connect_with(options)
                .await
                .expect("the database is there"),
            organization: *place.fleet.organization.as_uuid(),
        }
    }

    pub(super) async fn get(&self, device: DeviceId) -> usize {
        let found = sqlx::query(GET)
            .bind(self.organization)
            .bind(device.as_uuid())
            .fetch_all(&self.pool)
            .await;
        found.expect("it reads").len()
    }

    pub(super) async fn page(&self, listing: Listing, after: DeviceId) -> usize {
        let sql = page(listing);
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.organization)
            .bind(after.as_uuid());
        query = match listing {
            Listing::Group => query.bind(fleet::rack(42)),
            Listing::Offline => query.bind("OFFLINE"),
            Listing::Online => query.bind(false),
            Listing::Profile => query.bind(fleet::profile(PICKED)),
            Listing::Site => query.bind(*fleet::site(PICKED).as_uuid()),
            Listing::Tag => query.bind(fleet::rack(PICKED)),
            Listing::Word => query.bind(WORDS[0].as_bytes()).bind(WORDS[1].as_bytes()),
        };
        let found = query.fetch_all(&self.pool).await;
        found.expect("it reads").len()
    }

    pub(super) async fn insert(&self, gateway: usize, begin: Timestamp) -> Duration {
        let numbers = self.numbers(gateway).await;
        let begun = Instant::now();
        let mut tx = self.pool.begin().await.expect("a transaction");
        let readings = 0..SENSORS * READINGS;
        let of: Vec<_> = readings
            .clone()
            .map(|index| numbers[index % SENSORS])
            .collect();
        let at = readings
            .clone()
            .map(|index| fleet::reading_at(begin, index / SENSORS));
        let at: Vec<_> = at.map(Timestamp::unix_millis).collect();
        let values = readings.map(|index| fleet::reading_value(index).as_f64());
        let values: Vec<_> = values.collect();
        let latest = values[SENSORS * (READINGS - 1)..].to_vec();
        let inserted = sqlx::query(INSERT)
            .bind(self.organization)
            .bind(of)
            .bind(at)
            .bind(values)
            .execute(&mut *tx)
            .await;
        inserted.expect("the disk takes it");
        let updated = sqlx::query(LATEST)
            .bind(fleet::reading_at(begin, READINGS - 1).unix_millis())
            .bind(numbers)
            .bind(latest)
            .execute(&mut *tx)
            .await;
        updated.expect("the disk takes it");
        tx.commit().await.expect("the disk takes it");
        begun.elapsed()
    }

    async fn numbers(&self, gateway: usize) -> Vec<i64> {
        let found = sqlx::query_scalar(
            "SELECT number FROM sensor WHERE organization_id = $1 AND device_id = $2 ORDER BY id",
        )
        .bind(self.organization)
        .bind(fleet::device(gateway).as_uuid())
        .fetch_all(&self.pool)
        .await;
        found.expect("it reads")
    }

    pub(super) async fn close(self) {
        self.pool.close().await;
    }
}

fn page(listing: Listing) -> String {
    let (from, position, condition) = match listing {
        Listing::Group | Listing::Tag => (
            "device_tag AS f JOIN device AS d \
             ON d.organization_id = f.organization_id AND d.id = f.owner_id",
            "f.owner_id",
            "f.tag = $3 AND f.organization_id = $1",
        ),
        Listing::Offline => ("device AS d", "d.id", "d.status = $3"),
        Listing::Online => ("device AS d", "d.id", "d.online = $3"),
        Listing::Profile => ("device AS d", "d.id", "d.profile = $3"),
        Listing::Site => ("device AS d", "d.id", "d.site_id = $3"),
        Listing::Word => (
            "device AS d",
            "d.id",
            "d.id IN (SELECT owner_id FROM device_word WHERE organization_id = $1 \
             AND word >= $3 AND word < $4)",
        ),
    };
    format!(
        "SELECT d.* FROM {from} WHERE d.organization_id = $1 AND {position} > $2 \
         AND {condition} ORDER BY {position} LIMIT {}",
        PAGE + 1
    )
}

const GET: &str = "SELECT * FROM device WHERE organization_id = $1 AND id = $2";

const INSERT: &str = "INSERT INTO reading (organization_id, sensor_number, taken_at, value_double) \
     SELECT $1, v.* FROM unnest($2::bigint[], $3::bigint[], $4::float8[]) AS v";

const LATEST: &str = "UPDATE sensor SET latest_at = $1, latest_double = v.value \
     FROM unnest($2::bigint[], $3::float8[]) AS v (number, value) WHERE sensor.number = v.number";
