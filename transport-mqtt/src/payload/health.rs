//! Health reports.

use bytes::Bytes;
use fieldgate_core::model::health::ConnectionType;
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::transport::{HealthReport, Inbound};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::payload::Refused;
use crate::payload::json::{self, Text};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HealthDto<'a> {
    #[serde(borrow)]
    device_id: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    uptime_seconds: u64,
    free_heap_bytes: Option<u64>,
    signal_strength_dbm: Option<i32>,
    #[serde(borrow)]
    connection_type: Text<'a>,
    readings_sent: u64,
    readings_dropped: u64,
    #[serde(borrow)]
    extra: Option<&'a RawValue>,
}

/// Reads a health report.
pub(super) fn decode(device: DeviceId, payload: &Bytes) -> Result<Inbound, Refused> {
    let dto: HealthDto<'_> = json::parse_payload(payload)?;
    if let Some(id) = &dto.device_id
        && *id.0 != *device.to_string()
    {
        return Err(Refused::malformed("deviceId: it is another device's"));
    }
    let timestamp = dto.timestamp.map(|text| {
        let parsed = text.0.parse::<Timestamp>();
        parsed.map_err(|invalid| Refused::malformed(invalid.to_string()).at("timestamp"))
    });
    let connection_type: ConnectionType =
        dto.connection_type
            .0
            .parse()
            .map_err(|invalid: fieldgate_core::model::Invalid| {
                Refused::malformed(invalid.to_string()).at("connectionType")
            })?;
    for (field, number) in [
        ("uptimeSeconds", Some(dto.uptime_seconds)),
        ("freeHeapBytes", dto.free_heap_bytes),
        ("readingsSent", Some(dto.readings_sent)),
        ("readingsDropped", Some(dto.readings_dropped)),
    ] {
        if number.is_some_and(|number| number > NUMBER_MAX) {
            return Err(Refused::malformed(format!("it is at most {NUMBER_MAX}")).at(field));
        }
    }
    let extra = dto.extra.map(json::metadata).transpose();
    Ok(Inbound::Health(HealthReport {
        timestamp: timestamp.transpose()?,
        uptime_seconds: dto.uptime_seconds,
        free_heap_bytes: dto.free_heap_bytes,
        signal_strength_dbm: dto.signal_strength_dbm,
        connection_type,
        readings_sent: dto.readings_sent,
        readings_dropped: dto.readings_dropped,
        extra: extra.map_err(|refused| refused.at("extra"))?,
        raw: payload.clone(),
    }))
}

/// What every database keeps exactly: 63 bits.
const NUMBER_MAX: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use fieldgate_core::model::quarantine::QuarantineReason;

    use super::*;

    fn device() -> DeviceId {
        DeviceId::new(Timestamp::UNIX_EPOCH, [1; 10])
    }

    fn decode_text(text: &str) -> Result<HealthReport, QuarantineReason> {
        match decode(device(), &Bytes::copy_from_slice(text.as_bytes())) {
            Ok(Inbound::Health(report)) => Ok(report),
            Ok(other) => panic!("{other:?}"),
            Err(refused) => Err(refused.reason),
        }
    }

    fn with(rest: &str) -> String {
        format!(
            r#"{{"uptimeSeconds":1,"connectionType":"WIFI","readingsSent":2,"readingsDropped":0{rest}}}"#
        )
    }

    #[test]
    fn a_report_is_read() {
        let text = with(
            r#","timestamp":"2026-01-02T03:04:05Z","freeHeapBytes":9,"signalStrengthDbm":-70,"extra":{"a":1}"#,
        );
        let report = decode_text(&text).unwrap();
        assert_eq!(report.signal_strength_dbm, Some(-70));
        assert_eq!(report.free_heap_bytes, Some(9));
        assert_eq!(report.connection_type, ConnectionType::Wifi);
        assert_eq!(report.raw, text);
        assert!(decode_text(&with("")).unwrap().timestamp.is_none());
    }

    #[test]
    fn numbers_are_bounded() {
        for (rest, fits) in [
            (r#","freeHeapBytes":9223372036854775807"#, true),
            (r#","freeHeapBytes":9223372036854775808"#, false),
            (r#","freeHeapBytes":18446744073709551616"#, false),
            (r#","freeHeapBytes":-1"#, false),
            (r#","freeHeapBytes":1.5"#, false),
            (r#","freeHeapBytes":1e400"#, false),
            (r#","signalStrengthDbm":-2147483648"#, true),
            (r#","signalStrengthDbm":-2147483649"#, false),
        ] {
            assert_eq!(decode_text(&with(rest)).is_ok(), fits, "{rest}");
        }
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        for text in [
            with(r#","color":"red""#),
            with(r#","readingsSent":3"#),
            with(r#","timestamp":12"#),
            with(r#","timestamp":"yesterday""#),
            with(r#","deviceId":"0193a000-0000-7000-8000-000000000000""#),
            with("").replace("WIFI", "wifi"),
            "[]".to_owned(),
            "{}".to_owned(),
        ] {
            let refused = decode_text(&text).unwrap_err();
            assert_eq!(refused, QuarantineReason::Malformed, "{text}");
        }
        assert!(decode_text(&with(&format!(r#","deviceId":"{}""#, device()))).is_ok());
    }

    #[test]
    fn the_unknown_field_is_named() {
        let payload = Bytes::from(with(r#","color":"red""#));
        let refused = decode(device(), &payload).unwrap_err();
        assert!(
            refused.detail.contains("unknown field `color`"),
            "{}",
            refused.detail
        );
    }
}
