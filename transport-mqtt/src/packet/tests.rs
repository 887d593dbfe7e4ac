//! Tests of [`super`]: the cases of the standards, and random ones.

use bytes::BytesMut;

use super::*;

const LIMITS: FrameLimits = FrameLimits {
    publish_max: 10_000,
    control_max: 1000,
};

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![first];
    match body.len() {
        0..=127 => octets.push(u8::try_from(body.len()).unwrap()),
        length => {
            octets.push(u8::try_from(length % 128).unwrap() | 0x80);
            octets.push(u8::try_from(length / 128).unwrap());
        }
    }
    octets.extend(body);
    octets
}

fn decode(version: Version, octets: &[u8]) -> Result<ClientPacket, Violation> {
    let mut buffer = BytesMut::from(octets);
    let frame = Frame::read(&buffer, Some(version), LIMITS)?.expect("a fixed header");
    assert!(frame.is_complete(&buffer));
    let packet = Decoder::new(version, 100).decode(frame, &mut buffer)?;
    assert!(buffer.is_empty());
    Ok(packet)
}

fn connect(octets: &[u8]) -> Result<Connect, ConnectError> {
    let frame = Frame::read(octets, None, LIMITS).unwrap().unwrap();
    decode_connect(frame, BytesMut::from(octets))
}

const V3_FIXED: &[u8] = b"\0\x04MQTT\x04";

fn connect_v3(flags: u8, payload: &[u8]) -> Vec<u8> {
    frame(0x10, &[V3_FIXED, &[flags, 0, 60], payload].concat())
}

fn connect_v5(flags: u8, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = [u8::try_from(properties.len()).unwrap()];
    let fixed: &[u8] = b"\0\x04MQTT\x05";
    let parts = [fixed, &[flags, 0, 60], &length, properties, payload];
    frame(0x10, &parts.concat())
}

#[test]
fn a_connect_is_read() {
    let read = connect(&connect_v3(0xee, b"\0\x01a\0\x01t\0\x02{}\0\x01u\0\x01p")).unwrap();
    assert_eq!((read.version, read.client_id.as_str()), (Version::V3, "a"));
    assert_eq!(read.keep_alive, 60);
    let will = read.will.unwrap();
    assert_eq!((will.topic.as_str(), will.retain), ("t", true));
    assert_eq!(will.payload, "{}");

    let properties = b"\x11\0\0\0\x05\x21\0\x0a\x27\0\0\x01\0";
    let read = connect(&connect_v5(0x00, properties, b"\0\0")).unwrap();
    assert_eq!((read.version, read.client_id.as_str()), (Version::V5, ""));
    assert!(!read.clean_start && read.expires_later);
    assert_eq!(read.receive_maximum, 10);
    assert_eq!(read.maximum_packet_size.unwrap().get(), 256);
}

#[test]
fn no_client_id_without_clean_session_is_left_to_the_session() {
    let read = connect(&connect_v3(0x00, b"\0\0")).unwrap();
    assert!(!read.clean_start && read.client_id.is_empty());
}

#[test]
fn other_protocols_and_versions_are_told_apart() {
    let with_name = |name: &[u8], level: u8| {
        let length = u16::try_from(name.len()).unwrap().to_be_bytes();
        let parts = [&length[..], name, &[level, 2, 0, 60, 0, 1, b'a']];
        connect(&frame(0x10, &parts.concat()))
    };
    let unsupported = |version| Err(ConnectError::UnsupportedVersion(version));
    assert_eq!(with_name(b"MQIsdp", 3).map(drop), unsupported(Version::V3));
    assert_eq!(with_name(b"MQTT", 3).map(drop), unsupported(Version::V3));
    assert_eq!(with_name(b"MQTT", 6).map(drop), unsupported(Version::V5));
    for (name, level) in [(&b"HTTP"[..], 4), (b"mqtt", 4), (b"", 4)] {
        let refused = with_name(name, level).map(drop);
        assert!(matches!(refused, Err(ConnectError::Wrong(None, _))));
    }
}

