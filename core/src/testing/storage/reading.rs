//! Clauses of [`ReadingStore`](crate::storage::ReadingStore).

use super::world::{limits, new_device, new_organization, only_sensor, pump, report};
use crate::model::id::{OrganizationId, SensorId};
use crate::model::page::{PageLimit, PageRequest};
use crate::model::reading::{TimeRange, Value};
use crate::model::timestamp::Timestamp;
use crate::testing::fixtures::{after, batch, noon, reading, unique};
use crate::testing::storage::Handle;

/// The history is newest first, in pages of any size, and its range has its start and not its
/// end; times are kept to the millisecond.
pub async fn the_history_is_newest_first(storage: &Handle) {
    let pump = pump(storage).await;
    let millis = |offset: i64| Timestamp::from_unix_millis(noon().unix_millis() + offset).unwrap();
    let mut times: Vec<_> = [0, 1, 2, 999, 1000, 1001, -1].map(millis).to_vec();
    times.extend([
        Timestamp::UNIX_EPOCH,
        Timestamp::from_unix_millis(1).unwrap(),
    ]);
    let readings: Vec<_> = times
        .iter()
        .map(|at| reading("m/n", *at, Value::BigInt(at.unix_millis())))
        .collect();
    report(storage, &pump, readings).await;
    let sensor = only_sensor(storage, &pump).await;
    times.sort();
    times.reverse();
    let ranges = [
        TimeRange::ALL,
        range(millis(0), millis(1000)),
        range(millis(0), millis(1)),
        range(millis(5), millis(5)),
        range(millis(5), millis(0)),
        range(
            Timestamp::UNIX_EPOCH,
            Timestamp::from_unix_millis(1).unwrap(),
        ),
        range(after(3600), Timestamp::MAX),
    ];

    for range in ranges {
        let expected: Vec<_> = times
            .iter()
            .copied()
            .filter(|at| range.contains(*at))
            .collect();
        for limit in [1, 2, 3, 500] {
            let found = history(storage, pump.organization_id, sensor.id, range, limit).await;
            assert_eq!(found, expected, "{range:?} by {limit}");
        }
    }
}

/// The end of all time is kept too, where the limits let it in.
pub async fn the_last_instant_is_kept(storage: &Handle) {
    let pump = pump(storage).await;
    let mut limits = limits();
    limits.timestamp_ahead = std::time::Duration::MAX;
    let just_before = Timestamp::MAX.minus(std::time::Duration::from_millis(1));
    let readings = [Timestamp::MAX, just_before];
    let readings = batch(readings.map(|at| reading("m/n", at, Value::Boolean(true))));

    let outcome = storage
        .store_readings(pump.organization_id, pump.id, &readings, &limits)
        .await;

    assert_eq!(outcome.unwrap().stored, 2);
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.latest.unwrap().timestamp, Timestamp::MAX);
    let found = history(storage, pump.organization_id, sensor.id, TimeRange::ALL, 9).await;
    assert_eq!(found, [just_before]);
}

/// One sensor's readings are not another's.
pub async fn sensors_are_apart(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    for secs in 0..5 {
        report(
            storage,
            &pump,
            [reading("m/n", after(2 * secs), Value::BigInt(1))],
        )
        .await;
        report(
            storage,
            &fan,
            [reading("m/n", after(2 * secs + 1), Value::BigInt(1))],
        )
        .await;
    }

    for (device, first) in [(&pump, 0), (&fan, 1)] {
        let sensor = only_sensor(storage, device).await;
        let expected: Vec<_> = (0..5)
            .rev()
            .map(|number| after(2 * number + first))
            .collect();
        for limit in [2, 500] {
            let found = history(
                storage,
                pump.organization_id,
                sensor.id,
                TimeRange::ALL,
                limit,
            )
            .await;
            assert_eq!(found, expected);
        }
    }
}

/// Where there is no such sensor the history is empty.
pub async fn the_unknown_is_empty(storage: &Handle) {
    let pump = pump(storage).await;
    report(storage, &pump, [reading("m/n", noon(), Value::BigInt(1))]).await;
    let known = only_sensor(storage, &pump).await.id;
    let other = new_organization(storage).await;
    let unknown = SensorId::new(noon(), unique());

    for (organization, sensor) in [(pump.organization_id, unknown), (other, known)] {
        let found = history(storage, organization, sensor, TimeRange::ALL, 9).await;
        assert!(found.is_empty());
    }
}

/// Readings that arrive while the pages are read do not move those that were there.
pub async fn pages_hold_while_readings_arrive(storage: &Handle) {
    let pump = pump(storage).await;
    let add = async |secs: u64| {
        report(
            storage,
            &pump,
            [reading("m/n", after(secs), Value::BigInt(1))],
        )
        .await;
    };
    for secs in [10, 20, 30, 40, 50, 60] {
        add(secs).await;
    }
    let sensor = only_sensor(storage, &pump).await;
    let mut request = PageRequest::first(PageLimit::new(2).unwrap());
    let mut seen = Vec::new();
    for round in 0..10 {
        let page = storage
            .readings(pump.organization_id, sensor.id, TimeRange::ALL, request)
            .await
            .unwrap();
        seen.extend(page.items.iter().map(|reading| reading.timestamp));
        request.after = seen.last().copied();
        if !page.more {
            break;
        }
        // One newer than all, and one between those to come.
        add(100 + round).await;
        add(15).await;
    }

    let was_there = seen.iter().filter(|at| **at != after(15));
    let was_there: Vec<_> = was_there.copied().collect();
    assert_eq!(was_there, [60, 50, 40, 30, 20, 10].map(after));
    assert!(seen.is_sorted_by(|newer, older| newer > older));
}

async fn history(
    storage: &Handle,
    organization: OrganizationId,
    sensor: SensorId,
    range: TimeRange,
    limit: u16,
) -> Vec<Timestamp> {
    let readings = all_pages!(
        limit,
        |page| storage.readings(organization, sensor, range, page),
        |reading| reading.timestamp
    );
    assert!(readings.iter().all(|reading| reading.sensor_id == sensor));
    readings.iter().map(|reading| reading.timestamp).collect()
}

const fn range(from: Timestamp, to: Timestamp) -> TimeRange {
    TimeRange { from, to }
}
