//! Packets that are wrong end their own connection, with the right reason, and no other.

use crate::support::client::Client;
use crate::support::packet::{
    Connect, PINGREQ, PINGRESP, PUBACK, frame, length, prefixed, publish, subscribe, unsubscribe,
    with_id,
};
use crate::support::server::Server;
use crate::support::topics::reading;

/// What is wrong, the octets, and the reason that MQTT 5 is told.
type Case = (&'static str, Vec<u8>, u8);

#[tokio::test]
async fn each_ends_its_connection() {
    let server = Server::start().await;
    let victim = server.device();
    let mut witness = server.connect(&victim, 5).await;
    let device = server.device();
    let own = device.readings();
    for level in [4, 5] {
        let mut cases = headers();
        cases.extend(acknowledgements(level, &device.id.to_string()));
        cases.extend(subscriptions(level));
        cases.extend(messages(level, &own));
        cases.extend(match level {
            5 => properties(&own),
            _ => vec![("a DISCONNECT with a body", vec![0xe0, 1, 0], 0x81)],
        });
        for (what, octets, reason) in cases {
            let mut client = server.connect(&device, level).await;
            client.send(&octets).await;
            let told = (level == 5).then_some(reason);
            assert_eq!(client.end_reason().await, told, "level {level}: {what}");
        }
    }
    alive(&mut witness, &victim.readings()).await;
}

fn headers() -> Vec<Case> {
    vec![
        ("type 0", vec![0, 0], 0x81),
        ("a CONNACK", vec![0x20, 2, 0, 0], 0x82),
        ("a SUBACK", vec![0x90, 3, 0, 1, 0], 0x82),
        ("an UNSUBACK", vec![0xb0, 2, 0, 1], 0x82),
        ("a PINGRESP", vec![0xd0, 0], 0x82),
        ("an AUTH", vec![0xf0, 0], 0x82),
        ("flags of PINGREQ", vec![0xc1, 0], 0x81),
        ("flags of SUBSCRIBE", vec![0x80, 2, 0, 1], 0x81),
        ("flags of PUBREL", vec![0x60, 2, 0, 1], 0x81),
        (
            "five octets",
            vec![0x30, 0xff, 0xff, 0xff, 0xff, 0x01],
            0x81,
        ),
        ("a length too long", vec![0x30, 0x80, 0x80, 0x00], 0x81),
        ("a huge PUBLISH", vec![0x30, 0xff, 0xff, 0xff, 0x7f], 0x95),
        ("a huge SUBSCRIBE", vec![0x82, 0x81, 0x80, 0x01], 0x97),
    ]
}

fn acknowledgements(level: u8, client_id: &str) -> Vec<Case> {
    vec![
        (
            "a second CONNECT",
            Connect::new(level, client_id).encode(),
            0x82,
        ),
        ("a PUBREC for nothing", with_id(0x50, 1), 0x82),
        ("a PUBCOMP for nothing", with_id(0x70, 1), 0x82),
        ("a PUBACK with id 0", with_id(0x40, 0), 0x81),
        ("a PUBACK that is cut off", vec![0x40, 1, 0], 0x81),
        ("a PUBREL with id 0", with_id(0x62, 0), 0x81),
        ("a PINGREQ with a body", vec![0xc0, 1, 0], 0x81),
    ]
}

fn subscriptions(level: u8) -> Vec<Case> {
    let subscribe = |id: u16, filters: &[(&str, u8)]| subscribe(level, id, filters);
    let empty = if level == 5 { 0x81 } else { 0x82 };
    vec![
        ("packet id 0", subscribe(0, &[("a", 0)]), 0x81),
        ("no filters", subscribe(1, &[]), 0x82),
        ("an empty filter", subscribe(1, &[("", 0)]), empty),
        ("a filter with U+0000", subscribe(1, &[("a\0", 0)]), 0x81),
        ("QoS 3", subscribe(1, &[("a", 3)]), 0x81),
        ("reserved bits", subscribe(1, &[("a", 0x40)]), 0x81),
        ("no filters to end", unsubscribe(level, 1, &[]), 0x82),
    ]
}

fn messages(level: u8, own: &str) -> Vec<Case> {
    let publish = |flags: u8, topic: &[u8], id: u16| publish(level, flags, topic, id, b"{}");
    let with = |text: &str| format!("{own}{text}").into_bytes();
    vec![
        ("QoS 3", publish(0b0110, own.as_bytes(), 1), 0x81),
        ("DUP at QoS 0", publish(0b1000, own.as_bytes(), 1), 0x81),
        ("packet id 0", publish(0b0010, own.as_bytes(), 0), 0x81),
        ("no UTF-8", publish(0, b"\xff\xfe", 0), 0x81),
        ("a surrogate", publish(0, b"\xed\xa0\x80", 0), 0x81),
        ("an overlong form", publish(0, b"\xc0\x80", 0), 0x81),
        ("U+0000", publish(0, &with("\0"), 0), 0x81),
        ("a control character", publish(0, &with("\u{7}"), 0), 0x81),
        ("a noncharacter", publish(0, &with("\u{ffff}"), 0), 0x81),
        ("no topic", publish(0, b"", 0), 0x90),
        ("a wildcard", publish(0, &with("/+"), 0), 0x90),
        ("another wildcard", publish(0, b"#", 0), 0x90),
        ("another topic", publish(0, &with("/a"), 0), 0x87),
        ("a long topic", publish(0, &[b'a'; 4000], 0), 0x87),
    ]
}

/// What only MQTT 5 has.
fn properties(own: &str) -> Vec<Case> {
    let with = |properties: &[u8]| {
        let mut body = prefixed(own.as_bytes());
        body.extend(length(properties.len()));
        body.extend(properties);
        frame(0x30, &body)
    };
    let expiry = vec![0xe0, 7, 0, 5, 0x11, 0, 0, 0, 1];
    vec![
        ("a topic alias", with(b"\x23\0\x01"), 0x94),
        ("a subscription identifier", with(b"\x0b\x01"), 0x82),
        ("a property of CONNECT", with(b"\x11\0\0\0\0"), 0x81),
        ("a property twice", with(b"\x01\x01\x01\x01"), 0x81),
        ("too many properties", with(&[0; 8193]), 0x97),
        ("an expiry not asked for", expiry, 0x82),
    ]
}

#[tokio::test]
async fn the_first_packet_is_a_connect() {
    let server = Server::start().await;
    let device = server.device();
    for octets in [
        PINGREQ.to_vec(),
        publish(4, 0, device.readings().as_bytes(), 0, b"{}"),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0x10, 0xff, 0xff, 0xff, 0x7f],
        vec![0x11, 0],
        b"\x10\x0c\0\x04HTTP\x04\x02\0\x3c\0\0".to_vec(),
    ] {
        let mut client = server.tls(&device).await;
        client.send(&octets).await;
        assert!(client.ended().await.is_empty(), "{octets:02x?}");
    }
    assert_eq!(server.endpoint.stats().refused_protocol, 6);
    assert!(server.inbox.events().is_empty());
}