#[test]
fn a_connect_keeps_to_its_flags() {
    for octets in [
        connect_v3(0x03, b"\0\x01a"),                          // reserved flag
        connect_v3(0x0a, b"\0\x01a"),                          // will QoS without will
        connect_v3(0x22, b"\0\x01a"),                          // will retain without will
        connect_v3(0x1e, b"\0\x01a\0\x01t\0\0"),               // will QoS 3
        connect_v3(0x42, b"\0\x01a\0\x01p"),                   // password without user name
        connect_v3(0x02, b"\0\x01a\0"),                        // something after the payload
        connect_v3(0x82, b"\0\x01a"),                          // no user name
        connect_v3(0x02, b"\0\x02a"),                          // cut off
        connect_v3(0x02, b"\0\x01\xff"),                       // not UTF-8
        connect_v3(0x02, b"\0\x03\xed\xa0\x80"),               // a surrogate
        connect_v3(0x02, b"\0\x02a\0"),                        // U+0000
        connect_v3(0x02, b"\0\x02a\n"),                        // a control character
        connect_v3(0x82, b"\0\x01a\0\x01\0"),                  // U+0000 in the user name
        connect_v3(0x06, b"\0\x01a\0\0\0\0"),                  // an empty will topic
        connect_v3(0x06, b"\0\x01a\0\x01#\0\0"),               // a wildcard
        connect_v5(0x02, b"\x21\0\0", b"\0\x01a"),             // Receive Maximum 0
        connect_v5(0x02, b"\x27\0\0\0\0", b"\0\x01a"),         // Maximum Packet Size 0
        connect_v5(0x02, b"\x21\0\x01\x21\0\x01", b"\0\x01a"), // twice
        connect_v5(0x02, b"\x01\0", b"\0\x01a"),               // a property of PUBLISH
        connect_v5(0x02, b"\x16\0\x01x", b"\0\x01a"),          // data without a method
        connect_v5(0x02, b"\x26\0\x01\0\0\0", b"\0\x01a"),     // U+0000 in a property
        connect_v5(0x0a, b"", b"\0\x01a"),                     // will QoS without will
    ] {
        let refused = connect(&octets).map(drop);
        assert!(
            matches!(refused, Err(ConnectError::Wrong(Some(_), _))),
            "{octets:02x?}: {refused:?}"
        );
    }
}

#[test]
fn well_formed_packets_are_read() {
    for (version, octets) in seeds() {
        let read = decode(version, &octets);
        assert!(read.is_ok(), "{version:?} {octets:02x?}: {read:?}");
    }
}

