//! Tests of [`super`].

use fieldgate_core::model::announcement::KnownComponent;
use fieldgate_core::model::id::{ComponentId, SensorId};
use fieldgate_core::model::sensor::ValueType;
use fieldgate_core::model::timestamp::Timestamp;

use super::*;

struct Announced {
    firmware: Option<String>,
    components: Vec<AnnouncedComponent>,
    refused: Vec<AnnouncementRefusal>,
}

fn decode_text(text: &str) -> Result<Announced, QuarantineReason> {
    match decode(&Bytes::copy_from_slice(text.as_bytes())) {
        Ok(Inbound::Announce {
            firmware_version,
            components,
            refused,
            ..
        }) => Ok(Announced {
            firmware: firmware_version.map(|version| version.to_string()),
            components,
            refused,
        }),
        Ok(other) => panic!("{other:?}"),
        Err(refused) => Err(refused.reason),
    }
}

#[test]
fn an_announcement_is_read() {
    let announced = decode_text(
        r#"{"firmwareVersion":"1.2","profile":"station@1.0","components":[
            {"key":"bme280","name":"Climate","profile":"climate@1.0","sensors":[
                {"key":"t","valueType":"DOUBLE","unit":"Cel","name":"Temperature"}]},
            {"key":"empty"}]}"#,
    )
    .unwrap();
    assert_eq!(announced.firmware.as_deref(), Some("1.2"));
    assert!(announced.refused.is_empty());
    let [climate, empty] = &announced.components[..] else {
        panic!("two components");
    };
    assert_eq!(climate.sensors[0].value_type, ValueType::Double);
    assert!(empty.sensors.is_empty());
}

#[test]
fn what_is_wrong_is_refused_item_by_item() {
    let announced = decode_text(
        r#"{"firmwareVersion":"\n","components":[
            {"key":"good","sensors":[
                {"key":"t","valueType":"DOUBLE"},
                {"key":"u","valueType":"FLOAT"},
                {"key":"v","valueType":"TEXT","color":"red"},
                7]},
            {"key":"bad key"},
            {"key":"named","name":""},
            {"name":"no key"},
            {"key":"extra","extra":1}]}"#,
    )
    .unwrap();
    assert_eq!(announced.firmware, None);
    assert_eq!(announced.components.len(), 1);
    assert_eq!(announced.components[0].sensors.len(), 1);
    let refused: Vec<_> = announced
        .refused
        .iter()
        .map(|refusal| (refusal.component.as_str(), refusal.sensor.as_deref()))
        .collect();
    let expected = [
        ("", None),
        ("good", Some("u")),
        ("good", Some("v")),
        ("good", Some("")),
        ("bad key", None),
        ("named", None),
        ("", None),
        ("extra", None),
    ];
    assert_eq!(refused, expected);
    assert!(
        announced
            .refused
            .iter()
            .all(|refusal| refusal.code == "malformed")
    );
    assert!(
        announced.refused[2]
            .detail
            .contains("unknown field `color`")
    );
}

#[test]
fn another_shape_is_malformed_as_a_whole() {
    for text in [
        "[]",
        "{}",
        r#"{"components":{}}"#,
        r#"{"components":[],"x":1}"#,
    ] {
        let refused = decode_text(text).err();
        assert_eq!(refused, Some(QuarantineReason::Malformed), "{text}");
    }
}

#[test]
fn components_and_sensors_are_bounded() {
    let components = |count: usize| {
        let components: Vec<_> = (0..count).map(|n| format!(r#"{{"key":"c{n}"}}"#)).collect();
        decode_text(&format!(r#"{{"components":[{}]}}"#, components.join(",")))
    };
    assert_eq!(components(256).unwrap().components.len(), 256);
    let too_many = Some(QuarantineReason::LimitExceeded);
    assert_eq!(components(257).err(), too_many);
    let sensors = |count: usize| {
        let sensors = vec!["7"; count].join(",");
        let text = format!(r#"{{"components":[{{"key":"c","sensors":[{sensors}]}}]}}"#);
        decode_text(&text)
    };
    assert_eq!(sensors(2048).unwrap().refused.len(), 2048);
    assert_eq!(sensors(2049).err(), too_many);
}

#[test]
fn the_result_maps_keys_to_ids() {
    let component = ComponentId::new(Timestamp::UNIX_EPOCH, [1; 10]);
    let sensors = [2, 3].map(|octet| SensorId::new(Timestamp::UNIX_EPOCH, [octet; 10]));
    let part = |key: &str, id: SensorId| KnownComponent {
        key: "c".parse().unwrap(),
        id: component,
        sensors: vec![(key.parse().unwrap(), id)],
    };
    let outcome = AnnouncementOutcome {
        components: vec![part("a", sensors[0]), part("b", sensors[1])],
        refused: vec![AnnouncementRefusal {
            component: "c".to_owned(),
            sensor: Some("x".to_owned()),
            code: "type_mismatch",
            detail: "no".to_owned(),
        }],
    };
    let result: Value = serde_json::from_slice(&encode(outcome)).unwrap();
    let expected = json!({
        "components": {"c": {
            "id": component.to_string(),
            "sensors": {
                "a": {"id": sensors[0].to_string()},
                "b": {"id": sensors[1].to_string()},
            },
        }},
        "refused": [
            {"component": "c", "sensor": "x", "code": "type_mismatch", "detail": "no"},
        ],
    });
    assert_eq!(result, expected);
}