#[tokio::test]
async fn a_packet_may_come_octet_by_octet() {
    let server = Server::start().await;
    let device = server.device();
    let mut client = server.tls(&device).await;
    let mut octets = Connect::new(5, device.id).encode();
    octets.extend(publish(5, 2, device.readings().as_bytes(), 1, &reading(1)));
    for octet in octets {
        client.send(&[octet]).await;
    }
    assert_eq!(client.packet().await.body[1], 0);
    assert_eq!(client.packet().await.kind(), PUBACK);
}

#[tokio::test]
async fn random_packets_harm_no_one() {
    let server = Server::start().await;
    let victim = server.device();
    let mut witness = server.connect(&victim, 5).await;
    let attacker = server.device();
    let mut random = Random(0x1234_5678_9abc_def1);
    for round in 0..300 {
        let level = 4 + u8::try_from(round % 2).unwrap();
        let topic = attacker.readings();
        let mut session = Vec::new();
        for seed in [
            publish(level, 2, topic.as_bytes(), 1, &reading(1)),
            subscribe(level, 2, &[(&topic, 1)]),
            publish(level, 4, topic.as_bytes(), 3, &reading(3)),
            with_id(0x62, 3),
            PINGREQ.to_vec(),
        ] {
            session.extend(random.mutate(&seed));
        }
        let mut client = server.tls(&attacker).await;
        let connect = Connect::new(level, attacker.id).encode();
        let connect = if round % 5 == 0 {
            random.mutate(&connect)
        } else {
            connect
        };
        let _ = client.try_send(&[connect, session].concat()).await;
        drop(client);
        if round % 20 == 0 {
            alive(&mut witness, &victim.readings()).await;
        }
    }
    alive(&mut witness, &victim.readings()).await;
    drop(witness);
    let (inbox, endpoint) = server.stop().await;
    let stats = endpoint.stats();
    assert_eq!((stats.sessions_live, stats.sessions_closing), (0, 0));
    let closed =
        inbox.count(|event| matches!(event, fieldgate_core::testing::transport::Event::Closed(_)));
    assert_eq!(closed as u64, stats.sessions_opened);
}

async fn alive(client: &mut Client, topic: &str) {
    client.publish(topic, 1, &reading(1)).await;
    assert_eq!(client.packet().await.kind(), PUBACK);
    client.send(&PINGREQ).await;
    assert_eq!(client.packet().await.kind(), PINGRESP);
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut octets = seed.to_vec();
        if self.below(3) == 0 {
            return octets;
        }
        let at = self.below(octets.len());
        let octet = u8::try_from(self.below(256)).unwrap();
        match self.below(4) {
            0 => octets.truncate(at),
            1 => octets.insert(at, octet),
            2 => octets[at] ^= 1 << (octet % 8),
            _ => octets[at] = octet,
        }
        octets
    }
}
