//! Tests of [`super`]: every limit one below, at and above.

use super::*;

fn decode_text(text: &str) -> Result<Vec<Result<ReportedReading, Rejection>>, QuarantineReason> {
    match decode(&Bytes::copy_from_slice(text.as_bytes())) {
        Ok(Inbound::Readings(readings)) => Ok(readings),
        Ok(other) => panic!("{other:?}"),
        Err(refused) => Err(refused.reason),
    }
}

fn one(text: &str) -> Result<ReportedReading, Rejection> {
    let mut readings = decode_text(text).unwrap();
    assert_eq!(readings.len(), 1, "{text}");
    readings.remove(0)
}

fn value(text: &str) -> Result<Value, QuarantineReason> {
    one(&format!(r#"{{"sensor":"s","value":{text}}}"#))
        .map(|reading| reading.value)
        .map_err(|rejection| rejection.reason)
}

fn keys(component: &str, sensor: &str) -> SensorAddress {
    SensorAddress::Keys {
        component: component.parse().unwrap(),
        sensor: sensor.parse().unwrap(),
    }
}

#[test]
fn a_single_reading_is_read() {
    let text = r#" {"component":"bme280","sensor":"temperature","timestamp":"2026-01-02T03:04:05.6789Z","value":21.5,"metadata":{"a":1}} "#;
    let reading = one(text).unwrap();
    assert_eq!(reading.sensor, keys("bme280", "temperature"));
    assert_eq!(
        reading.timestamp.unwrap().to_string(),
        "2026-01-02T03:04:05.678Z"
    );
    assert_eq!(reading.value, Value::Double(Finite::new(21.5).unwrap()));
    assert_eq!(reading.metadata.unwrap().to_string(), r#"{"a":1}"#);
    assert_eq!(reading.raw, text.trim());
}

#[test]
fn a_sensor_without_component_is_of_main() {
    let reading = one(r#"{"sensor":"s","value":1}"#).unwrap();
    assert_eq!(reading.sensor, keys("main", "s"));
    assert_eq!(reading.timestamp, None);
    let id = "0193a000-0000-7000-8000-000000000000";
    let reading = one(&format!(r#"{{"sensorId":"{id}","value":1}}"#)).unwrap();
    assert_eq!(reading.sensor, SensorAddress::Id(id.parse().unwrap()));
}

#[test]
fn a_structured_reading_becomes_several() {
    let text = r#"{"component":"c","timestamp":"2026-01-02T03:04:05Z","values":{"t":21.5,"h":40,"bad":null,"on":true}}"#;
    let readings = decode_text(text).unwrap();
    assert_eq!(readings.len(), 4);
    assert_eq!(readings[0].as_ref().unwrap().sensor, keys("c", "t"));
    assert_eq!(readings[1].as_ref().unwrap().value, Value::BigInt(40));
    assert_eq!(readings[3].as_ref().unwrap().value, Value::Boolean(true));
    let rejection = readings[2].as_ref().unwrap_err();
    assert_eq!(rejection.reason, QuarantineReason::Malformed);
    assert!(
        rejection.detail.starts_with("`bad`"),
        "{}",
        rejection.detail
    );
    assert_eq!(rejection.raw, text);
}

#[test]
fn of_a_large_structured_reading_only_the_value_is_kept() {
    let long = "x".repeat(2000);
    let text = format!(r#"{{"values":{{"a":"{long}","b":null,"c":1}}}}"#);
    let readings = decode_text(&text).unwrap();
    let rejection = readings[0].as_ref().unwrap_err();
    assert_eq!(rejection.reason, QuarantineReason::ValueOutOfRange);
    assert_eq!(readings[1].as_ref().unwrap_err().raw, "null");
    assert_eq!(readings[2].as_ref().unwrap().raw, "1");
}

#[test]
fn the_type_is_that_of_the_text() {
    let double = |number: f64| Ok(Value::Double(Finite::new(number).unwrap()));
    assert_eq!(value("1"), Ok(Value::BigInt(1)));
    assert_eq!(value("-0"), Ok(Value::BigInt(0)));
    assert_eq!(value("1.0"), double(1.0));
    assert_eq!(value("1e0"), double(1.0));
    assert_eq!(value("1E2"), double(100.0));
    assert_eq!(value("9223372036854775807"), Ok(Value::BigInt(i64::MAX)));
    assert_eq!(
        value("9223372036854775808"),
        double(9.223_372_036_854_776e18)
    );
    assert_eq!(value("-9223372036854775808"), Ok(Value::BigInt(i64::MIN)));
    assert_eq!(
        value("-9223372036854775809"),
        double(-9.223_372_036_854_776e18)
    );
    assert_eq!(value("1.7976931348623157e308"), double(f64::MAX));
    assert_eq!(value("1e-400"), double(0.0));
    assert_eq!(value("true"), Ok(Value::Boolean(true)));
    assert_eq!(value("false"), Ok(Value::Boolean(false)));
    let text = ValueText::new("a\"b").unwrap();
    assert_eq!(value(r#""a\"b""#), Ok(Value::Text(text)));
}

#[test]
fn what_is_no_value_is_refused() {
    for text in ["1e400", "-1e400", "1e999999999999"] {
        assert_eq!(
            value(text),
            Err(QuarantineReason::ValueOutOfRange),
            "{text}"
        );
    }
    for text in ["null", "{}", "[1]", r#""\ud800""#] {
        assert_eq!(value(text), Err(QuarantineReason::Malformed), "{text}");
    }
}

#[test]
fn texts_have_at_most_1000_characters() {
    let of = |chars: usize| format!("\"{}\"", "ü".repeat(chars));
    assert!(value(&of(999)).is_ok());
    assert!(value(&of(1000)).is_ok());
    assert_eq!(value(&of(1001)), Err(QuarantineReason::ValueOutOfRange));
}

#[test]
fn one_bad_item_does_not_spoil_the_others() {
    let text =
        r#"[{"sensor":"a","value":1},{"sensor":"b","value":1e400},7,{"sensor":"c","value":3}]"#;
    let readings = decode_text(text).unwrap();
    let good: Vec<_> = readings.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, false, true]);
    let rejection = readings[1].as_ref().unwrap_err();
    assert_eq!(rejection.reason, QuarantineReason::ValueOutOfRange);
    assert_eq!(rejection.raw, r#"{"sensor":"b","value":1e400}"#);
    assert_eq!(readings[2].as_ref().unwrap_err().raw, "7");
}

#[test]
fn other_shapes_are_malformed() {
    for text in [
        "7",
        "{}",
        r#"{"value":1}"#,
        r#"{"sensor":"s"}"#,
        r#"{"sensor":"s","value":1,"value":2}"#,
        r#"{"sensor":"","value":1}"#,
        r#"{"sensor":"a b","value":1}"#,
        r#"{"sensor":"a/b","value":1}"#,
        r#"{"sensor":7,"value":1}"#,
        r#"{"sensor":"s","component":"ä","value":1}"#,
        r#"{"sensorId":"7","value":1}"#,
        r#"{"sensorId":"0193a000-0000-7000-8000-000000000000","sensor":"s","value":1}"#,
        r#"{"sensorId":"0193a000-0000-7000-8000-000000000000","component":"s","value":1}"#,
        r#"{"sensor":"s","value":1,"timestamp":1700000000}"#,
        r#"{"sensor":"s","value":1,"timestamp":"2026-02-30T00:00:00Z"}"#,
        r#"{"sensor":"s","value":1,"timestamp":"1969-12-31T23:59:59Z"}"#,
        r#"{"sensor":"s","value":1,"metadata":[]}"#,
        r#"{"sensor":"s","value":1,"metadata":{"a":1,"a":2}}"#,
        r#"{"sensor":"s","value":1,"values":{"a":1}}"#,
        r#"{"sensor":"s","values":{"a":1}}"#,
        r#"{"values":{"a":1},"metadata":{}}"#,
        r#"{"values":{}}"#,
        r#"{"values":[1]}"#,
        r#"{"values":{"a":1,"a":2}}"#,
    ] {
        let rejection = one(text).unwrap_err();
        assert_eq!(rejection.reason, QuarantineReason::Malformed, "{text}");
        assert_eq!(rejection.raw, text);
    }
}

#[test]
fn the_unknown_field_is_named() {
    let rejection = one(r#"{"sensor":"s","value":1,"color":"red"}"#).unwrap_err();
    assert!(rejection.detail.contains("unknown field `color`"));
    let rejection = one(&format!(r#"{{"{}\n":1}}"#, "x".repeat(5000))).unwrap_err();
    assert!(rejection.detail.chars().count() < 300);
    assert!(!rejection.detail.contains('\n'));
}

#[test]
fn keys_have_at_most_64_characters() {
    let of = |chars: usize| {
        one(&format!(
            r#"{{"sensor":"{}","value":1}}"#,
            "k".repeat(chars)
        ))
    };
    assert!(of(63).is_ok());
    assert!(of(64).is_ok());
    assert_eq!(of(65).unwrap_err().reason, QuarantineReason::Malformed);
}

#[test]
fn metadata_has_at_most_10_kb() {
    let of = |size: usize| {
        let metadata = format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
        one(&format!(
            r#"{{"sensor":"s","value":1,"metadata":{metadata}}}"#
        ))
    };
    assert!(of(10_239).is_ok());
    assert!(of(10_240).is_ok());
    let rejection = of(10_241).unwrap_err();
    assert_eq!(rejection.reason, QuarantineReason::MetadataTooLarge);
}

#[test]
fn a_message_has_at_most_1000_items() {
    let of = |count: usize| {
        let items = vec![r#"{"sensor":"s","value":1}"#; count];
        decode_text(&format!("[{}]", items.join(",")))
    };
    assert_eq!(of(0).unwrap().len(), 0);
    assert_eq!(of(999).unwrap().len(), 999);
    assert_eq!(of(1000).unwrap().len(), 1000);
    let mut items = vec![r#"{"sensor":"s","value":1}"#; 1000];
    items.extend(["{\"sensor\":\"s\",\"value\":2}", "false"]);
    let beyond = decode_text(&format!("[{}]", items.join(","))).unwrap();
    assert_eq!(beyond.len(), 1002);
    assert!(beyond[..1000].iter().all(Result::is_ok));
    for (refused, raw) in beyond[1000..].iter().zip(&items[1000..]) {
        let refused = refused.as_ref().unwrap_err();
        assert_eq!(refused.reason, QuarantineReason::LimitExceeded);
        assert_eq!(refused.raw, *raw);
    }
}

#[test]
fn items_that_are_far_too_many_are_counted() {
    let beyond = decode_text(&format!("[{}]", vec!["1"; 10_003].join(","))).unwrap();
    assert_eq!(beyond.len(), 10_001);
    let last = beyond[10_000].as_ref().unwrap_err();
    assert_eq!(last.reason, QuarantineReason::LimitExceeded);
    assert!(last.detail.contains("3 more"), "{}", last.detail);
}

#[test]
fn values_are_bounded() {
    let item = |count: usize| {
        let values: Vec<_> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
        format!(r#"{{"values":{{{}}}}}"#, values.join(","))
    };
    assert_eq!(decode_text(&item(1023)).unwrap().len(), 1023);
    assert_eq!(decode_text(&item(1024)).unwrap().len(), 1024);
    let rejection = one(&item(1025)).unwrap_err();
    assert_eq!(rejection.reason, QuarantineReason::Malformed);
    let of = |items: usize| {
        let items = vec![item(250); items];
        decode_text(&format!("[{}]", items.join(",")))
    };
    assert_eq!(of(40).unwrap().len(), 10_000);
    let beyond = of(42).unwrap();
    let (kept, refused): (Vec<_>, Vec<_>) = beyond.iter().partition(|item| item.is_ok());
    assert_eq!((kept.len(), refused.len()), (10_000, 2));
}

#[test]
fn depth_ends_in_a_rejection() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let rejection = one(&format!(r#"{{"sensor":"s","value":{deep}}}"#)).unwrap_err();
    assert_eq!(rejection.reason, QuarantineReason::Malformed);
    let rejection = one(&format!(r#"{{"a":{deep}}}"#)).unwrap_err();
    assert_eq!(rejection.reason, QuarantineReason::Malformed);
}
