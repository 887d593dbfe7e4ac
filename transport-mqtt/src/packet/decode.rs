//! Packets of a client after its CONNECT.

use std::num::NonZeroU16;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use rmqtt_codec::types::Publish;
use rmqtt_codec::{v3, v5};
use tokio_util::codec::Decoder as _;

use crate::packet::cursor::Cursor;
use crate::packet::expiry;
use crate::packet::frame::{DISCONNECT, PINGREQ, PUBLISH, SUBSCRIBE};
use crate::packet::text::{check_ignored_text, check_text, check_topic_name};
use crate::packet::{DisconnectReasonCode, Frame, QoS, Version, Violation};

/// A packet of a client.
#[derive(Debug)]
pub(crate) enum ClientPacket {
    Disconnect {
        /// Whether the will is dropped.
        is_normal: bool,
        /// Whether it asks for a session that outlives the connection.
        expires_later: bool,
    },
    PingRequest,
    PublishAck(NonZeroU16),
    PublishRelease(NonZeroU16),
    Publish(PublishPacket),
    Subscribe {
        packet_id: NonZeroU16,
        filters: Vec<(String, QoS)>,
    },
    Unsubscribe {
        packet_id: NonZeroU16,
        filters: Vec<String>,
    },
}

/// A message of a client.
#[derive(Debug)]
pub(crate) struct PublishPacket {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) retain: bool,
    pub(crate) qos: QoS,
    /// There for QoS 1 and 2.
    pub(crate) packet_id: Option<NonZeroU16>,
}

/// Reads packets of one version.
#[derive(Debug)]
pub(crate) struct Decoder {
    codec: Codec,
    properties_max: usize,
}

#[derive(Debug)]
enum Codec {
    V3(v3::Codec),
    V5(v5::Codec),
}

impl Decoder {
    /// Reads packets of `version`; no packet has more than `properties_max` octets of properties.
    pub(crate) fn new(version: Version, properties_max: usize) -> Self {
        let codec = match version {
            Version::V3 => Codec::V3(v3::Codec::default()),
            Version::V5 => Codec::V5(v5::Codec::default()),
        };
        Self {
            codec,
            properties_max,
        }
    }

    /// Takes the packet of `frame`, which is complete, from the front of `octets`.
    pub(crate) fn decode(
        &mut self,
        frame: Frame,
        octets: &mut BytesMut,
    ) -> Result<ClientPacket, Violation> {
        if let Some(properties) = self.check_layout(frame, octets)? {
            expiry::lengthen_zero(&mut octets[properties]);
        }
        match &mut self.codec {
            Codec::V3(codec) => match codec.decode(octets)? {
                Some((packet, _)) => from_v3(packet),
                None => Err(INCOMPLETE),
            },
            Codec::V5(codec) => match codec.decode(octets)? {
                Some((packet, _)) => from_v5(packet),
                None => Err(INCOMPLETE),
            },
        }
    }

    /// Checks what the codec would pass over. Returns where the properties of a message lie.
    fn check_layout(&self, frame: Frame, octets: &[u8]) -> Result<Option<Range<usize>>, Violation> {
        let body = frame.body(octets);
        match (&self.codec, frame.first_octet >> 4) {
            (_, PINGREQ) | (Codec::V3(_), DISCONNECT) if !body.is_empty() => {
                Err(Violation::malformed("a packet with a body that has none"))
            }
            (Codec::V3(_), SUBSCRIBE) => {
                let mut cursor = Cursor::new(body);
                cursor.skip(2)?; // packet id
                while !cursor.is_empty() {
                    cursor.prefixed()?;
                    if cursor.octet()? > 2 {
                        return Err(Violation::malformed("a QoS that there is not"));
                    }
                }
                Ok(None)
            }
            (Codec::V5(_), PUBLISH) => {
                let mut cursor = Cursor::new(body);
                cursor.prefixed()?; // topic
                if frame.first_octet & 0b0110 != 0 {
                    cursor.skip(2)?; // packet id
                }
                let properties = cursor.properties()?;
                if properties.len() > self.properties_max {
                    return Err(Violation::limit("more properties than there may be"));
                }
                Ok(Some(expiry::range(frame, &cursor, properties)))
            }
            _ => Ok(None),
        }
    }
}

