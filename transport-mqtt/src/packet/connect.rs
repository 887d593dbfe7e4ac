//! CONNECT: the first packet of a connection, which says what the others look like.

use std::num::NonZeroU32;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use rmqtt_codec::types::{MQTT_LEVEL_5, MQTT_LEVEL_311};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::Decoder as _;

use crate::packet::cursor::Cursor;
use crate::packet::expiry;
use crate::packet::text::{check_ignored_text, check_text, check_topic_name};
use crate::packet::{Frame, Version, Violation};

/// What a client asks for.
#[derive(Debug)]
pub(crate) struct Connect {
    pub(crate) version: Version,
    /// Empty where the server is to choose it.
    pub(crate) client_id: String,
    /// Clean Session, or Clean Start.
    pub(crate) clean_start: bool,
    /// In seconds; 0 for none.
    pub(crate) keep_alive: u16,
    pub(crate) will: Option<Will>,
    /// The largest packet that the client takes.
    pub(crate) maximum_packet_size: Option<NonZeroU32>,
    /// How many unacknowledged messages the client takes.
    pub(crate) receive_maximum: u16,
    /// Whether the session was to outlive the connection.
    pub(crate) expires_later: bool,
    /// Whether the client wants enhanced authentication.
    pub(crate) has_authentication_method: bool,
}

/// What is to be published when the connection is lost.
#[derive(Clone, Debug)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) retain: bool,
}

/// Why a CONNECT was not understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ConnectError {
    /// It is wrong; the version, where it could be told.
    Wrong(Option<Version>, Violation),
    /// It is that of another version; how the refusal is to be written.
    UnsupportedVersion(Version),
}

/// Reads a CONNECT, given as its whole frame.
pub(crate) fn decode_connect(frame: Frame, mut octets: BytesMut) -> Result<Connect, ConnectError> {
    let version = version(frame.body(&octets))?;
    let wrong = |violation| ConnectError::Wrong(Some(version), violation);
    let (flags, will_properties) = check_layout(frame, &octets, version).map_err(wrong)?;
    expiry::lengthen_zero(&mut octets[will_properties]);
    let octets = with_clean_start(frame, octets);
    match version {
        Version::V3 => decode_v3(octets, flags),
        Version::V5 => decode_v5(octets, flags),
    }
    .map_err(wrong)
}

fn version(body: &[u8]) -> Result<Version, ConnectError> {
    let unknown = |violation| ConnectError::Wrong(None, violation);
    let mut cursor = Cursor::new(body);
    let name = cursor.prefixed().map_err(unknown)?;
    let level = cursor.octet().map_err(unknown)?;
    match (name, level) {
        (b"MQTT", MQTT_LEVEL_311) => Ok(Version::V3),
        (b"MQTT", MQTT_LEVEL_5) => Ok(Version::V5),
        (b"MQTT", level) if level > MQTT_LEVEL_5 => {
            Err(ConnectError::UnsupportedVersion(Version::V5))
        }
        (b"MQTT" | b"MQIsdp", _) => Err(ConnectError::UnsupportedVersion(Version::V3)),
        _ => Err(unknown(Violation::protocol("another protocol than MQTT"))),
    }
}

/// Checks the flags, and that the payload holds exactly what they announce. Returns the flags, and
/// where the properties of the will lie.
fn check_layout(
    frame: Frame,
    octets: &[u8],
    version: Version,
) -> Result<(u8, Range<usize>), Violation> {
    let mut cursor = Cursor::new(frame.body(octets));
    cursor.prefixed()?;
    cursor.octet()?;
    let flags = cursor.octet()?;
    if flags & RESERVED != 0 {
        return Err(Violation::malformed("a reserved flag of CONNECT is set"));
    }
    if flags & WILL == 0 && flags & (WILL_QOS | WILL_RETAIN) != 0 {
        return Err(Violation::malformed("flags of a will without a will"));
    }
    if version == Version::V3 && flags & PASSWORD != 0 && flags & USER_NAME == 0 {
        return Err(Violation::malformed("a password without a user name"));
    }
    cursor.skip(2)?; // keep-alive
    if version == Version::V5 {
        cursor.properties()?;
    }
    cursor.prefixed()?; // client id
    let mut will_properties = 0..0;
    if flags & WILL != 0 {
        if version == Version::V5 {
            let properties = cursor.properties()?;
            will_properties = expiry::range(frame, &cursor, properties);
        }
        cursor.prefixed()?; // topic
        cursor.prefixed()?; // payload
    }
    if flags & USER_NAME != 0 {
        cursor.prefixed()?;
    }
    if flags & PASSWORD != 0 {
        cursor.prefixed()?;
    }
    if !cursor.is_empty() {
        return Err(Violation::malformed("octets after the payload of CONNECT"));
    }
    Ok((flags, will_properties))
}

