//! Packets, built by hand.

/// A packet of the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Packet {
    pub(crate) first: u8,
    pub(crate) body: Vec<u8>,
}

impl Packet {
    pub(crate) const fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// The first two octets of the body.
    pub(crate) fn packet_id(&self) -> u16 {
        u16::from_be_bytes([self.body[0], self.body[1]])
    }
}

pub(crate) const CONNACK: u8 = 2;
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const PUBACK: u8 = 4;
pub(crate) const PUBREC: u8 = 5;
pub(crate) const PUBCOMP: u8 = 7;
pub(crate) const SUBACK: u8 = 9;
pub(crate) const UNSUBACK: u8 = 11;
pub(crate) const PINGRESP: u8 = 13;

pub(crate) const PINGREQ: [u8; 2] = [0xc0, 0];

/// What a CONNECT says.
#[derive(Clone, Debug)]
pub(crate) struct Connect {
    pub(crate) level: u8,
    pub(crate) client_id: String,
    pub(crate) clean: bool,
    pub(crate) keep_alive: u16,
    /// Topic, payload, and whether it is retained.
    pub(crate) will: Option<(String, Vec<u8>, bool)>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
    pub(crate) properties: Vec<u8>,
}

impl Connect {
    pub(crate) fn new(level: u8, client_id: impl std::fmt::Display) -> Self {
        Self {
            level,
            client_id: format!("{client_id}"),
            clean: true,
            keep_alive: 60,
            will: None,
            user: None,
            password: None,
            properties: Vec::new(),
        }
    }

    pub(crate) fn will(mut self, topic: &str, payload: &[u8], retain: bool) -> Self {
        self.will = Some((topic.to_owned(), payload.to_vec(), retain));
        self
    }

    pub(crate) const fn keep_alive(mut self, secs: u16) -> Self {
        self.keep_alive = secs;
        self
    }

    pub(crate) fn properties(mut self, properties: &[u8]) -> Self {
        self.properties = properties.to_vec();
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = prefixed(b"MQTT");
        let mut flags = 0;
        if self.clean {
            flags |= 0x02;
        }
        if let Some((_, _, retain)) = &self.will {
            flags |= 0x04 | 0x08 | if *retain { 0x20 } else { 0 };
        }
        if self.user.is_some() {
            flags |= 0x80;
        }
        if self.password.is_some() {
            flags |= 0x40;
        }
        body.extend([self.level, flags]);
        body.extend(self.keep_alive.to_be_bytes());
        if self.level == 5 {
            body.extend(length(self.properties.len()));
            body.extend(&self.properties);
        }
        body.extend(prefixed(self.client_id.as_bytes()));
        if let Some((topic, payload, _)) = &self.will {
            if self.level == 5 {
                body.push(0);
            }
            body.extend(prefixed(topic.as_bytes()));
            body.extend(prefixed(payload));
        }
        if let Some(user) = &self.user {
            body.extend(prefixed(user.as_bytes()));
        }
        if let Some(password) = &self.password {
            body.extend(prefixed(password));
        }
        frame(0x10, &body)
    }
}

/// A PUBLISH; the packet id is written for QoS 1 and 2.
pub(crate) fn publish(
    level: u8,
    flags: u8,
    topic: &[u8],
    packet_id: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut body = prefixed(topic);
    if flags & 0b0110 != 0 {
        body.extend(packet_id.to_be_bytes());
    }
    if level == 5 {
        body.push(0);
    }
    body.extend(payload);
    frame(0x30 | flags, &body)
}

pub(crate) fn subscribe(level: u8, packet_id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if level == 5 {
        body.push(0);
    }
    for (filter, options) in filters {
        body.extend(prefixed(filter.as_bytes()));
        body.push(*options);
    }
    frame(0x82, &body)
}

pub(crate) fn unsubscribe(level: u8, packet_id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if level == 5 {
        body.push(0);
    }
    for filter in filters {
        body.extend(prefixed(filter.as_bytes()));
    }
    frame(0xa2, &body)
}

/// A packet that is an id and nothing else.
pub(crate) fn with_id(first: u8, packet_id: u16) -> Vec<u8> {
    frame(first, &packet_id.to_be_bytes())
}

pub(crate) fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![first];
    octets.extend(length(body.len()));
    octets.extend(body);
    octets
}

pub(crate) fn prefixed(octets: &[u8]) -> Vec<u8> {
    let mut prefixed = u16::try_from(octets.len()).unwrap().to_be_bytes().to_vec();
    prefixed.extend(octets);
    prefixed
}

pub(crate) fn length(mut length: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    loop {
        let octet = u8::try_from(length % 128).unwrap();
        length /= 128;
        octets.push(if length > 0 { octet | 0x80 } else { octet });
        if length == 0 {
            return octets;
        }
    }
}
