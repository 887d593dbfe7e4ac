//! Clauses of the types of sensors and of the values that they keep.

use super::announcement::announcing;
use super::world::{limits, only_sensor, pump, readings_of, report, sensors_of};
use crate::model::device::Device;
use crate::model::ingestion::SensorAddress;
use crate::model::reading::Value;
use crate::model::sensor::{TypeOrigin, ValueType};
use crate::testing::fixtures::{after, double, noon, reading, text};
use crate::testing::storage::Handle;

/// The first value gives the type, and another type is refused from then on.
pub async fn the_first_value_gives_the_type(storage: &Handle) {
    let values = [
        (double(0.5), ValueType::Double),
        (Value::BigInt(1), ValueType::BigInt),
        (Value::Boolean(true), ValueType::Boolean),
        (text("on"), ValueType::Text),
    ];
    for (first, value_type) in &values {
        let pump = pump(storage).await;
        report(storage, &pump, [reading("m/n", noon(), first.clone())]).await;
        for (second, other_type) in &values {
            let before = only_sensor(storage, &pump).await;
            // An integer is welcome on a DOUBLE, and a fraction widens an inferred BIGINT.
            let numbers = [ValueType::BigInt, ValueType::Double];
            let fits = value_type == other_type
                || (numbers.contains(value_type) && numbers.contains(other_type));
            if fits {
                continue;
            }
            let outcome = report(storage, &pump, [reading("m/n", after(1), second.clone())]).await;
            assert_eq!((outcome.stored, outcome.quarantined), (0, 1));
            assert_eq!(only_sensor(storage, &pump).await, before);
        }
        assert_eq!(
            only_sensor(storage, &pump).await.settings.value_type,
            *value_type
        );
    }
}

/// An integer is welcome on a DOUBLE, as a DOUBLE.
pub async fn an_integer_is_welcome_on_a_double(storage: &Handle) {
    let pump = pump(storage).await;
    report(storage, &pump, [reading("m/n", noon(), double(0.5))]).await;

    let outcome = report(
        storage,
        &pump,
        [reading("m/n", after(1), Value::BigInt(-3))],
    )
    .await;

    assert_eq!((outcome.stored, outcome.quarantined), (1, 0));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::Double);
    assert_eq!(sensor.latest.as_ref().unwrap().value, double(-3.0));
    let readings = readings_of(storage, &sensor).await;
    assert_eq!(readings, [(after(1), double(-3.0)), (noon(), double(0.5))]);
}

/// An inferred BIGINT turns DOUBLE on its first fraction, across batches: what was stored reads as
/// DOUBLE from then on, the latest too, also where the fraction is late.
pub async fn a_fraction_widens_what_was_stored(storage: &Handle) {
    let pump = pump(storage).await;
    for (at, number) in [(after(1), 7), (after(5), i64::MAX)] {
        report(storage, &pump, [reading("m/n", at, Value::BigInt(number))]).await;
    }
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::BigInt);
    assert_eq!(sensor.latest.unwrap().value, Value::BigInt(i64::MAX));

    let outcome = report(storage, &pump, [reading("m/n", after(3), double(0.25))]).await;

    assert_eq!((outcome.stored, outcome.quarantined), (1, 0));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::Double);
    assert_eq!(sensor.type_origin, TypeOrigin::Inferred);
    let latest = sensor.latest.clone().unwrap();
    assert_eq!(
        (latest.timestamp, latest.value),
        (after(5), Value::widened(i64::MAX))
    );
    let expected = [
        (after(5), Value::widened(i64::MAX)),
        (after(3), double(0.25)),
        (after(1), double(7.0)),
    ];
    assert_eq!(readings_of(storage, &sensor).await, expected);
}

/// The same within one batch.
pub async fn a_fraction_widens_its_own_batch(storage: &Handle) {
    let pump = pump(storage).await;
    let outcome = report(
        storage,
        &pump,
        [
            reading("m/n", after(2), Value::BigInt(7)),
            reading("m/n", after(1), double(0.25)),
            reading("m/n", after(3), Value::BigInt(8)),
        ],
    )
    .await;

    assert_eq!((outcome.stored, outcome.quarantined), (3, 0));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::Double);
    let expected = [
        (after(3), double(8.0)),
        (after(2), double(7.0)),
        (after(1), double(0.25)),
    ];
    assert_eq!(readings_of(storage, &sensor).await, expected);
    assert_eq!(sensor.latest.unwrap().value, double(8.0));
}

/// An operator's BIGINT does not widen: the fraction is refused.
pub async fn a_set_type_does_not_widen(storage: &Handle) {
    let pump = pump(storage).await;
    let announcement = announcing(&[("m", &[("n", ValueType::BigInt)])]);
    let stored = storage
        .store_announcement(pump.organization_id, pump.id, &announcement, &limits())
        .await;
    stored.unwrap();

    let outcome = report(storage, &pump, [reading("m/n", noon(), double(0.25))]).await;

    assert_eq!((outcome.stored, outcome.quarantined), (0, 1));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::BigInt);
    assert_eq!(sensor.latest, None);
}

