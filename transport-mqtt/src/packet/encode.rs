//! Packets of the server.

use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};
use rmqtt_codec::error::EncodeError;
use rmqtt_codec::types::Publish;
use rmqtt_codec::{v3, v5};
use tokio_util::codec::Encoder as _;

use crate::packet::{DisconnectReasonCode, QoS, Version};
use crate::refusal::Refusal;

/// A packet of the server.
#[derive(Debug)]
pub(crate) enum ServerPacket {
    ConnectAccepted(Box<ConnectAccepted>),
    /// Is not sent by MQTT 3.1.1.
    Disconnect(DisconnectReasonCode),
    PingResponse,
    Publish {
        topic: String,
        payload: Bytes,
        /// There for QoS 1, and absent for QoS 0.
        packet_id: Option<NonZeroU16>,
    },
    PublishAck(NonZeroU16, v5::PublishAckReason),
    PublishReceived(NonZeroU16, v5::PublishAckReason),
    PublishComplete(NonZeroU16, v5::PublishAck2Reason),
    /// Each filter's granted QoS, or `None` where it is refused.
    SubscribeAck(NonZeroU16, Vec<Option<QoS>>),
    /// For each filter whether there was such a subscription.
    UnsubscribeAck(NonZeroU16, Vec<bool>),
}

/// A CONNACK that says yes. Only MQTT 5 can say what is in it.
#[derive(Debug)]
pub(crate) struct ConnectAccepted {
    pub(crate) receive_maximum: NonZeroU16,
    pub(crate) maximum_packet_size: u32,
    pub(crate) assigned_client_id: Option<String>,
    pub(crate) server_keep_alive: Option<u16>,
}

/// Writes a packet; one that a version does not have becomes nothing.
pub(crate) fn encode(
    version: Version,
    packet: ServerPacket,
    octets: &mut BytesMut,
) -> Result<(), EncodeError> {
    match version {
        Version::V3 => {
            to_v3(packet).map_or(Ok(()), |packet| v3::Codec::default().encode(packet, octets))
        }
        Version::V5 => v5::Codec::default().encode(to_v5(packet), octets),
    }
}

/// Writes the CONNACK that refuses a client.
pub(crate) fn encode_refusal(
    version: Version,
    refusal: Refusal,
    octets: &mut BytesMut,
) -> Result<(), EncodeError> {
    match version {
        Version::V3 => {
            let Some(return_code) = refusal.return_code() else {
                return Ok(());
            };
            let packet = v3::ConnectAck {
                return_code,
                session_present: false,
            };
            v3::Codec::default().encode(v3::Packet::ConnectAck(packet), octets)
        }
        Version::V5 => {
            let packet = v5::ConnectAck {
                reason_code: refusal.reason_code(),
                // The codec's default is that of the standard, so that it is not written.
                ..v5::ConnectAck::default()
            };
            v5::Codec::default().encode(packet.into(), octets)
        }
    }
}

fn to_v3(packet: ServerPacket) -> Option<v3::Packet> {
    Some(match packet {
        ServerPacket::ConnectAccepted(_) => v3::Packet::ConnectAck(v3::ConnectAck {
            return_code: v3::ConnectAckReason::ConnectionAccepted,
            session_present: false,
        }),
        ServerPacket::Disconnect(_) => return None,
        ServerPacket::PingResponse => v3::Packet::PingResponse,
        ServerPacket::Publish {
            topic,
            payload,
            packet_id,
        } => v3::Packet::Publish(Box::new(publish(topic, payload, packet_id, Version::V3))),
        ServerPacket::PublishAck(packet_id, _) => v3::Packet::PublishAck { packet_id },
        ServerPacket::PublishReceived(packet_id, _) => v3::Packet::PublishReceived { packet_id },
        ServerPacket::PublishComplete(packet_id, _) => v3::Packet::PublishComplete { packet_id },
        ServerPacket::SubscribeAck(packet_id, granted) => v3::Packet::SubscribeAck {
            packet_id,
            status: granted
                .into_iter()
                .map(|qos| {
                    qos.map_or(
                        v3::SubscribeReturnCode::Failure,
                        v3::SubscribeReturnCode::Success,
                    )
                })
                .collect(),
        },
        ServerPacket::UnsubscribeAck(packet_id, _) => v3::Packet::UnsubscribeAck { packet_id },
    })
}