fn decode_v3(mut octets: BytesMut, flags: u8) -> Result<Connect, Violation> {
    let Some((v3::Packet::Connect(packet), _)) = v3::Codec::default().decode(&mut octets)? else {
        return Err(Violation::malformed("malformed CONNECT"));
    };
    check_text(&packet.client_id)?;
    if let Some(name) = &packet.username {
        check_ignored_text(name)?;
    }
    let will = packet.last_will.map(|will| Will {
        topic: will.topic.to_string(),
        payload: will.message,
        retain: will.retain,
    });
    check_will(will.as_ref())?;
    Ok(Connect {
        version: Version::V3,
        client_id: packet.client_id.to_string(),
        clean_start: flags & CLEAN_START != 0,
        keep_alive: packet.keep_alive,
        will,
        maximum_packet_size: None,
        receive_maximum: u16::MAX,
        expires_later: flags & CLEAN_START == 0,
        has_authentication_method: false,
    })
}

fn decode_v5(mut octets: BytesMut, flags: u8) -> Result<Connect, Violation> {
    let Some((v5::Packet::Connect(packet), _)) = v5::Codec::default().decode(&mut octets)? else {
        return Err(Violation::malformed("malformed CONNECT"));
    };
    check_text(&packet.client_id)?;
    for text in packet.username.iter().chain(&packet.auth_method) {
        check_ignored_text(text)?;
    }
    if packet.auth_data.is_some() && packet.auth_method.is_none() {
        return Err(Violation::protocol("authentication data without a method"));
    }
    let mut pairs = packet.user_properties.iter();
    pairs.try_for_each(|(key, value)| {
        check_ignored_text(key)?;
        check_ignored_text(value)
    })?;
    if let Some(will) = &packet.last_will {
        for text in will.content_type.iter().chain(&will.response_topic) {
            check_ignored_text(text)?;
        }
    }
    let will = packet.last_will.map(|will| Will {
        topic: will.topic.to_string(),
        payload: will.message,
        retain: will.retain,
    });
    check_will(will.as_ref())?;
    Ok(Connect {
        version: Version::V5,
        client_id: packet.client_id.to_string(),
        clean_start: flags & CLEAN_START != 0,
        keep_alive: packet.keep_alive,
        will,
        maximum_packet_size: packet.max_packet_size,
        receive_maximum: packet.receive_max.map_or(u16::MAX, u16::from),
        expires_later: packet.session_expiry_interval_secs != 0,
        has_authentication_method: packet.auth_method.is_some(),
    })
}

/// Sets Clean Start: the codec refuses packets that have neither it nor a client id, where MQTT
/// 3.1.1 wants a CONNACK and MQTT 5 lets the server choose an id.
fn with_clean_start(frame: Frame, mut octets: BytesMut) -> BytesMut {
    if let Some(flags) = octets.get_mut(frame.header_length + FLAGS_OFFSET) {
        *flags |= CLEAN_START;
    }
    octets
}

fn check_will(will: Option<&Will>) -> Result<(), Violation> {
    will.map_or(Ok(()), |will| check_topic_name(&will.topic))
}

/// Where the flags lie: after the name of the protocol, `MQTT` with its length, and its level.
const FLAGS_OFFSET: usize = 7;

const USER_NAME: u8 = 0b1000_0000;
const PASSWORD: u8 = 0b0100_0000;
const WILL_RETAIN: u8 = 0b0010_0000;
const WILL_QOS: u8 = 0b0001_1000;
const WILL: u8 = 0b0000_0100;
const CLEAN_START: u8 = 0b0000_0010;
const RESERVED: u8 = 0b0000_0001;
