//! Clauses of [`SensorStore`](crate::storage::SensorStore), but for filters.

use super::announcement::announcing;
use super::maintenance::{keep_all, purge};
use super::world::{limits, only_sensor, pump, readings_of, report, snapshot};
use crate::model::device::Device;
use crate::model::id::SensorId;
use crate::model::ingestion::SensorAddress;
use crate::model::reading::{TimeRange, Value};
use crate::model::revision::Revision;
use crate::model::sensor::{Sensor, SensorSettings, SensorUpdate, TypeOrigin, ValueType};
use crate::storage::{PurgePolicy, StorageError};
use crate::testing::fixtures::{after, double, noon, parse, reading, tags, text, unique};
use crate::testing::storage::Handle;

/// An update changes the settings and raises the revision by one, and leaves the rest.
pub async fn update_changes_the_settings(storage: &Handle) {
    let pump = pump(storage).await;
    let mut sensor = reported(storage, &pump, Value::BigInt(7)).await;
    let full = SensorSettings {
        name: parse("Außen <1>"),
        value_type: ValueType::BigInt,
        unit: Some(parse("m/s2{x}")),
        tags: tags(&["roof", "it's"]),
    };

    for settings in [full, sensor.settings.clone()] {
        let updated = storage
            .update_sensor(
                pump.organization_id,
                sensor.id,
                Some(sensor.revision),
                &settings.clone().into(),
            )
            .await
            .unwrap();
        sensor.settings = settings;
        sensor.revision = sensor.revision.next();
        assert_eq!(updated, sensor);
        assert_eq!(only_sensor(storage, &pump).await, sensor);
        let found = storage.sensor(pump.organization_id, sensor.id).await;
        assert_eq!(found.unwrap().as_ref(), Some(&sensor));
    }
}

/// An update that names no type leaves it as it has become meanwhile.
pub async fn update_leaves_the_type(storage: &Handle) {
    let pump = pump(storage).await;
    let sensor = reported(storage, &pump, Value::BigInt(7)).await;
    report(storage, &pump, [reading("m/n", after(1), double(1.5))]).await;
    let mut update = SensorUpdate::from(sensor.settings.clone());
    update.name = parse("other");
    update.value_type = None;

    let updated = storage
        .update_sensor(pump.organization_id, sensor.id, None, &update)
        .await
        .unwrap();

    assert_eq!(updated.settings.name.as_str(), "other");
    assert_eq!(updated.settings.value_type, ValueType::Double);
    assert_eq!(updated.type_origin, TypeOrigin::Inferred);
    assert_eq!(only_sensor(storage, &pump).await, updated);
}

/// A change from another revision than the stored one is refused, be it an update or a deletion.
pub async fn changes_check_the_revision(storage: &Handle) {
    let pump = pump(storage).await;
    let sensor = reported(storage, &pump, Value::BigInt(7)).await;
    let mut settings = sensor.settings.clone();
    settings.name = parse("other");
    let wrong = Some(Revision::FIRST.next());

    let answer = storage
        .update_sensor(
            pump.organization_id,
            sensor.id,
            wrong,
            &settings.clone().into(),
        )
        .await;

    assert_refused!(answer, StorageError::StaleRevision { .. });
    let answer = storage
        .delete_sensor(pump.organization_id, sensor.id, wrong)
        .await;
    assert_refused!(answer, StorageError::StaleRevision { .. });
    assert_eq!(only_sensor(storage, &pump).await, sensor);
    let right = Some(sensor.revision);
    storage
        .delete_sensor(pump.organization_id, sensor.id, right)
        .await
        .unwrap();
}