#[test]
fn malformed_packets_are_refused() {
    use Version::{V3, V5};
    let both: [(u8, &[u8]); 19] = [
        (0x30, b""),                     // no topic
        (0x30, b"\0\0"),                 // an empty one, and no alias
        (0x30, b"\0\x02a"),              // cut off
        (0x30, b"\0\x01\xff\0"),         // not UTF-8
        (0x30, b"\0\x02a\0\0"),          // U+0000
        (0x30, b"\0\x01\x1f\0"),         // a control character
        (0x30, b"\0\x02\xc2\x85\0"),     // another one
        (0x30, b"\0\x03\xef\xbf\xbe\0"), // a noncharacter
        (0x30, b"\0\x03\xed\xa0\x80\0"), // a surrogate
        (0x30, b"\0\x01+\0"),            // wildcards
        (0x30, b"\0\x03a/#\0"),
        (0x32, b"\0\x01a\0\0\0"), // packet id 0
        (0x32, b"\0\x01a\0"),     // no packet id
        (0x40, b"\0\0"),          // packet id 0
        (0x62, b"\0"),            // no packet id
        (0x82, b"\0\0\0\x01a\0"), // packet id 0
        (0xc0, b"\0"),            // a body
        (0x50, b"\0\x01"),        // a PUBREC, of which a server has no use
        (0x70, b"\0\x01"),        // nor of a PUBCOMP
    ];
    for (first, body) in both {
        for version in [V3, V5] {
            let read = decode(version, &frame(first, body));
            assert!(
                read.is_err(),
                "{version:?} {first:02x} {body:02x?}: {read:?}"
            );
        }
    }
    let single: [(Version, u8, &[u8]); 22] = [
        (V3, 0x40, b"\0\x01\0"),
        (V3, 0x82, b"\0\x01"),            // no filter
        (V3, 0x82, b"\0\x01\0\0\0"),      // an empty one
        (V3, 0x82, b"\0\x01\0\x01a\x03"), // QoS 3
        (V3, 0x82, b"\0\x01\0\x01a\x04"), // a reserved bit
        (V3, 0x82, b"\0\x01\0\x01a"),     // no QoS
        (V3, 0xa2, b"\0\x01"),
        (V3, 0xa2, b"\0\x01\0\0"),
        (V3, 0xe0, b"\0"),
        (V5, 0x82, b"\0\x01\0"),
        (V5, 0x82, b"\0\x01\0\0\0\0"),
        (V5, 0x82, b"\0\x01\0\0\x01a\x03"),           // QoS 3
        (V5, 0x82, b"\0\x01\0\0\x01a\x30"),           // retain handling 3
        (V5, 0x82, b"\0\x01\0\0\x01a\x40"),           // a reserved bit
        (V5, 0x82, b"\0\x01\x02\x0b\x05\0\x01a\x01"), // a subscription identifier
        (V5, 0xa2, b"\0\x01\0"),
        (V5, 0xa2, b"\0\x01\0\0\0"),
        (V5, 0x30, b"\0\x01a\x03\x23\0\x01"),  // a topic alias
        (V5, 0x30, b"\0\x01a\x02\x0b\x01"),    // a subscription identifier
        (V5, 0x30, b"\0\x01a\x04\x08\0\x01#"), // a response topic with a wildcard
        (V5, 0x30, b"\0\x01a\x05"),            // fewer properties than promised
        (V5, 0xe0, b"\0\x04\x1c\0\x01a"),      // a server reference
    ];
    for (version, first, body) in single {
        let read = decode(version, &frame(first, body));
        assert!(
            read.is_err(),
            "{version:?} {first:02x} {body:02x?}: {read:?}"
        );
    }
}

#[test]
fn reasons_are_those_of_the_standard() {
    use DisconnectReasonCode as Code;
    let cases: [(u8, &[u8], Code); 6] = [
        (0x30, b"\0\x01+\0", Code::TopicNameInvalid),
        (0x30, b"\0\x01a\x03\x23\0\x01", Code::TopicAliasInvalid),
        (0x30, b"\0\x01\xff\0", Code::MalformedPacket),
        (0x32, b"\0\x01a\0\0\0", Code::MalformedPacket),
        (
            0x82,
            b"\0\x01\x02\x0b\x05\0\x01a\x01",
            Code::SubscriptionIdentifiersNotSupported,
        ),
        (0x50, b"\0\x01", Code::ProtocolError),
    ];
    for (first, body, reason) in cases {
        let violation = decode(Version::V5, &frame(first, body)).unwrap_err();
        assert_eq!(violation.reason, reason, "{body:02x?}");
    }
}

#[test]
fn properties_are_bounded() {
    let with = |count: usize| {
        let property = b"\x26\0\x01k\0\x01v";
        let properties = property.repeat(count);
        let length = u8::try_from(properties.len()).unwrap();
        let body = [b"\0\x01a", &[length][..], &properties].concat();
        decode(Version::V5, &frame(0x30, &body))
    };
    assert!(with(14).is_ok()); // 98 octets
    let refused = with(15).unwrap_err();
    assert_eq!(refused.reason, DisconnectReasonCode::QuotaExceeded);
}

