//! The wish for a new certificate, which cannot be granted yet.

use bytes::Bytes;
use fieldgate_core::transport::topic::DeviceTopic;
use serde::Deserialize;
use serde_json::json;

use crate::payload::json::{self, Text};
use crate::payload::{Refused, Reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RenewalDto<'a> {
    #[serde(borrow)]
    request_id: Text<'a>,
    #[serde(borrow, rename = "csr")]
    _csr: Text<'a>,
}

/// Answers that there is no renewal.
pub(super) fn decode(payload: &Bytes) -> Result<Reply, Refused> {
    let dto: RenewalDto<'_> = json::parse_payload(payload)?;
    if dto.request_id.0.chars().nth(REQUEST_ID_MAX_CHARS).is_some() {
        let detail = format!("it has at most {REQUEST_ID_MAX_CHARS} characters");
        return Err(Refused::malformed(detail).at("requestId"));
    }
    let answer = json!({
        "requestId": dto.request_id.0,
        "error": {
            "code": "renewal_unavailable",
            "detail": "this server does not renew certificates over MQTT: ask its operator for a \
                       registration token for this device, and provision again",
        },
    });
    Ok(Reply {
        topic: DeviceTopic::CertificateIssued,
        payload: answer.to_string().into(),
    })
}

const REQUEST_ID_MAX_CHARS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_the_request() {
        let payload = Bytes::from_static(br#"{"requestId":"r\"1","csr":"x"}"#);
        let reply = decode(&payload).unwrap();
        assert_eq!(reply.topic, DeviceTopic::CertificateIssued);
        let answer: serde_json::Value = serde_json::from_slice(&reply.payload).unwrap();
        assert_eq!(answer["requestId"], "r\"1");
        assert_eq!(answer["error"]["code"], "renewal_unavailable");
    }

    #[test]
    fn another_shape_is_refused() {
        let long = format!(r#"{{"requestId":"{}","csr":""}}"#, "x".repeat(129));
        for text in ["{}", r#"{"requestId":1,"csr":""}"#, r#"{"csr":""}"#, &long] {
            assert!(decode(&Bytes::copy_from_slice(text.as_bytes())).is_err());
        }
    }
}