/// A fraction for a timestamp that has its reading is passed over, and widens nothing: neither
/// what is stored nor what came before it in its own batch.
pub async fn a_duplicate_does_not_widen(storage: &Handle) {
    let pump = pump(storage).await;
    let number = |at, number| reading("m/n", at, Value::BigInt(number));
    report(storage, &pump, [number(noon(), 7), number(after(5), 8)]).await;
    let before = only_sensor(storage, &pump).await;
    let by_id = SensorAddress::Id(before.id);

    for at in [noon(), after(5)] {
        let by_keys = reading("m/n", at, double(0.5));
        let mut again = reading("m/n", at, double(1.5));
        again.sensor = by_id.clone();
        let outcome = report(storage, &pump, [by_keys, again]).await;
        assert_eq!((outcome.stored, outcome.quarantined), (0, 0));
        assert_eq!(only_sensor(storage, &pump).await, before);
    }
    let twice = [number(after(9), 9), reading("m/n", after(9), double(0.5))];
    let outcome = report(storage, &pump, twice).await;
    assert_eq!((outcome.stored, outcome.quarantined), (1, 0));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::BigInt);
    let readings = readings_of(storage, &sensor).await;
    let expected = [(after(9), 9), (after(5), 8), (noon(), 7)];
    assert_eq!(
        readings,
        expected.map(|(at, number)| (at, Value::BigInt(number)))
    );

    // Beside a duplicate a fraction that is stored widens as ever.
    let mixed = [
        reading("m/n", noon(), double(0.5)),
        reading("m/n", after(1), double(0.25)),
    ];
    let outcome = report(storage, &pump, mixed).await;
    assert_eq!((outcome.stored, outcome.quarantined), (1, 0));
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::Double);
}

/// Every number of 64 bits is kept to the bit: integers as integers, floats as floats.
pub async fn numbers_are_kept_to_the_bit(storage: &Handle) {
    let pump = pump(storage).await;
    let integers = [i64::MIN, -1, 0, 1, (1 << 53) + 1, i64::MAX].map(Value::BigInt);
    let floats = [
        -0.0,
        0.0,
        5e-324,
        -5e-324,
        f64::MIN_POSITIVE,
        f64::EPSILON,
        0.1,
        1.0 / 3.0,
        1e21,
        9_007_199_254_740_993.0,
        1e300,
        f64::MAX,
        f64::MIN,
    ]
    .map(double);
    assert_kept(storage, &pump, "m/integers", &integers).await;
    assert_kept(storage, &pump, "m/floats", &floats).await;
    assert_kept(
        storage,
        &pump,
        "m/flags",
        &[true, false].map(Value::Boolean),
    )
    .await;
}

/// Every text is kept as it is: empty, long, with controls, markup and quotes.
pub async fn texts_are_kept_to_the_letter(storage: &Handle) {
    let pump = pump(storage).await;
    let long = "\u{1F69C}".repeat(1000);
    let texts = [
        "",
        " ",
        "\0",
        "a\0b",
        "line\nbreak\r\n\ttab",
        "<script>alert('1')</script>",
        "'; DROP TABLE readings; --",
        "\"quoted\" \\ back",
        "%_*?",
        "u\u{308} is not \u{fc}",
        "\u{202e}right to left",
        "\u{feff}\u{fffe}\u{ffff}\u{10ffff}",
        "null",
        "1",
        "true",
        long.as_str(),
    ]
    .map(text);
    assert_kept(storage, &pump, "m/texts", &texts).await;
}

/// Reports values, one a second, and looks for each of them, and for the last as the latest.
async fn assert_kept(storage: &Handle, device: &Device, path: &str, values: &[Value]) {
    let readings = (0..).zip(values);
    let readings = readings.map(|(secs, value)| reading(path, after(secs), value.clone()));
    let outcome = report(storage, device, readings.collect::<Vec<_>>()).await;
    assert_eq!((outcome.stored, outcome.quarantined), (values.len(), 0));

    let sensors = sensors_of(storage, device).await;
    let key = path.split('/').next_back().unwrap();
    let sensor = sensors.iter().find(|sensor| sensor.key.as_str() == key);
    let sensor = sensor.unwrap();
    let found = readings_of(storage, sensor).await;
    // By their Debug form, which tells 0.0 from -0.0.
    let shown = |value: &Value| format!("{value:?}");
    let found: Vec<_> = found.iter().rev().map(|(_, value)| shown(value)).collect();
    let expected: Vec<_> = values.iter().map(shown).collect();
    assert_eq!(found, expected);
    let latest = sensor.latest.as_ref().map(|latest| shown(&latest.value));
    assert_eq!(latest.as_ref(), expected.last());
}
