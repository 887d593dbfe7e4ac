//! Times of receipt, for readings whose device does not say when they were taken.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::id::DeviceId;
use crate::model::ingestion::{ReportedReading, SensorAddress};
use crate::model::quarantine::Rejection;
use crate::model::timestamp::Timestamp;

/// The last time of receipt that each device's readings were given.
///
/// A sensor has one reading at a time, and times are kept in milliseconds: two readings that come
/// within one would be one reading. So each is given a time after the one before.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    last: Mutex<HashMap<DeviceId, Timestamp>>,
}

impl Receipts {
    /// Gives each reading without a timestamp one: `now`, or as soon after it as there is no other
    /// reading of its sensor.
    pub(crate) fn stamp(
        &self,
        device: DeviceId,
        items: &mut [Result<ReportedReading, Rejection>],
        now: Timestamp,
    ) {
        let unstamped = |item: &&mut ReportedReading| item.timestamp.is_none();
        let mut unstamped = items.iter_mut().flatten().filter(unstamped).peekable();
        if unstamped.peek().is_none() {
            return;
        }
        let mut last = self.lock();
        let after = |at: Timestamp| at.plus(MILLISECOND);
        // What was given by a clock that has been set back since counts no longer.
        let earlier = last.get(&device).filter(|at| at.since(now) < AHEAD_MAX);
        let first = earlier.map_or(now, |at| after(*at).max(now));
        let mut newest = first;
        let mut next: HashMap<SensorAddress, Timestamp> = HashMap::new();
        for reading in unstamped {
            let at = next.entry(reading.sensor.clone()).or_insert(first);
            reading.timestamp = Some(*at);
            newest = newest.max(*at);
            *at = after(*at);
        }
        last.insert(device, newest);
    }

    /// Forgets a device whose session has ended.
    pub(crate) fn forget(&self, device: DeviceId) {
        self.lock().remove(&device);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, Timestamp>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// How far a device may bring its own times of receipt ahead of the clock: one that sends more
/// than a thousand messages a second does.
const AHEAD_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::key::Key;
    use crate::model::reading::Value;

    fn reading(sensor: &str, timestamp: Option<Timestamp>) -> Result<ReportedReading, Rejection> {
        Ok(ReportedReading {
            sensor: SensorAddress::Keys {
                component: Key::main(),
                sensor: sensor.parse().unwrap(),
            },
            timestamp,
            value: Value::BigInt(1),
            metadata: None,
            raw: Bytes::new(),
        })
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    /// The times that a message of these sensors is given at a time, in milliseconds.
    fn stamped(receipts: &Receipts, sensors: &[&str], now: i64) -> Vec<i64> {
        let device = DeviceId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let mut items: Vec<_> = sensors.iter().map(|name| reading(name, None)).collect();
        receipts.stamp(device, &mut items, at(now));
        let millis = |item: &ReportedReading| item.timestamp.unwrap().unix_millis();
        items.iter().flatten().map(millis).collect()
    }

    #[test]
    fn no_two_readings_of_a_sensor_have_one_time() {
        let receipts = Receipts::default();
        assert_eq!(stamped(&receipts, &["a", "b", "a"], 100), [100, 100, 101]);
        assert_eq!(stamped(&receipts, &["a"], 100), [102]);
        assert_eq!(stamped(&receipts, &["a"], 100), [103]);
        assert_eq!(stamped(&receipts, &["b", "a"], 500), [500, 500]);
    }

    #[test]
    fn what_a_device_says_stays() {
        let device = DeviceId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let mut items = [reading("a", Some(at(7))), reading("a", Some(at(7)))];
        Receipts::default().stamp(device, &mut items, at(100));
        for item in items.iter().flatten() {
            assert_eq!(item.timestamp, Some(at(7)));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed() {
        let receipts = Receipts::default();
        assert_eq!(stamped(&receipts, &["a"], 100_000), [100_000]);
        assert_eq!(stamped(&receipts, &["a"], 10_000), [10_000]);
    }
}
