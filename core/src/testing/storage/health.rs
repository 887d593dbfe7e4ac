//! Clauses of [`HealthStore`](crate::storage::HealthStore), and of what fills it.

use super::world::{new_device, pump};
use crate::model::device::Device;
use crate::model::health::{ConnectionType, DeviceHealth};
use crate::model::reading::TimeRange;
use crate::model::timestamp::Timestamp;
use crate::storage::StorageError;
use crate::testing::fixtures::{after, before, device, health, metadata, noon};
use crate::testing::storage::Handle;

/// A report can be read back, unchanged, with all that it can say or as little as it may.
pub async fn store_then_read(storage: &Handle) {
    let pump = pump(storage).await;
    for (number, connection_type) in (0..).zip(ConnectionType::ALL) {
        let report = DeviceHealth {
            uptime_seconds: 10 + number,
            free_heap_bytes: Some(4096 * number),
            signal_strength_dbm: Some(-61),
            connection_type,
            readings_sent: number,
            readings_dropped: 1,
            extra: Some(metadata()),
            ..health(pump.id, after(number))
        };
        assert!(taken(storage, &pump, &report).await);
        let latest = storage.latest_health(pump.organization_id, pump.id).await;
        assert_eq!(latest.unwrap(), Some(report));
    }
    let bare = health(pump.id, after(60));
    assert!(taken(storage, &pump, &bare).await);
    let latest = storage.latest_health(pump.organization_id, pump.id).await;
    assert_eq!(latest.unwrap(), Some(bare));
}

/// Of two reports of one timestamp the first stays.
pub async fn the_first_of_a_timestamp_stays(storage: &Handle) {
    let pump = pump(storage).await;
    let first = health(pump.id, noon());
    let mut second = first.clone();
    second.uptime_seconds += 1;

    assert!(taken(storage, &pump, &first).await);
    assert!(!taken(storage, &pump, &first).await);
    assert!(!taken(storage, &pump, &second).await);

    assert_eq!(history(storage, &pump, TimeRange::ALL, 500).await, [first]);
}

/// The reports of one device are not those of another.
pub async fn devices_are_apart(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;

    assert!(taken(storage, &pump, &health(pump.id, noon())).await);
    assert!(taken(storage, &fan, &health(fan.id, noon())).await);
    assert!(taken(storage, &fan, &health(fan.id, after(1))).await);

    assert_eq!(history(storage, &pump, TimeRange::ALL, 1).await.len(), 1);
    assert_eq!(history(storage, &fan, TimeRange::ALL, 1).await.len(), 2);
}

/// The newest report is so by its timestamp, in whatever order they arrive.
pub async fn latest_is_by_timestamp(storage: &Handle) {
    let pump = pump(storage).await;
    let latest = storage.latest_health(pump.organization_id, pump.id).await;
    assert_eq!(latest.unwrap(), None);

    for (at, newest) in [
        (after(5), after(5)),
        (before(9), after(5)),
        (after(6), after(6)),
    ] {
        assert!(taken(storage, &pump, &health(pump.id, at)).await);
        let latest = storage.latest_health(pump.organization_id, pump.id).await;
        assert_eq!(latest.unwrap().unwrap().timestamp, newest);
    }
}

/// The history is newest first, in pages of any size, and its range has its start and not its
/// end.
pub async fn the_history_is_newest_first(storage: &Handle) {
    let pump = pump(storage).await;
    let mut times: Vec<Timestamp> = (0..9).map(after).chain([Timestamp::UNIX_EPOCH]).collect();
    times.rotate_left(4);
    for at in &times {
        assert!(taken(storage, &pump, &health(pump.id, *at)).await);
    }
    times.sort();
    times.reverse();
    let ranges = [
        TimeRange::ALL,
        range(after(2), after(6)),
        range(after(2), after(2)),
        range(after(6), after(2)),
        range(
            after(2),
            Timestamp::from_unix_millis(after(2).unix_millis() + 1).unwrap(),
        ),
        range(Timestamp::UNIX_EPOCH, after(1)),
    ];

    for range in ranges {
        let expected: Vec<_> = times
            .iter()
            .copied()
            .filter(|at| range.contains(*at))
            .collect();
        for limit in [1, 2, 3, 500] {
            let found = history(storage, &pump, range, limit).await;
            let found: Vec<_> = found.iter().map(|report| report.timestamp).collect();
            assert_eq!(found, expected, "{range:?} by {limit}");
        }
    }
}

/// A device that is not there has no history, and takes no report.
pub async fn it_needs_a_device(storage: &Handle) {
    let organization = pump(storage).await.organization_id;
    let unknown = device(organization, "unknown");

    let answer = storage
        .store_health(organization, &health(unknown.id, noon()))
        .await;

    assert_refused!(answer, StorageError::NotFound { .. });
    assert!(
        history(storage, &unknown, TimeRange::ALL, 9)
            .await
            .is_empty()
    );
    let latest = storage.latest_health(organization, unknown.id).await;
    assert_eq!(latest.unwrap(), None);
}

async fn taken(storage: &Handle, device: &Device, report: &DeviceHealth) -> bool {
    let taken = storage.store_health(device.organization_id, report).await;
    taken.unwrap()
}

async fn history(
    storage: &Handle,
    device: &Device,
    range: TimeRange,
    limit: u16,
) -> Vec<DeviceHealth> {
    all_pages!(
        limit,
        |page| storage.health(device.organization_id, device.id, range, page),
        |report| report.timestamp
    )
}

const fn range(from: Timestamp, to: Timestamp) -> TimeRange {
    TimeRange { from, to }
}