fn to_v5(packet: ServerPacket) -> v5::Packet {
    match packet {
        ServerPacket::ConnectAccepted(accepted) => connect_ack(*accepted).into(),
        ServerPacket::Disconnect(reason) => v5::Disconnect::new(reason).into(),
        ServerPacket::PingResponse => v5::Packet::PingResponse,
        ServerPacket::Publish {
            topic,
            payload,
            packet_id,
        } => publish(topic, payload, packet_id, Version::V5).into(),
        ServerPacket::PublishAck(packet_id, reason_code) => {
            v5::Packet::PublishAck(publish_ack(packet_id, reason_code))
        }
        ServerPacket::PublishReceived(packet_id, reason_code) => {
            v5::Packet::PublishReceived(publish_ack(packet_id, reason_code))
        }
        ServerPacket::PublishComplete(packet_id, reason_code) => {
            v5::Packet::PublishComplete(v5::PublishAck2 {
                packet_id,
                reason_code,
                properties: Vec::new(),
                reason_string: None,
            })
        }
        ServerPacket::SubscribeAck(packet_id, granted) => v5::SubscribeAck {
            packet_id,
            properties: Vec::new(),
            reason_string: None,
            status: granted.into_iter().map(granted_reason).collect(),
        }
        .into(),
        ServerPacket::UnsubscribeAck(packet_id, existed) => v5::UnsubscribeAck {
            packet_id,
            properties: Vec::new(),
            reason_string: None,
            status: existed
                .into_iter()
                .map(|existed| match existed {
                    true => v5::UnsubscribeAckReason::Success,
                    false => v5::UnsubscribeAckReason::NoSubscriptionExisted,
                })
                .collect(),
        }
        .into(),
    }
}

fn connect_ack(accepted: ConnectAccepted) -> v5::ConnectAck {
    v5::ConnectAck {
        session_expiry_interval_secs: Some(0),
        receive_max: accepted.receive_maximum,
        max_packet_size: Some(accepted.maximum_packet_size),
        assigned_client_id: accepted.assigned_client_id.map(Into::into),
        wildcard_subscription_available: false,
        subscription_identifiers_available: false,
        shared_subscription_available: false,
        server_keepalive_sec: accepted.server_keep_alive,
        ..v5::ConnectAck::default()
    }
}

const fn publish_ack(packet_id: NonZeroU16, reason_code: v5::PublishAckReason) -> v5::PublishAck {
    v5::PublishAck {
        packet_id,
        reason_code,
        properties: Vec::new(),
        reason_string: None,
    }
}

fn publish(
    topic: String,
    payload: Bytes,
    packet_id: Option<NonZeroU16>,
    version: Version,
) -> Publish {
    Publish {
        dup: false,
        retain: false,
        qos: match packet_id {
            Some(_) => QoS::AtLeastOnce,
            None => QoS::AtMostOnce,
        },
        topic: topic.into(),
        packet_id,
        payload,
        properties: (version == Version::V5).then(v5::PublishProperties::default),
    }
}

const fn granted_reason(granted: Option<QoS>) -> v5::SubscribeAckReason {
    match granted {
        Some(QoS::AtMostOnce) => v5::SubscribeAckReason::GrantedQos0,
        Some(QoS::AtLeastOnce) => v5::SubscribeAckReason::GrantedQos1,
        Some(QoS::ExactlyOnce) => v5::SubscribeAckReason::GrantedQos2,
        None => v5::SubscribeAckReason::NotAuthorized,
    }
}