#[test]
fn nothing_that_comes_makes_it_panic() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let packets = seeds();
    let connects = [
        connect_v3(0xee, b"\0\x01a\0\x01t\0\x02{}\0\x01u\0\x01p"),
        connect_v5(0x02, b"\x11\0\0\0\x05\x21\0\x0a\x27\0\0\x01\0", b"\0\x01a"),
        connect_v5(0xee, b"", b"\0\x01a\0\0\x01t\0\x02{}\0\x01u\0\x01p"),
    ];
    for round in 0..60_000 {
        let (version, seed) = &packets[random.below(packets.len())];
        let seed = match round % 4 {
            0 => &connects[random.below(connects.len())],
            _ => seed,
        };
        let octets = random.mutate(seed);
        let expected = (round % 4 != 0).then_some(*version);
        let mut buffer = BytesMut::from(&octets[..]);
        let Ok(Some(frame)) = Frame::read(&buffer, expected, LIMITS) else {
            continue;
        };
        if !frame.is_complete(&buffer) {
            continue;
        }
        match expected {
            None => drop(decode_connect(frame, buffer.split_to(frame.length))),
            Some(version) => {
                let left = buffer.len() - frame.length;
                let mut decoder = Decoder::new(version, 100);
                if decoder.decode(frame, &mut buffer).is_ok() {
                    assert_eq!(buffer.len(), left);
                }
            }
        }
    }
}

/// Packets of a client, all of them well-formed.
fn seeds() -> Vec<(Version, Vec<u8>)> {
    use Version::{V3, V5};
    let packets: [(Version, u8, &[u8]); 22] = [
        (V3, 0x30, b"\0\x01a{}"),
        (V3, 0x33, b"\0\x03a/b\0\x07{\"a\":1}"),
        (V3, 0x3c, b"\0\x01a\0\x07"),
        (V3, 0x40, b"\0\x01"),
        (V3, 0x62, b"\0\x01"),
        (V3, 0x82, b"\0\x01\0\x01a\x01\0\x01#\x02"),
        (V3, 0xa2, b"\0\x01\0\x01a"),
        (V3, 0xc0, b""),
        (V3, 0xe0, b""),
        (V5, 0x30, b"\0\x01a\0{}"),
        (V5, 0x35, b"\0\x01a\0\x01\x02\x01\x01{}"),
        (
            V5,
            0x30,
            b"\0\x01a\x16\x02\0\0\0\x01\x03\0\x01c\x08\0\x01r\x09\0\x01d\x26\0\0\0\0{}",
        ),
        (V5, 0x40, b"\0\x01"),
        (V5, 0x40, b"\0\x01\x10\0"),
        (V5, 0x62, b"\0\x01\x92"),
        (V5, 0x62, b"\0\x01\0\x07\x26\0\x01k\0\x01v"),
        (V5, 0x82, b"\0\x01\0\0\x01a\x2d\0\x0a$share/a/b\x01"),
        (V5, 0xa2, b"\0\x01\0\0\x01a"),
        (V5, 0xc0, b""),
        (V5, 0xe0, b""),
        (V5, 0xe0, b"\x04"),
        (V5, 0xe0, b"\x04\x05\x11\0\0\0\0"),
    ];
    packets
        .into_iter()
        .map(|(version, first, body)| (version, frame(first, body)))
        .collect()
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn octet(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut octets = seed.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(octets.len().max(1));
            let octet = self.octet();
            match self.below(5) {
                0 => octets.truncate(at + 1),
                1 => octets.insert(at, octet),
                2 => octets[at] ^= 1 << (octet % 8),
                3 => octets.extend(vec![octet; usize::from(octet)]),
                _ => octets[at] = octet,
            }
        }
        octets
    }
}

#[test]
fn a_message_may_expire_at_once() {
    let octets = frame(0x30, b"\0\x01a\x05\x02\0\0\0\0{}");
    let ClientPacket::Publish(packet) = decode(Version::V5, &octets).unwrap() else {
        panic!("no message");
    };
    assert_eq!(
        (packet.topic.as_str(), &packet.payload[..]),
        ("a", &b"{}"[..])
    );

    let payload = b"\0\x01a\x05\x02\0\0\0\0\0\x01t\0\x02{}";
    let read = connect(&connect_v5(0x06, b"", payload)).unwrap();
    assert_eq!(read.will.unwrap().payload, "{}");
}
