//! MQTT packets, built by hand so that they can also be wrong.

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// MQTT 3.1.1.
    V4,
    /// MQTT 5.
    V5,
}

/// A CONNECT packet.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The version.
    pub version: Version,
    /// The client identifier.
    pub client_id: String,
    /// Clean Session (5: Clean Start).
    pub clean: bool,
    /// In seconds.
    pub keep_alive: u16,
    /// The topic and the payload of the will.
    pub will: Option<(String, Vec<u8>)>,
}

/// A packet as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    /// The upper half of the first octet.
    pub kind: u8,
    /// The lower half.
    pub flags: u8,
    /// What follows the length.
    pub body: Vec<u8>,
}

impl Connect {
    /// An ordinary one.
    #[must_use]
    pub fn new(version: Version, client_id: impl Into<String>) -> Self {
        Self {
            version,
            client_id: client_id.into(),
            clean: true,
            keep_alive: 60,
            will: None,
        }
    }

    /// With another keep-alive time.
    #[must_use]
    pub const fn keep_alive(mut self, seconds: u16) -> Self {
        self.keep_alive = seconds;
        self
    }

    /// With a will at QoS 1.
    #[must_use]
    pub fn will(mut self, topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        self.will = Some((topic.into(), payload.into()));
        self
    }

    /// Without Clean Session.
    #[must_use]
    pub const fn unclean(mut self) -> Self {
        self.clean = false;
        self
    }

    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = string(b"MQTT");
        body.push(match self.version {
            Version::V4 => 4,
            Version::V5 => 5,
        });
        let will_flags = if self.will.is_some() { 0b0000_1100 } else { 0 };
        body.push(u8::from(self.clean) << 1 | will_flags);
        body.extend(self.keep_alive.to_be_bytes());
        body.extend(no_properties(self.version));
        body.extend(string(self.client_id.as_bytes()));
        if let Some((topic, payload)) = &self.will {
            body.extend(no_properties(self.version));
            body.extend(string(topic.as_bytes()));
            body.extend(string(payload));
        }
        packet(CONNECT, 0, &body)
    }
}

/// A PUBLISH; `id` counts for QoS 1 and 2 only.
#[must_use]
pub fn publish(version: Version, topic: &str, payload: &[u8], qos: u8, id: u16) -> Vec<u8> {
    let mut body = string(topic.as_bytes());
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(no_properties(version));
    body.extend(payload);
    packet(PUBLISH, qos << 1, &body)
}

/// The same packet with the retain flag.
#[must_use]
pub fn retained(mut publish: Vec<u8>) -> Vec<u8> {
    publish[0] |= 1;
    publish
}

/// The same packet with the duplicate flag.
#[must_use]
pub fn duplicate(mut publish: Vec<u8>) -> Vec<u8> {
    publish[0] |= 0b1000;
    publish
}

/// A SUBSCRIBE at QoS 1.
#[must_use]
pub fn subscribe(version: Version, id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(no_properties(version));
    for filter in filters {
        body.extend(string(filter.as_bytes()));
        body.push(1);
    }
    packet(SUBSCRIBE, 0b0010, &body)
}

/// An UNSUBSCRIBE.
#[must_use]
pub fn unsubscribe(version: Version, id: u16, filter: &str) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(no_properties(version));
    body.extend(string(filter.as_bytes()));
    packet(UNSUBSCRIBE, 0b0010, &body)
}

/// A PUBREL.
#[must_use]
pub fn pubrel(id: u16) -> Vec<u8> {
    packet(PUBREL, 0b0010, &id.to_be_bytes())
}

/// A PUBACK.
#[must_use]
pub fn puback(id: u16) -> Vec<u8> {
    packet(PUBACK, 0, &id.to_be_bytes())
}

/// A PINGREQ.
#[must_use]
pub fn pingreq() -> Vec<u8> {
    packet(PINGREQ, 0, &[])
}

/// A DISCONNECT.
#[must_use]
pub fn disconnect() -> Vec<u8> {
    packet(DISCONNECT, 0, &[])
}

/// Any packet.
#[must_use]
pub fn packet(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind << 4 | flags];
    octets.extend(variable_length(body.len()));
    octets.extend(body);
    octets
}

