//! sled, whose flush is followed by `fdatasync` as in Fieldgate, since it is not durable by itself.

use std::fs::File;
use std::time::{Duration, Instant};

use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::timestamp::Timestamp;
use sled::{Batch, Db};

use crate::storage::fleet::{self, READINGS, SENSORS};
use crate::storage::listing::PAGE;
use crate::storage::place::Place;

pub(crate) struct Engine {
    db: Db,
    log: File,
    organization: OrganizationId,
}

impl Engine {
    pub(super) fn open(place: &Place) -> Self {
        let directory = place.path().join("db");
        let db = sled::Config::new()
            .path(&directory)
            .cache_capacity(64 * 1024 * 1024)
            .segment_size(4 * 1024 * 1024)
            .flush_every_ms(Some(500))
            .open();
        Self {
            db: db.expect("the directory opens"),
            log: File::open(directory.join("db")).expect("the log is there"),
            organization: place.fleet.organization,
        }
    }

    pub(super) fn get(&self, device: DeviceId) -> usize {
        let key = self.key(DEVICE, device.as_bytes(), &[]);
        let found = self.db.get(key).expect("it reads");
        usize::from(found.is_some())
    }

    /// All devices behind one: there is nothing by which sled would find some of them.
    pub(super) fn page(&self, after: DeviceId) -> usize {
        let after = self.key(DEVICE, after.as_bytes(), &[]);
        let found = self.db.range(after..).take(PAGE + 1);
        found.filter(Result::is_ok).count()
    }

    pub(super) fn insert(&self, gateway: usize, begin: Timestamp) -> Duration {
        let sensors: Vec<_> = (0..SENSORS)
            .map(|index| fleet::sensor(gateway, index))
            .collect();
        let begun = Instant::now();
        let mut batch = Batch::default();
        for sensor in &sensors {
            let key = self.key(SENSOR, sensor.as_bytes(), &[]);
            let record = self.db.get(&key).expect("it reads");
            batch.insert(key, record.expect("the sensor is there"));
            batch.insert(self.day(*sensor, begin), &[]);
        }
        for index in 0..SENSORS * READINGS {
            let at = fleet::reading_at(begin, index / SENSORS).unix_millis();
            let sensor = sensors[index % SENSORS];
            let key = self.key(READING, sensor.as_bytes(), &at.to_be_bytes());
            let value = fleet::reading_value(index).as_f64();
            let record = [&[FORMAT, DOUBLE], value.to_be_bytes().as_slice()].concat();
            batch.insert(key, record);
        }
        self.db.apply_batch(batch).expect("the disk takes it");
        self.db.flush().expect("the disk takes it");
        self.log.sync_data().expect("the disk takes it");
        begun.elapsed()
    }

    fn key(&self, space: u8, id: &[u8; 16], rest: &[u8]) -> Vec<u8> {
        let mut key = vec![space];
        key.extend_from_slice(self.organization.as_bytes());
        key.extend_from_slice(id);
        key.extend_from_slice(rest);
        key
    }

    /// By which retention finds the readings of a day.
    fn day(&self, sensor: SensorId, at: Timestamp) -> Vec<u8> {
        let day = u32::try_from(at.unix_millis() / 86_400_000).expect("it is near");
        let mut key = vec![READING_DAY];
        key.extend_from_slice(&day.to_be_bytes());
        key.extend_from_slice(self.organization.as_bytes());
        key.extend_from_slice(sensor.as_bytes());
        key
    }
}

/// The kinds of keys, as `storage-sled/src/space.rs` has them.
const DEVICE: u8 = 0x10;
const SENSOR: u8 = 0x33;
const READING: u8 = 0x40;
const READING_DAY: u8 = 0x41;

/// How readings begin, as `storage-sled/src/record/reading.rs` has it.
const FORMAT: u8 = 1;
const DOUBLE: u8 = 3;
