//! Packets: `rmqtt-codec`, and on top of it what the standards demand and the codec lets pass.
//!
//! A packet's length and type are judged by its fixed header, before the packet is kept
//! ([`frame`]); the codec sees only whole packets. What it does not check is checked here: texts,
//! reserved bits, trailing octets, and what a server may be sent.

mod connect;
mod cursor;
mod decode;
mod encode;
mod expiry;
mod frame;
mod text;
mod violation;

pub(crate) use connect::{Connect, ConnectError, Will, decode_connect};
pub(crate) use decode::{ClientPacket, Decoder, PublishPacket};
pub(crate) use encode::{ConnectAccepted, ServerPacket, encode, encode_refusal};
pub(crate) use frame::{Frame, FrameLimits};
pub(crate) use rmqtt_codec::types::QoS;
pub(crate) use rmqtt_codec::v5::DisconnectReasonCode;
pub(crate) use violation::Violation;

/// A version of MQTT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Version {
    /// MQTT 3.1.1.
    V3,
    /// MQTT 5.
    V5,
}

#[cfg(test)]
mod tests;
