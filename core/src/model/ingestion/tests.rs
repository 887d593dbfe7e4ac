//! The rules of ingest, without a storage.

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn report(key: &str, millis: i64, value: Value) -> Result<ReportedReading, Rejection> {
    Ok(ReportedReading {
        sensor: SensorAddress::Keys {
            component: Key::main(),
            sensor: key.parse().unwrap(),
        },
        timestamp: Some(at(millis)),
        value,
        metadata: None,
        raw: Bytes::from_static(b"{}"),
    })
}

fn double(number: f64) -> Value {
    Value::Double(crate::model::reading::Finite::new(number).unwrap())
}

fn plan(items: Vec<Result<ReportedReading, Rejection>>, limits: &Limits) -> ReadingPlan {
    plan_with(&mut Inventory::default(), items, limits)
}

fn plan_with(
    inventory: &mut Inventory,
    items: Vec<Result<ReportedReading, Rejection>>,
    limits: &Limits,
) -> ReadingPlan {
    let batch = ReadingBatch {
        received_at: at(1_000_000),
        seed: IdSeed::from_random([255; 10]),
        items,
    };
    plan_readings(
        OrganizationId::new(at(0), [1; 10]),
        DeviceId::new(at(0), [2; 10]),
        &batch,
        inventory,
        limits,
    )
}

#[test]
fn unknown_keys_create_a_component_and_typed_sensors() {
    let items = vec![
        report("t", 1, double(21.5)),
        report("n", 1, Value::BigInt(4)),
        report("b", 1, Value::Boolean(true)),
    ];
    let plan = plan(items, &Limits::default());
    assert_eq!(plan.inventory.new_components.len(), 1);
    let types: Vec<ValueType> = plan
        .inventory
        .new_sensors
        .iter()
        .map(|sensor| sensor.settings.value_type)
        .collect();
    assert_eq!(
        types,
        [ValueType::Double, ValueType::BigInt, ValueType::Boolean]
    );
    assert_eq!(plan.readings.len(), 3);
    assert!(plan.inventory.changed_sensors.is_empty());
}

#[test]
fn an_inferred_integer_widens_within_its_batch() {
    let items = vec![
        report("t", 1, Value::BigInt(21)),
        report("t", 2, double(21.5)),
        report("t", 3, Value::BigInt(22)),
    ];
    let plan = plan(items, &Limits::default());
    let values: Vec<Value> = plan.readings.into_iter().map(|it| it.value).collect();
    assert_eq!(values, [double(21.0), double(21.5), double(22.0)]);
    let sensor = &plan.inventory.new_sensors[0];
    assert_eq!(sensor.settings.value_type, ValueType::Double);
    assert_eq!(sensor.latest.as_ref().unwrap().value, double(22.0));
}

#[test]
fn a_mismatch_is_quarantined_and_the_rest_is_kept() {
    let items = vec![
        report("t", 1, double(1.5)),
        report("t", 2, Value::Boolean(true)),
        report("t", 3, double(2.5)),
    ];
    let plan = plan(items, &Limits::default());
    assert_eq!(plan.readings.len(), 2);
    assert_eq!(
        plan.quarantined[0].rejection.reason,
        QuarantineReason::TypeMismatch
    );
}

#[test]
fn of_two_readings_of_one_time_the_first_counts() {
    let items = vec![report("t", 1, double(1.5)), report("t", 1, double(2.5))];
    let plan = plan(items, &Limits::default());
    assert_eq!(plan.readings.len(), 1);
    let latest = plan.inventory.new_sensors[0].latest.as_ref().unwrap();
    assert_eq!(latest.value, double(1.5));
}

#[test]
fn a_time_far_ahead_is_quarantined() {
    let ahead = 1_000_000 + 5 * 60 * 1000;
    let items = vec![
        report("t", ahead, double(1.5)),
        report("t", ahead + 1, double(1.5)),
    ];
    let plan = plan(items, &Limits::default());
    assert_eq!(plan.readings.len(), 1);
    assert_eq!(
        plan.quarantined[0].rejection.reason,
        QuarantineReason::TimestampAhead
    );
}

#[test]
fn the_limit_of_sensors_holds() {
    let limits = Limits {
        sensors_per_device: 2,
        ..Limits::default()
    };
    let items = ["a", "b", "c", "a"]
        .iter()
        .zip(1..)
        .map(|(key, millis)| report(key, millis, double(1.5)))
        .collect();
    let plan = plan(items, &limits);
    assert_eq!(plan.readings.len(), 3);
    assert_eq!(
        plan.quarantined[0].rejection.reason,
        QuarantineReason::LimitExceeded
    );
}

#[test]
fn ids_of_one_seed_differ() {
    let mut ids = IdSeed::from_random([255; 10]).ids(at(0));
    let made: HashSet<Uuid> = (0..1000).map(|_| ids.next_id()).collect();
    assert_eq!(made.len(), 1000);
}

#[test]
fn the_next_batch_finds_what_the_one_before_it_leaves() {
    let limits = Limits::default();
    let mut inventory = Inventory::default();
    let items = vec![report("t", 1, Value::BigInt(21))];
    let first = plan_with(&mut inventory, items, &limits);
    // A fraction for a time that has its reading widens nothing.
    let items = vec![
        report("t", 1, double(21.5)),
        report("t", 2, Value::BigInt(22)),
    ];
    let second = plan_with(&mut inventory, items, &limits);
    assert!(second.inventory.new_sensors.is_empty());
    let sensor = &second.inventory.changed_sensors[0];
    assert_eq!(sensor.id, first.inventory.new_sensors[0].id);
    assert_eq!(sensor.settings.value_type, ValueType::BigInt);
    let times: Vec<_> = second.readings.iter().map(|it| it.timestamp).collect();
    assert_eq!(times, [at(2)]);
    assert_eq!(inventory.sensor_count, 1);
}

#[test]
fn what_would_widen_is_named_once() {
    let mut inventory = Inventory::default();
    let items = vec![report("t", 1, Value::BigInt(21))];
    let created = plan_with(&mut inventory, items, &Limits::default());
    let items = vec![
        report("t", 2, double(0.5)),
        report("t", 2, double(1.5)),
        report("t", 3, Value::BigInt(1)),
    ];
    let batch = ReadingBatch {
        received_at: at(1_000_000),
        seed: IdSeed::from_random([1; 10]),
        items,
    };
    let sensor = created.inventory.new_sensors[0].id;
    let widening: Vec<_> = inventory.widening(&batch).into_iter().collect();
    assert_eq!(widening, [(sensor, at(2))]);
}

#[test]
fn ids_are_counted_up_from_the_seed() {
    let mut ids = IdSeed::from_random([9; 10]).ids(at(0));
    let ids: Vec<_> = (0..1000).map(|_| ids.next_id()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next));
}
