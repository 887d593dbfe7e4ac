//! Payloads: JSON to what the core understands, and back.
//!
//! What is wrong with a payload never reaches the core as anything but a [`Rejection`] or a
//! refusal, item by item where the message has items.

mod announce;
mod config;
mod health;
mod json;
mod readings;
mod renew;
mod status;

use bytes::Bytes;
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::quarantine::{QuarantineReason, Rejection};
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_core::transport::{Inbound, Outbound};

use crate::text::clip;

/// What a payload means.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) effect: Effect,
    /// Whether it is JSON at all, or rightly empty.
    pub(crate) is_json: bool,
}

/// What is to be done with a payload.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Nothing but to acknowledge it.
    Nothing,
    /// Hand it to the core.
    Receive(Inbound),
    /// Answer it.
    Reply(Reply),
}

/// An answer to the device.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) topic: DeviceTopic,
    pub(crate) payload: Bytes,
}

/// Reads a payload that came on one of the device's up topics.
pub(crate) fn decode(
    topic: DeviceTopic,
    device: DeviceId,
    payload: &Bytes,
    retain: bool,
) -> Decoded {
    let is_kept = matches!(topic, DeviceTopic::ConfigReported | DeviceTopic::Status);
    if is_kept && payload.is_empty() {
        // Only with the retain flag does an empty payload remove what is kept.
        let effect = match (retain, topic) {
            (false, _) => Effect::Nothing,
            (true, DeviceTopic::Status) => Effect::Receive(Inbound::Status(Bytes::new())),
            (true, _) => Effect::Receive(Inbound::ConfigReported(Bytes::new())),
        };
        return Decoded {
            effect,
            is_json: true,
        };
    }
    if let Err(detail) = json::check(payload) {
        let rejection = Rejection::new(QuarantineReason::NotJson, clip(&detail), payload);
        return Decoded {
            effect: Effect::Receive(Inbound::Refused(rejection)),
            is_json: false,
        };
    }
    let effect = match topic {
        DeviceTopic::Announce => received(announce::decode(payload), payload),
        DeviceTopic::CertificateRenew => match renew::decode(payload) {
            Ok(reply) => Effect::Reply(reply),
            Err(refused) => Effect::Receive(Inbound::Refused(refused.rejection(payload))),
        },
        DeviceTopic::ConfigReported => received(config::decode(payload), payload),
        DeviceTopic::Health => received(health::decode(device, payload), payload),
        DeviceTopic::Readings => received(readings::decode(payload), payload),
        DeviceTopic::Status => received(status::decode(payload), payload),
        // There are no commands that this could answer, and nothing is published to down topics.
        DeviceTopic::CommandsResponse
        | DeviceTopic::AnnounceResult
        | DeviceTopic::CertificateIssued
        | DeviceTopic::Commands
        | DeviceTopic::ConfigDesired => Effect::Nothing,
    };
    Decoded {
        effect,
        is_json: true,
    }
}

/// Writes what the core has to say to a device.
pub(crate) fn encode(outbound: Outbound) -> Reply {
    match outbound {
        Outbound::AnnounceResult(outcome) => Reply {
            topic: DeviceTopic::AnnounceResult,
            payload: announce::encode(outcome),
        },
    }
}

/// Why something was refused.
#[derive(Debug)]
struct Refused {
    reason: QuarantineReason,
    detail: String,
}

impl Refused {
    fn new(reason: QuarantineReason, detail: impl AsRef<str>) -> Self {
        Self {
            reason,
            detail: clip(detail.as_ref()),
        }
    }

    fn malformed(detail: impl AsRef<str>) -> Self {
        Self::new(QuarantineReason::Malformed, detail)
    }

    /// Says where the mistake is.
    fn at(self, place: &str) -> Self {
        Self::new(self.reason, format!("{place}: {}", self.detail))
    }

    fn rejection(self, raw: &[u8]) -> Rejection {
        Rejection::new(self.reason, self.detail, raw)
    }
}

fn received(decoded: Result<Inbound, Refused>, payload: &Bytes) -> Effect {
    Effect::Receive(decoded.unwrap_or_else(|refused| Inbound::Refused(refused.rejection(payload))))
}

#[cfg(test)]
mod tests;