/// Updating or deleting what is not there is an error.
pub async fn changes_need_a_record(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let sensor = reported(storage, &pump, Value::BigInt(7)).await;
    let unknown = SensorId::new(noon(), unique());

    let answer = storage
        .update_sensor(id, unknown, None, &sensor.settings.clone().into())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_sensor(id, unknown, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    assert_eq!(storage.sensor(id, unknown).await.unwrap(), None);
}

/// With its last reading retention takes the latest value along: no stored reading contradicts
/// another type any more, and the next reading is the latest, be it older than those were.
pub async fn retention_frees_the_type(storage: &Handle) {
    let pump = pump(storage).await;
    let sensor = reported(storage, &pump, Value::BigInt(7)).await;
    for secs in 1..10 {
        let value = Value::BigInt(i64::try_from(secs).unwrap());
        report(storage, &pump, [reading("m/n", after(secs), value)]).await;
    }
    let mut update = SensorUpdate::from(sensor.settings.clone());
    update.value_type = Some(ValueType::Text);
    let before = |before| PurgePolicy {
        readings_before: Some(before),
        ..keep_all(after(60))
    };
    assert_eq!(purge(storage, &before(after(9)), 4).await, 9);
    let one_left = only_sensor(storage, &pump).await;
    assert_eq!(one_left.latest.as_ref().unwrap().timestamp, after(9));
    let id = pump.organization_id;
    let refused = storage.update_sensor(id, sensor.id, None, &update).await;
    assert_refused!(refused, StorageError::TypeMismatch(_));

    assert_eq!(purge(storage, &before(after(10)), 1).await, 1);

    assert_eq!(only_sensor(storage, &pump).await.latest, None);
    let updated = storage.update_sensor(id, sensor.id, None, &update).await;
    assert_eq!(updated.unwrap().settings.value_type, ValueType::Text);
    let outcome = report(storage, &pump, [reading("m/n", after(5), text("on"))]).await;
    assert_eq!((outcome.stored, outcome.quarantined), (1, 0));
    let latest = only_sensor(storage, &pump).await.latest.unwrap();
    assert_eq!((latest.timestamp, latest.value), (after(5), text("on")));
}

/// An operator may widen the type of a sensor with readings: they read as DOUBLE from then on,
/// and the type is no longer inferred.
pub async fn update_may_widen_the_type(storage: &Handle) {
    let pump = pump(storage).await;
    let sensor = reported(storage, &pump, Value::BigInt(7)).await;
    assert_eq!(sensor.type_origin, TypeOrigin::Inferred);
    let mut settings = sensor.settings.clone();
    settings.value_type = ValueType::Double;

    let updated = storage
        .update_sensor(
            pump.organization_id,
            sensor.id,
            None,
            &settings.clone().into(),
        )
        .await
        .unwrap();

    let mut expected = sensor;
    expected
        .set_type(ValueType::Double, TypeOrigin::Announced)
        .unwrap();
    expected.revision = expected.revision.next();
    assert_eq!(updated, expected);
    assert_eq!(only_sensor(storage, &pump).await, expected);
    assert_eq!(expected.latest.as_ref().unwrap().value, double(7.0));
    let readings = readings_of(storage, &expected).await;
    assert_eq!(readings, [(noon(), double(7.0))]);
}

/// A type that contradicts stored readings is refused, and changes nothing else either.
pub async fn update_refuses_a_contradicting_type(storage: &Handle) {
    let pump = pump(storage).await;
    let sensor = reported(storage, &pump, double(1.5)).await;

    for value_type in [ValueType::BigInt, ValueType::Boolean, ValueType::Text] {
        let mut settings = sensor.settings.clone();
        settings.name = parse("other");
        settings.value_type = value_type;
        let answer = storage
            .update_sensor(
                pump.organization_id,
                sensor.id,
                None,
                &settings.clone().into(),
            )
            .await;
        assert_refused!(answer, StorageError::TypeMismatch(_));
        assert_eq!(only_sensor(storage, &pump).await, sensor);
    }
}

/// A sensor without readings takes any type.
pub async fn update_takes_any_type_without_readings(storage: &Handle) {
    let pump = pump(storage).await;
    let announcement = announcing(&[("m", &[("n", ValueType::Text)])]);
    let stored = storage
        .store_announcement(pump.organization_id, pump.id, &announcement, &limits())
        .await;
    stored.unwrap();
    let mut sensor = only_sensor(storage, &pump).await;

    for value_type in ValueType::ALL {
        sensor.settings.value_type = value_type;
        sensor = storage
            .update_sensor(
                pump.organization_id,
                sensor.id,
                None,
                &sensor.settings.clone().into(),
            )
            .await
            .unwrap();
        assert_eq!(sensor.settings.value_type, value_type);
        assert_eq!(sensor.type_origin, TypeOrigin::Announced);
        assert_eq!(only_sensor(storage, &pump).await, sensor);
    }
}

/// A deleted sensor is gone at once with its readings; its key is free, and what comes under it
/// begins with nothing.
pub async fn delete_takes_readings_along(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let gone = reported(storage, &pump, Value::BigInt(7)).await;

    storage.delete_sensor(id, gone.id, None).await.unwrap();

    assert_eq!(storage.sensor(id, gone.id).await.unwrap(), None);
    let readings = all_pages!(
        9,
        |page| storage.readings(id, gone.id, TimeRange::ALL, page),
        |it| it.timestamp
    );
    assert!(readings.is_empty());
    let component = storage.component(id, gone.component_id).await;
    assert!(component.unwrap().is_some());
    let answer = storage.delete_sensor(id, gone.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let before = snapshot(storage, id).await;
    let mut by_id = reading("m/n", after(1), Value::BigInt(8));
    by_id.sensor = SensorAddress::Id(gone.id);
    let outcome = report(storage, &pump, [by_id]).await;
    assert_eq!((outcome.stored, outcome.quarantined), (0, 1));
    let after_it = snapshot(storage, id).await;
    assert_eq!(after_it.len(), before.len() + 1);

    let heir = reported(storage, &pump, text("on")).await;
    assert_ne!(heir.id, gone.id);
    assert_eq!(heir.component_id, gone.component_id);
    assert_eq!(heir.revision, Revision::FIRST);
    assert_eq!(readings_of(storage, &heir).await, [(noon(), text("on"))]);
}

/// A deleted sensor leaves room under the limit.
pub async fn delete_leaves_room(storage: &Handle) {
    let pump = pump(storage).await;
    let mut limits = limits();
    limits.sensors_per_device = 1;
    let first = reported(storage, &pump, Value::BigInt(7)).await;
    let add = async |path: &str| {
        let batch = crate::testing::fixtures::batch([reading(path, noon(), Value::BigInt(1))]);
        let outcome = storage
            .store_readings(pump.organization_id, pump.id, &batch, &limits)
            .await;
        outcome.unwrap().stored
    };
    assert_eq!(add("m/other").await, 0);

    let deleted = storage
        .delete_sensor(pump.organization_id, first.id, None)
        .await;
    deleted.unwrap();

    assert_eq!(add("m/other").await, 1);
    assert_eq!(add("m/third").await, 0);
}

/// The only sensor of a device, made by a reading at noon.
async fn reported(storage: &Handle, device: &Device, value: Value) -> Sensor {
    let outcome = report(storage, device, [reading("m/n", noon(), value)]).await;
    assert_eq!(outcome.stored, 1);
    only_sensor(storage, device).await
}