fn from_v3(packet: v3::Packet) -> Result<ClientPacket, Violation> {
    Ok(match packet {
        v3::Packet::Disconnect => ClientPacket::Disconnect {
            is_normal: true,
            expires_later: false,
        },
        v3::Packet::PingRequest => ClientPacket::PingRequest,
        v3::Packet::Publish(packet) => ClientPacket::Publish(publish(*packet)?),
        v3::Packet::PublishAck { packet_id } => ClientPacket::PublishAck(packet_id),
        v3::Packet::PublishRelease { packet_id } => ClientPacket::PublishRelease(packet_id),
        v3::Packet::Subscribe {
            packet_id,
            topic_filters,
        } => {
            let filters = topic_filters.iter();
            let filters =
                filters.map(|(filter, qos)| Ok::<_, Violation>((topic_filter(filter)?, *qos)));
            ClientPacket::Subscribe {
                packet_id,
                filters: filters.collect::<Result<_, _>>()?,
            }
        }
        v3::Packet::Unsubscribe {
            packet_id,
            topic_filters,
        } => {
            let filters = topic_filters.iter().map(|filter| topic_filter(filter));
            ClientPacket::Unsubscribe {
                packet_id,
                filters: filters.collect::<Result<_, _>>()?,
            }
        }
        _ => return Err(UNEXPECTED),
    })
}

fn from_v5(packet: v5::Packet) -> Result<ClientPacket, Violation> {
    Ok(match packet {
        v5::Packet::Disconnect(packet) => {
            check_pairs(&packet.user_properties)?;
            if packet.server_reference.is_some() {
                return Err(Violation::protocol("a server reference from a client"));
            }
            ClientPacket::Disconnect {
                is_normal: packet.reason_code == DisconnectReasonCode::NormalDisconnection,
                expires_later: packet
                    .session_expiry_interval_secs
                    .is_some_and(|secs| secs > 0),
            }
        }
        v5::Packet::PingRequest => ClientPacket::PingRequest,
        v5::Packet::Publish(packet) => ClientPacket::Publish(publish(*packet)?),
        v5::Packet::PublishAck(packet) => ClientPacket::PublishAck(packet.packet_id),
        v5::Packet::PublishRelease(packet) => ClientPacket::PublishRelease(packet.packet_id),
        v5::Packet::Subscribe(packet) => {
            check_pairs(&packet.user_properties)?;
            if packet.id.is_some() {
                return Err(Violation::other(
                    DisconnectReasonCode::SubscriptionIdentifiersNotSupported,
                    "a subscription identifier",
                ));
            }
            let filters = packet.topic_filters.iter();
            let filters = filters
                .map(|(filter, options)| Ok::<_, Violation>((topic_filter(filter)?, options.qos)));
            ClientPacket::Subscribe {
                packet_id: packet.packet_id,
                filters: filters.collect::<Result<_, _>>()?,
            }
        }
        v5::Packet::Unsubscribe(packet) => {
            check_pairs(&packet.user_properties)?;
            let filters = packet.topic_filters.iter();
            let filters = filters.map(|filter| topic_filter(filter));
            ClientPacket::Unsubscribe {
                packet_id: packet.packet_id,
                filters: filters.collect::<Result<_, _>>()?,
            }
        }
        _ => return Err(UNEXPECTED),
    })
}

fn publish(packet: Publish) -> Result<PublishPacket, Violation> {
    if let Some(properties) = &packet.properties {
        if properties.topic_alias.is_some() {
            return Err(Violation::other(
                DisconnectReasonCode::TopicAliasInvalid,
                "a topic alias, of which there are none",
            ));
        }
        if !properties.subscription_ids.is_empty() {
            return Err(Violation::protocol(
                "a subscription identifier from a client",
            ));
        }
        if let Some(topic) = &properties.response_topic {
            check_topic_name(topic)?;
        }
        if let Some(text) = &properties.content_type {
            check_ignored_text(text)?;
        }
        check_pairs(&properties.user_properties)?;
    }
    check_topic_name(&packet.topic)?;
    Ok(PublishPacket {
        topic: packet.topic.to_string(),
        payload: packet.payload,
        retain: packet.retain,
        qos: packet.qos,
        packet_id: packet.packet_id,
    })
}

fn topic_filter(filter: &str) -> Result<String, Violation> {
    check_text(filter)?;
    if filter.is_empty() {
        return Err(Violation::malformed("an empty topic filter"));
    }
    Ok(filter.to_owned())
}

fn check_pairs(pairs: &[v5::UserProperty]) -> Result<(), Violation> {
    pairs.iter().try_for_each(|(key, value)| {
        check_ignored_text(key)?;
        check_ignored_text(value)
    })
}

const INCOMPLETE: Violation = Violation::malformed("the packet ends too early");
const UNEXPECTED: Violation = Violation::protocol("a packet that does not belong here");
