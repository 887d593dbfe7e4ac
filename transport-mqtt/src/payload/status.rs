//! Status messages: online or offline, in the device's own words.

use bytes::Bytes;
use fieldgate_core::transport::Inbound;
use serde::Deserialize;

use crate::payload::Refused;
use crate::payload::json::{self, Text};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StatusDto<'a> {
    #[serde(rename = "status")]
    _status: StatusWord,
    #[serde(borrow)]
    session_id: Option<Text<'a>>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatusWord {
    Online,
    Offline,
}

/// Checks a status message, which is kept as it is.
pub(super) fn decode(payload: &Bytes) -> Result<Inbound, Refused> {
    let dto: StatusDto<'_> = json::parse_payload(payload)?;
    for (field, text, max) in [
        ("sessionId", &dto.session_id, SESSION_ID_MAX_CHARS),
        ("reason", &dto.reason, REASON_MAX_CHARS),
    ] {
        if let Some(text) = text
            && text.0.chars().nth(max).is_some()
        {
            return Err(Refused::malformed(format!("it has at most {max} characters")).at(field));
        }
    }
    Ok(Inbound::Status(payload.clone()))
}

const SESSION_ID_MAX_CHARS: usize = 128;
const REASON_MAX_CHARS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(text: &str) -> bool {
        decode(&Bytes::copy_from_slice(text.as_bytes())).is_ok()
    }

    #[test]
    fn only_the_known_shape_is_taken() {
        assert!(is_taken(r#"{"status":"online"}"#));
        assert!(is_taken(
            r#"{"status":"offline","sessionId":"7","reason":"power"}"#
        ));
        for text in [
            "{}",
            "\"online\"",
            r#"{"status":"ONLINE"}"#,
            r#"{"status":"gone"}"#,
            r#"{"status":"online","status":"offline"}"#,
            r#"{"status":"online","since":1}"#,
            r#"{"status":"online","reason":{}}"#,
        ] {
            assert!(!is_taken(text), "{text}");
        }
    }

    #[test]
    fn texts_are_bounded() {
        let of = |field: &str, chars: usize| {
            format!(r#"{{"status":"online","{field}":"{}"}}"#, "ü".repeat(chars))
        };
        for (field, max) in [("sessionId", 128), ("reason", 1000)] {
            assert!(is_taken(&of(field, max)));
            assert!(!is_taken(&of(field, max + 1)));
        }
    }
}
