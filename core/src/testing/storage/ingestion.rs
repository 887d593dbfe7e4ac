//! Clauses of readings in [`ReportStore`](crate::storage::ReportStore): what a batch creates,
//! stores, passes over and refuses.

use std::time::Duration;

use super::world::{
    components_of, limits, new_device, new_organization, only_sensor, pump, quarantine_of,
    readings_of, report, sensors_of, snapshot, stored,
};
use crate::model::component::ComponentOrigin;
use crate::model::ingestion::{ReadingBatch, SensorAddress};
use crate::model::limits::Limits;
use crate::model::quarantine::{QuarantineReason, Rejection};
use crate::model::reading::{TimeRange, Value};
use crate::model::revision::Revision;
use crate::model::sensor::{LatestReading, TypeOrigin, ValueType};
use crate::storage::{Effects, StorageError};
use crate::testing::fixtures::{
    after, batch, before, component, device, double, metadata, noon, parse, reading, seed, text,
};
use crate::testing::storage::Handle;

/// Components and sensors are created as they are reported, once each.
pub async fn the_unknown_is_created(storage: &Handle) {
    let pump = pump(storage).await;
    let outcome = report(
        storage,
        &pump,
        [
            reading("bme280/temperature", noon(), double(21.5)),
            reading("bme280/humidity", noon(), Value::BigInt(40)),
            reading("bme280/temperature", after(1), double(21.6)),
            reading("door/open", noon(), Value::Boolean(false)),
            reading("door/says", noon(), text("moin")),
        ],
    )
    .await;
    assert_eq!((outcome.stored, outcome.quarantined), (5, 0));

    let components = components_of(storage, &pump).await;
    assert_eq!(components.len(), 2);
    for component in &components {
        assert_eq!(component.origin, ComponentOrigin::Announced);
        assert_eq!(component.settings.name.as_str(), component.key.as_str());
        assert_eq!(component.revision, Revision::FIRST);
    }
    let mut found = Vec::new();
    for sensor in sensors_of(storage, &pump).await {
        let component = components.iter().find(|it| it.id == sensor.component_id);
        assert_eq!(sensor.type_origin, TypeOrigin::Inferred);
        assert_eq!(sensor.revision, Revision::FIRST);
        let path = format!("{}/{}", component.unwrap().key, sensor.key);
        found.push((
            path,
            sensor.settings.value_type,
            sensor.latest.unwrap().timestamp,
        ));
    }
    found.sort();
    let expected = [
        ("bme280/humidity", ValueType::BigInt, noon()),
        ("bme280/temperature", ValueType::Double, after(1)),
        ("door/open", ValueType::Boolean, noon()),
        ("door/says", ValueType::Text, noon()),
    ]
    .map(|(path, value_type, at)| (path.to_owned(), value_type, at));
    assert_eq!(found, expected);
}

/// Later batches find what earlier ones and operators have made.
pub async fn the_known_is_found(storage: &Handle) {
    let pump = pump(storage).await;
    let manual = component(&pump, "bme280");
    let created = storage
        .create_component(&manual, &limits(), &Effects::NONE)
        .await;
    created.unwrap();
    for secs in 0..3 {
        report(
            storage,
            &pump,
            [reading("bme280/n", after(secs), Value::BigInt(1))],
        )
        .await;
    }

    assert_eq!(
        components_of(storage, &pump).await,
        std::slice::from_ref(&manual)
    );
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.component_id, manual.id);
    assert_eq!(readings_of(storage, &sensor).await.len(), 3);
}

/// The same keys on two devices are two sensors.
pub async fn devices_are_apart(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    for (device, number) in [(&pump, 1), (&fan, 2)] {
        report(
            storage,
            device,
            [reading("m/n", noon(), Value::BigInt(number))],
        )
        .await;
    }

    for (device, number) in [(&pump, 1), (&fan, 2)] {
        let sensor = only_sensor(storage, device).await;
        let readings = readings_of(storage, &sensor).await;
        assert_eq!(readings, [(noon(), Value::BigInt(number))]);
    }
}

/// A sensor may be named by its id, if it is the device's own; an unknown one is not created.
pub async fn a_sensor_by_its_id_has_to_be_its_own(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let elsewhere = new_device(storage, new_organization(storage).await, "pump-7").await;
    let mut ids = Vec::new();
    for device in [&pump, &fan, &elsewhere] {
        report(storage, device, [reading("m/n", noon(), Value::BigInt(1))]).await;
        ids.push(only_sensor(storage, device).await.id);
    }
    let of_fan = snapshot(storage, elsewhere.organization_id).await;
    let by_id = ids.iter().map(|id| {
        let mut reported = reading("m/n", after(1), Value::BigInt(2));
        reported.sensor = SensorAddress::Id(*id);
        reported
    });

    let outcome = report(storage, &pump, by_id.collect::<Vec<_>>()).await;

    assert_eq!((outcome.stored, outcome.quarantined), (1, 2));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(readings_of(storage, &sensor).await.len(), 2);
    assert_eq!(
        only_sensor(storage, &fan).await.latest.unwrap().timestamp,
        noon()
    );
    assert_eq!(snapshot(storage, elsewhere.organization_id).await, of_fan);
    for item in quarantine_of(storage, &pump).await {
        assert_eq!(item.rejection.reason, QuarantineReason::UnknownSensor);
    }
}

