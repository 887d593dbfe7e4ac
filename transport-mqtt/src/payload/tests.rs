//! Tests of [`super`].

use fieldgate_core::model::timestamp::Timestamp;

use super::*;

fn device() -> DeviceId {
    DeviceId::new(Timestamp::UNIX_EPOCH, [1; 10])
}

fn decode_on(topic: DeviceTopic, payload: &[u8], retain: bool) -> Decoded {
    decode(topic, device(), &Bytes::copy_from_slice(payload), retain)
}

#[test]
fn what_is_no_json_goes_to_the_quarantine_with_its_first_kb() {
    let payload = "x".repeat(5000);
    for topic in DeviceTopic::ALL.into_iter().filter(|topic| topic.is_up()) {
        let decoded = decode_on(topic, payload.as_bytes(), false);
        assert!(!decoded.is_json);
        let Effect::Receive(Inbound::Refused(rejection), reply) = decoded.effect else {
            panic!("{topic:?}");
        };
        assert_eq!(rejection.reason, QuarantineReason::NotJson);
        assert_eq!(rejection.raw.len(), 1024);
        assert_eq!(reply.is_some(), topic == DeviceTopic::Announce);
    }
}

#[test]
fn only_a_retained_empty_message_removes() {
    for topic in [DeviceTopic::Status, DeviceTopic::ConfigReported] {
        let removed = decode_on(topic, b"", true);
        assert!(removed.is_json);
        assert!(matches!(
            removed.effect,
            Effect::Receive(Inbound::Status(kept) | Inbound::ConfigReported(kept), None)
                if kept.is_empty()
        ));
        let ignored = decode_on(topic, b"", false);
        assert!(ignored.is_json);
        assert!(matches!(ignored.effect, Effect::Nothing));
    }
    assert!(!decode_on(DeviceTopic::Readings, b"", true).is_json);
}

#[test]
fn answers_to_commands_have_no_effect_yet() {
    let decoded = decode_on(DeviceTopic::CommandsResponse, b"{\"id\":1}", false);
    assert!(decoded.is_json);
    assert!(matches!(decoded.effect, Effect::Nothing));
}

#[test]
fn a_wrong_shape_is_malformed() {
    for topic in [
        DeviceTopic::Announce,
        DeviceTopic::CertificateRenew,
        DeviceTopic::ConfigReported,
        DeviceTopic::Health,
        DeviceTopic::Status,
    ] {
        let decoded = decode_on(topic, b" [] ", false);
        assert!(decoded.is_json);
        let Effect::Receive(Inbound::Refused(rejection), reply) = decoded.effect else {
            panic!("{topic:?}");
        };
        assert_eq!(rejection.reason, QuarantineReason::Malformed);
        assert_eq!(rejection.raw, " [] ");
        if let Some(reply) = reply {
            let answer: serde_json::Value = serde_json::from_slice(&reply.payload).unwrap();
            assert_eq!(answer["refused"][0]["code"], "malformed");
        }
    }
}

#[test]
fn nothing_that_comes_makes_it_panic() {
    let seeds: [(DeviceTopic, &[u8]); 6] = [
        (
            DeviceTopic::Readings,
            br#"[{"sensor":"a","value":1.5e3,"metadata":{"a":["\u00e4"]}},{"component":"c","values":{"x":"y","z":true}}]"#,
        ),
        (
            DeviceTopic::Health,
            br#"{"uptimeSeconds":1,"connectionType":"WIFI","readingsSent":2,"readingsDropped":0,"extra":{"a":{}}}"#,
        ),
        (
            DeviceTopic::Announce,
            br#"{"firmwareVersion":"1","components":[{"key":"c","sensors":[{"key":"s","valueType":"TEXT"}]}]}"#,
        ),
        (DeviceTopic::Status, br#"{"status":"online","reason":"x"}"#),
        (DeviceTopic::ConfigReported, br#"{"a":{"b":[1,2,null]}}"#),
        (
            DeviceTopic::CertificateRenew,
            br#"{"requestId":"r","csr":"x"}"#,
        ),
    ];
    let pieces: [&[u8]; 12] = [
        b"\"",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"\\u",
        b"\xff",
        b"1e999",
        b"null",
        b"\0",
        b"\xf0\x9f",
    ];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let (topic, seed) = seeds[next(seeds.len())];
        let mut payload = seed.to_vec();
        for _ in 0..=next(3) {
            let at = next(payload.len() + 1);
            match next(4) {
                0 => payload.truncate(at),
                1 => drop(payload.splice(at..at, pieces[next(pieces.len())].iter().copied())),
                2 if at < payload.len() => payload[at] = u8::try_from(next(256)).unwrap(),
                _ => {
                    let copied = payload[at..].to_vec();
                    payload.extend(copied);
                }
            }
        }
        let decoded = decode_on(topic, &payload, next(2) == 0);
        if let Effect::Receive(Inbound::Readings(readings), _) = decoded.effect {
            for reading in readings.iter().flatten() {
                assert!(payload.len() >= reading.raw.len());
            }
        }
    }
}
