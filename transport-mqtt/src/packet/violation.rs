//! What a peer can do wrong, and the reason code that says so.

use rmqtt_codec::error::DecodeError;
use rmqtt_codec::v5::DisconnectReasonCode;

/// A breach of the standard, or of a limit. The connection ends with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Violation {
    /// How MQTT 5 names it.
    pub(crate) reason: DisconnectReasonCode,
    /// What was wrong, for the log.
    pub(crate) what: &'static str,
}

impl Violation {
    /// The octets are not those of a packet: reason 0x81.
    pub(crate) const fn malformed(what: &'static str) -> Self {
        Self {
            reason: DisconnectReasonCode::MalformedPacket,
            what,
        }
    }

    /// A packet that may not come here, or not like this: reason 0x82.
    pub(crate) const fn protocol(what: &'static str) -> Self {
        Self {
            reason: DisconnectReasonCode::ProtocolError,
            what,
        }
    }

    /// A packet that is larger than the client was told that any may be: reason 0x95.
    pub(crate) const fn too_large(what: &'static str) -> Self {
        Self {
            reason: DisconnectReasonCode::PacketTooLarge,
            what,
        }
    }

    /// A packet that breaks another limit than that of its size: reason 0x97.
    pub(crate) const fn limit(what: &'static str) -> Self {
        Self {
            reason: DisconnectReasonCode::QuotaExceeded,
            what,
        }
    }

    /// A topic that no one can publish to: reason 0x90.
    pub(crate) const fn topic(what: &'static str) -> Self {
        Self {
            reason: DisconnectReasonCode::TopicNameInvalid,
            what,
        }
    }

    /// Any other reason.
    pub(crate) const fn other(reason: DisconnectReasonCode, what: &'static str) -> Self {
        Self { reason, what }
    }
}

impl From<DecodeError> for Violation {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::MaxSizeExceeded { .. } => Self::too_large("packet too large"),
            DecodeError::InvalidTopicName => Self::topic("invalid topic name"),
            DecodeError::InvalidTopicFilter => Self::protocol("no topic filter, or an empty one"),
            DecodeError::UnsupportedPacketType => Self::malformed(
                "no such packet type, or reserved flags that are not as they must be",
            ),
            DecodeError::Utf8Error => Self::malformed("a text that is not UTF-8"),
            DecodeError::InvalidLength => Self::malformed("a length that is not right"),
            _ => Self::malformed("malformed packet"),
        }
    }
}
