//! Why a CONNECT is refused, and how each version says so.

use rmqtt_codec::{v3, v5};

use crate::packet::DisconnectReasonCode;

/// Why a CONNECT is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// It wants enhanced authentication, of which there is none.
    BadAuthenticationMethod,
    /// The client id is not the device's.
    ClientIdentifierNotValid,
    /// The packet breaks the standard; only MQTT 5 is told so.
    Malformed(DisconnectReasonCode),
    /// The device may not come in.
    NotAuthorized,
    /// The client takes no packet of the size of a CONNACK: it could be told nothing.
    MaximumPacketSize,
    /// Whether the device may come in cannot be told now.
    ServerUnavailable,
    /// The will is larger than it may be.
    WillTooLarge,
    /// The will goes to a topic that is not the device's status topic.
    WillTopic,
    /// It is another version than 3.1.1 and 5.
    UnsupportedVersion,
}

impl Refusal {
    /// What MQTT 3.1.1 answers; `None` where it closes the connection without an answer.
    pub(crate) const fn return_code(self) -> Option<v3::ConnectAckReason> {
        use v3::ConnectAckReason;
        match self {
            Self::BadAuthenticationMethod
            | Self::NotAuthorized
            | Self::MaximumPacketSize
            | Self::WillTooLarge
            | Self::WillTopic => Some(ConnectAckReason::NotAuthorized),
            Self::ClientIdentifierNotValid => Some(ConnectAckReason::IdentifierRejected),
            Self::Malformed(_) => None,
            Self::ServerUnavailable => Some(ConnectAckReason::ServiceUnavailable),
            Self::UnsupportedVersion => Some(ConnectAckReason::UnacceptableProtocolVersion),
        }
    }

    /// What MQTT 5 answers.
    pub(crate) const fn reason_code(self) -> v5::ConnectAckReason {
        use v5::ConnectAckReason;
        match self {
            Self::BadAuthenticationMethod => ConnectAckReason::BadAuthenticationMethod,
            Self::ClientIdentifierNotValid => ConnectAckReason::ClientIdentifierNotValid,
            Self::Malformed(
                DisconnectReasonCode::PacketTooLarge | DisconnectReasonCode::QuotaExceeded,
            )
            | Self::MaximumPacketSize
            | Self::WillTooLarge => ConnectAckReason::PacketTooLarge,
            Self::Malformed(DisconnectReasonCode::ProtocolError) => ConnectAckReason::ProtocolError,
            Self::Malformed(DisconnectReasonCode::TopicNameInvalid) => {
                ConnectAckReason::TopicNameInvalid
            }
            Self::Malformed(_) => ConnectAckReason::MalformedPacket,
            Self::NotAuthorized | Self::WillTopic => ConnectAckReason::NotAuthorized,
            Self::ServerUnavailable => ConnectAckReason::ServerUnavailable,
            Self::UnsupportedVersion => ConnectAckReason::UnsupportedProtocolVersion,
        }
    }
}
