//! The configuration that a device says it runs on.

use bytes::Bytes;
use fieldgate_core::model::quarantine::QuarantineReason;
use fieldgate_core::transport::Inbound;

use crate::payload::Refused;
use crate::payload::json;

/// Checks a configuration, which is kept as it is: a JSON object of at most 64 KB.
pub(super) fn decode(payload: &Bytes) -> Result<Inbound, Refused> {
    if payload.len() > MAX_BYTES {
        return Err(Refused::new(
            QuarantineReason::LimitExceeded,
            "a configuration has at most 64 KB",
        ));
    }
    let text =
        std::str::from_utf8(payload).map_err(|error| Refused::malformed(error.to_string()))?;
    let document =
        json::strict_value(text).map_err(|refused| Refused::malformed(refused.detail))?;
    if !document.is_object() {
        return Err(Refused::malformed("a configuration is a JSON object"));
    }
    Ok(Inbound::ConfigReported(payload.clone()))
}

const MAX_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_object_and_bounded() {
        let decode_text = |text: &str| {
            decode(&Bytes::copy_from_slice(text.as_bytes())).map_err(|refused| refused.reason)
        };
        let of_size = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
        assert!(decode_text(&of_size(MAX_BYTES)).is_ok());
        let too_large = decode_text(&of_size(MAX_BYTES + 1)).unwrap_err();
        assert_eq!(too_large, QuarantineReason::LimitExceeded);
        for text in ["[]", "1", r#"{"a":1,"a":2}"#] {
            let refused = decode_text(text).unwrap_err();
            assert_eq!(refused, QuarantineReason::Malformed, "{text}");
        }
    }
}
