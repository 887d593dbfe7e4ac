//! Times of receipt, for readings whose device does not say when they were taken.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::id::DeviceId;
use crate::model::ingestion::{ReportedReading, SensorAddress};
use crate::model::quarantine::Rejection;
use crate::model::timestamp::Timestamp;

/// The last time of receipt that each device's readings were given.
///
/// A sensor has one reading at a time, and times are kept in milliseconds: two readings that come
/// within one would be one reading. So each is given a time after the one before. A device that
/// sends more than one a millisecond for long gets ahead of the clock, at last so far that they are
/// refused as any other timestamp that lies ahead.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    /// Matters as long as it is not over.
    last: HashMap<DeviceId, Timestamp>,
    /// With how many devices to look for what does not matter any more.
    sweep_at: usize,
}

impl Receipts {
    /// Gives each reading without a timestamp one: `now`, or as soon after it as there is no other
    /// reading of its sensor. More than `ahead` after `now` no reading is taken.
    pub(crate) fn stamp(
        &self,
        device: DeviceId,
        items: &mut [Result<ReportedReading, Rejection>],
        now: Timestamp,
        ahead: Duration,
    ) {
        let is_unstamped = |item: &&mut ReportedReading| item.timestamp.is_none();
        let unstamped = items.iter_mut().flatten().filter(is_unstamped);
        // One sensor may be named by its keys and by its id: the ones come after the others.
        let (by_keys, by_id): (Vec<_>, Vec<_>) =
            unstamped.partition(|item| matches!(item.sensor, SensorAddress::Keys { .. }));
        if by_keys.is_empty() && by_id.is_empty() {
            return;
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        // What lies further ahead was given before the clock was set back.
        let last = given.last.get(&device);
        let last = last.filter(|last| last.since(now) <= ahead);
        let mut next = last.map_or(now, |last| after(*last).max(now));
        for readings in [by_keys, by_id] {
            next = stamp_from(next, readings);
        }
        given.note(device, before(next).min(now.plus(ahead)), now);
    }
}

impl Given {
    fn note(&mut self, device: DeviceId, last: Timestamp, now: Timestamp) {
        self.last.insert(device, last);
        if self.last.len() > self.sweep_at {
            self.last.retain(|_, last| *last >= now);
            self.sweep_at = (self.last.len() * 2).max(SWEEP_MIN);
        }
    }
}

/// Gives readings times from `first` on; returns the next one that is free for all their sensors.
fn stamp_from(first: Timestamp, readings: Vec<&mut ReportedReading>) -> Timestamp {
    let mut free = first;
    let mut next: HashMap<SensorAddress, Timestamp> = HashMap::new();
    for reading in readings {
        let at = next.entry(reading.sensor.clone()).or_insert(first);
        reading.timestamp = Some(*at);
        *at = after(*at);
        free = free.max(*at);
    }
    free
}

fn after(at: Timestamp) -> Timestamp {
    at.plus(MILLISECOND)
}

fn before(at: Timestamp) -> Timestamp {
    at.minus(MILLISECOND)
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SWEEP_MIN: usize = 1024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::id::SensorId;
    use crate::model::key::Key;
    use crate::model::reading::Value;

    const AHEAD: Duration = Duration::from_secs(300);

    fn reading(
        sensor: SensorAddress,
        timestamp: Option<Timestamp>,
    ) -> Result<ReportedReading, Rejection> {
        Ok(ReportedReading {
            sensor,
            timestamp,
            value: Value::BigInt(1),
            metadata: None,
            raw: Bytes::new(),
        })
    }

    fn named(sensor: &str) -> SensorAddress {
        SensorAddress::Keys {
            component: Key::main(),
            sensor: sensor.parse().unwrap(),
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn device(number: u8) -> DeviceId {
        DeviceId::new(Timestamp::UNIX_EPOCH, [number; 10])
    }

    /// The times that a message of these sensors is given at a time, in milliseconds.
    fn stamped(receipts: &Receipts, sensors: &[&str], now: i64) -> Vec<i64> {
        let mut items: Vec<_> = sensors
            .iter()
            .map(|name| reading(named(name), None))
            .collect();
        receipts.stamp(device(1), &mut items, at(now), AHEAD);
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
    fn a_sensor_may_be_named_in_both_ways() {
        let id = SensorAddress::Id(SensorId::new(Timestamp::UNIX_EPOCH, [3; 10]));
        let mut items = [reading(id, None), reading(named("a"), None)];
        Receipts::default().stamp(device(1), &mut items, at(100), AHEAD);
        let times: Vec<_> = items.iter().flatten().map(|item| item.timestamp).collect();
        assert_eq!(times, [Some(at(101)), Some(at(100))]);
    }

    #[test]
    fn what_a_device_says_stays() {
        let mut items = [
            reading(named("a"), Some(at(7))),
            reading(named("a"), Some(at(7))),
        ];
        Receipts::default().stamp(device(1), &mut items, at(100), AHEAD);
        for item in items.iter().flatten() {
            assert_eq!(item.timestamp, Some(at(7)));
        }
    }

    #[test]
    fn who_is_ahead_stays_ahead_until_it_is_refused() {
        let receipts = Receipts::default();
        let many = vec!["a"; 200_000];
        assert_eq!(stamped(&receipts, &many, 0).last(), Some(&199_999));
        assert_eq!(stamped(&receipts, &many, 0).last(), Some(&399_999));
        // Refused, as the last hundred thousand were; none has the time of one that was taken.
        assert_eq!(stamped(&receipts, &["a"], 0), [300_001]);
        assert_eq!(stamped(&receipts, &["a"], 1000), [300_001]);
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed() {
        let receipts = Receipts::default();
        assert_eq!(stamped(&receipts, &["a"], 1_000_000), [1_000_000]);
        assert_eq!(stamped(&receipts, &["a"], 10_000), [10_000]);
    }

    #[test]
    fn what_does_not_matter_any_more_is_forgotten() {
        let receipts = Receipts::default();
        for number in 0..3000_i64 {
            let octets = u16::try_from(number).unwrap().to_be_bytes();
            let mut id = [0; 10];
            id[..2].copy_from_slice(&octets);
            let device = DeviceId::new(Timestamp::UNIX_EPOCH, id);
            let mut items = [reading(named("a"), None)];
            receipts.stamp(device, &mut items, at(number), AHEAD);
        }
        assert!(receipts.given.lock().unwrap().last.len() <= SWEEP_MIN);
    }
}