/// Of two readings of one sensor and timestamp the first stored stays, in one batch and across
/// batches, and the second is neither stored nor quarantined.
pub async fn the_first_of_a_timestamp_stays(storage: &Handle) {
    let pump = pump(storage).await;
    let first = report(
        storage,
        &pump,
        [
            reading("m/n", noon(), Value::BigInt(1)),
            reading("m/n", noon(), Value::BigInt(2)),
            reading("m/other", noon(), Value::BigInt(3)),
        ],
    )
    .await;
    assert_eq!((first.stored, first.quarantined), (2, 0));

    let second = report(
        storage,
        &pump,
        [
            reading("m/n", noon(), Value::BigInt(4)),
            reading("m/n", after(1), Value::BigInt(5)),
            reading("m/other", noon(), Value::BigInt(6)),
        ],
    )
    .await;
    assert_eq!((second.stored, second.quarantined), (1, 0));

    let sensors = sensors_of(storage, &pump).await;
    let of = |key: &str| sensors.iter().find(|it| it.key.as_str() == key).unwrap();
    let readings = readings_of(storage, of("n")).await;
    assert_eq!(
        readings,
        [(after(1), Value::BigInt(5)), (noon(), Value::BigInt(1))]
    );
    let readings = readings_of(storage, of("other")).await;
    assert_eq!(readings, [(noon(), Value::BigInt(3))]);
    let latest = of("other").latest.clone().unwrap();
    assert_eq!(latest.value, Value::BigInt(3));
}

/// The latest reading is so by its timestamp: late data is stored, and does not replace it.
pub async fn late_data_does_not_replace_the_latest(storage: &Handle) {
    let pump = pump(storage).await;
    for (at, number, latest) in [
        (noon(), 1, (noon(), 1)),
        (before(60), 2, (noon(), 1)),
        (after(60), 3, (after(60), 3)),
        (after(59), 4, (after(60), 3)),
    ] {
        let outcome = report(storage, &pump, [reading("m/n", at, Value::BigInt(number))]).await;
        assert_eq!(outcome.stored, 1);
        let expected = LatestReading {
            timestamp: latest.0,
            value: Value::BigInt(latest.1),
        };
        assert_eq!(only_sensor(storage, &pump).await.latest, Some(expected));
    }
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(readings_of(storage, &sensor).await.len(), 4);
}

/// A reading without a timestamp was taken when it arrived.
pub async fn a_missing_timestamp_is_the_arrival(storage: &Handle) {
    let pump = pump(storage).await;
    let mut reported = reading("m/n", noon(), Value::BigInt(1));
    reported.timestamp = None;
    let batch = ReadingBatch {
        received_at: after(7),
        ..batch([reported])
    };

    let outcome = storage
        .store_readings(pump.organization_id, pump.id, &batch, &limits())
        .await;

    assert_eq!(outcome.unwrap().stored, 1);
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(
        readings_of(storage, &sensor).await,
        [(after(7), Value::BigInt(1))]
    );
}

/// What is refused goes to the quarantine item by item, in order, and the good items are stored.
pub async fn good_items_are_stored_bad_ones_quarantined(storage: &Handle) {
    let pump = pump(storage).await;
    let ahead = noon().plus(limits().timestamp_ahead);
    let mut too_far = reading(
        "m/n",
        ahead.plus(Duration::from_millis(1)),
        Value::BigInt(3),
    );
    too_far.raw = bytes::Bytes::from_static(b"{\"far\":\"\0\"}");
    let malformed = Rejection::new(QuarantineReason::Malformed, "no value", b"{\"a\":1}");
    let batch = ReadingBatch {
        received_at: noon(),
        seed: seed(),
        items: vec![
            Ok(reading("m/n", noon(), Value::BigInt(1))),
            Err(malformed.clone()),
            Ok(too_far),
            Ok(reading("m/n", ahead, Value::BigInt(2))),
            Ok(reading("m/n", after(1), text("not a number"))),
        ],
    };

    let outcome = storage
        .store_readings(pump.organization_id, pump.id, &batch, &limits())
        .await
        .unwrap();

    assert_eq!((outcome.stored, outcome.quarantined), (2, 3));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(readings_of(storage, &sensor).await.len(), 2);
    assert_eq!(sensor.latest.unwrap().timestamp, ahead);
    let items = quarantine_of(storage, &pump).await;
    let reasons: Vec<_> = items.iter().map(|item| item.rejection.reason).collect();
    // Newest first: the last one of the batch.
    let expected = [
        QuarantineReason::TypeMismatch,
        QuarantineReason::TimestampAhead,
        QuarantineReason::Malformed,
    ];
    assert_eq!(reasons, expected);
    assert_eq!(items[1].rejection.raw, "{\"far\":\"\0\"}");
    assert_eq!(items[2].rejection, malformed);
    assert!(items.iter().all(|item| item.received_at == noon()));
}