impl Packet {
    /// Takes the first packet out of what has come, if it is complete.
    ///
    /// # Panics
    ///
    /// Where its length is malformed.
    pub fn take(from: &mut Vec<u8>) -> Option<Self> {
        let first = *from.first()?;
        let mut length = 0;
        let mut octets = 1;
        loop {
            let octet = *from.get(octets)?;
            length |= usize::from(octet & 0x7f) << (7 * (octets - 1));
            octets += 1;
            if octet & 0x80 == 0 {
                break;
            }
            assert!(octets <= 5, "a length takes at most four octets");
        }
        if from.len() < octets + length {
            return None;
        }
        let body = from[octets..octets + length].to_vec();
        from.drain(..octets + length);
        Some(Self {
            kind: first >> 4,
            flags: first & 0x0f,
            body,
        })
    }

    /// The packet identifier of an answer.
    #[must_use]
    pub fn id(&self) -> u16 {
        u16::from_be_bytes([self.body[0], self.body[1]])
    }

    /// The return code (5: reason code) of a CONNACK.
    #[must_use]
    pub fn connack_code(&self) -> u8 {
        self.body[1]
    }

    /// The reason code of a PUBACK or PUBREC; 0 where it has none.
    #[must_use]
    pub fn ack_reason(&self) -> u8 {
        self.body.get(2).copied().unwrap_or(0)
    }

    /// The reason code of a DISCONNECT; 0 where it has none.
    #[must_use]
    pub fn disconnect_reason(&self) -> u8 {
        self.body.first().copied().unwrap_or(0)
    }

    /// The codes of a SUBACK or UNSUBACK.
    #[must_use]
    pub fn codes(&self, version: Version) -> Vec<u8> {
        self.body[2 + self.properties(version, 2)..].to_vec()
    }

    /// The topic and the payload of a PUBLISH.
    ///
    /// # Panics
    ///
    /// Where it is none.
    #[must_use]
    pub fn message(&self, version: Version) -> (String, Vec<u8>) {
        assert_eq!(self.kind, PUBLISH, "{self:?}");
        let length = usize::from(u16::from_be_bytes([self.body[0], self.body[1]]));
        let topic = String::from_utf8(self.body[2..2 + length].to_vec());
        let mut at = 2 + length;
        if self.flags & 0b0110 != 0 {
            at += 2;
        }
        at += self.properties(version, at);
        (topic.expect("a topic is UTF-8"), self.body[at..].to_vec())
    }

    /// The packet identifier of a PUBLISH at QoS 1.
    #[must_use]
    pub fn message_id(&self) -> Option<u16> {
        if self.flags & 0b0110 == 0 {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([self.body[0], self.body[1]]));
        let at = 2 + length;
        Some(u16::from_be_bytes([self.body[at], self.body[at + 1]]))
    }

    /// How many octets the properties take, with their length, which is below 128 here.
    fn properties(&self, version: Version, at: usize) -> usize {
        match version {
            Version::V4 => 0,
            Version::V5 => 1 + usize::from(self.body[at]),
        }
    }
}

fn string(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).expect("a string has at most 65,535 octets");
    [&length.to_be_bytes(), octets].concat()
}

fn no_properties(version: Version) -> Option<u8> {
    (version == Version::V5).then_some(0)
}

fn variable_length(mut length: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    loop {
        let low = u8::try_from(length & 0x7f).expect("seven bits");
        length >>= 7;
        if length == 0 {
            octets.push(low);
            return octets;
        }
        octets.push(low | 0x80);
    }
}

/// The kinds of packets.
pub const CONNECT: u8 = 1;
/// The answer to CONNECT.
pub const CONNACK: u8 = 2;
/// A message.
pub const PUBLISH: u8 = 3;
/// The answer to a message at QoS 1.
pub const PUBACK: u8 = 4;
/// The first answer to a message at QoS 2.
pub const PUBREC: u8 = 5;
/// The release of a message at QoS 2.
pub const PUBREL: u8 = 6;
/// The last answer to a message at QoS 2.
pub const PUBCOMP: u8 = 7;
/// A subscription.
pub const SUBSCRIBE: u8 = 8;
/// The answer to a subscription.
pub const SUBACK: u8 = 9;
/// The end of a subscription.
pub const UNSUBSCRIBE: u8 = 10;
/// The answer to it.
pub const UNSUBACK: u8 = 11;
/// A sign of life.
pub const PINGREQ: u8 = 12;
/// The answer to it.
pub const PINGRESP: u8 = 13;
/// The end of the connection.
pub const DISCONNECT: u8 = 14;