/// Over the limits of a device nothing is created, and what is there still takes readings.
pub async fn limits_hold(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let limits = Limits {
        components_per_device: 2,
        sensors_per_device: 3,
        ..limits()
    };
    let readings = ["a/1", "a/2", "b/3", "b/4", "c/5", "a/1"];
    for device in [&pump, &fan] {
        for (round, stored) in [(0, 4), (1, 4)] {
            let at = |index: usize| after(10 * round + u64::try_from(index).unwrap());
            let items = readings.iter().enumerate();
            let items = items.map(|(index, path)| reading(path, at(index), Value::BigInt(1)));
            let outcome = storage
                .store_readings(device.organization_id, device.id, &batch(items), &limits)
                .await
                .unwrap();
            assert_eq!((outcome.stored, outcome.quarantined), (stored, 2));
        }
        assert_eq!(sensors_of(storage, device).await.len(), 3);
        assert_eq!(components_of(storage, device).await.len(), 2);
        for item in quarantine_of(storage, device).await {
            assert_eq!(item.rejection.reason, QuarantineReason::LimitExceeded);
        }
    }
}

/// An empty batch changes nothing.
pub async fn an_empty_batch_changes_nothing(storage: &Handle) {
    let pump = pump(storage).await;
    let before = snapshot(storage, pump.organization_id).await;

    let outcome = report(storage, &pump, []).await;

    assert_eq!((outcome.stored, outcome.quarantined), (0, 0));
    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// The metadata of a reading is kept with it.
pub async fn metadata_is_kept(storage: &Handle) {
    let pump = pump(storage).await;
    let mut described = reading("m/n", noon(), Value::BigInt(1));
    described.metadata = Some(metadata());
    let mut empty = reading("m/n", after(1), Value::BigInt(1));
    empty.metadata = Some(parse("{}"));
    let plain = reading("m/n", after(2), Value::BigInt(1));
    report(storage, &pump, [described, empty, plain]).await;

    let sensor = only_sensor(storage, &pump).await;
    let readings = all_pages!(
        9,
        |page| storage.readings(pump.organization_id, sensor.id, TimeRange::ALL, page),
        |reading| reading.timestamp
    );

    let found: Vec<_> = readings
        .into_iter()
        .map(|reading| reading.metadata)
        .collect();
    assert_eq!(found, [None, Some(parse("{}")), Some(metadata())]);
}

/// Reports are no change by an operator: the device's record stays as it is.
pub async fn the_device_stays_as_it_is(storage: &Handle) {
    let pump = pump(storage).await;

    report(storage, &pump, [reading("m/n", noon(), Value::BigInt(1))]).await;

    assert_eq!(stored(storage, &pump).await, pump);
}

/// A device that is not there, or is another organization's, takes no readings.
pub async fn it_needs_a_device(storage: &Handle) {
    let pump = pump(storage).await;
    let other = new_organization(storage).await;
    let unknown = device(other, "unknown");
    let batch = batch([reading("m/n", noon(), Value::BigInt(1))]);

    for id in [unknown.id, pump.id] {
        let answer = storage.store_readings(other, id, &batch, &limits()).await;
        assert_refused!(answer, StorageError::NotFound { .. });
    }
    assert!(sensors_of(storage, &pump).await.is_empty());
}

/// A thousand readings of a hundred sensors are taken in at once.
pub async fn a_large_batch_is_taken(storage: &Handle) {
    let pump = pump(storage).await;
    let readings: Vec<_> = (0..1000)
        .map(|number: u32| {
            let path = format!("c{}/s{}", number % 10, number % 100);
            reading(
                &path,
                after((number / 100).into()),
                Value::BigInt(number.into()),
            )
        })
        .collect();

    let outcome = report(storage, &pump, readings.clone()).await;

    assert_eq!((outcome.stored, outcome.quarantined), (1000, 0));
    let sensors = sensors_of(storage, &pump).await;
    assert_eq!(sensors.len(), 100);
    for sensor in sensors.iter().step_by(17) {
        assert_eq!(readings_of(storage, sensor).await.len(), 10);
        assert_eq!(sensor.latest.as_ref().unwrap().timestamp, after(9));
    }
    assert_eq!(report(storage, &pump, readings).await.stored, 0);
}
