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
use fieldgate_core::model::ingestion::ReportedReading;
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
    /// Hand it to the core; then answer it, where the core has nothing to say.
    Receive(Inbound, Option<Reply>),
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
            (true, DeviceTopic::Status) => receive(Inbound::Status(Bytes::new())),
            (true, _) => receive(Inbound::ConfigReported(Bytes::new())),
        };
        return Decoded {
            effect,
            is_json: true,
        };
    }
    if let Err(detail) = json::check(payload) {
        let refused = Refused::new(QuarantineReason::NotJson, detail);
        return Decoded {
            effect: refuse(topic, refused, payload),
            is_json: false,
        };
    }
    let inbound = match topic {
        DeviceTopic::Announce => announce::decode(payload),
        DeviceTopic::CertificateRenew => match renew::decode(payload) {
            Ok(reply) => return reply.into(),
            Err(refused) => Err(refused),
        },
        DeviceTopic::ConfigReported => config::decode(payload),
        DeviceTopic::Health => health::decode(device, payload),
        DeviceTopic::Readings => readings::decode(payload),
        DeviceTopic::Status => status::decode(payload),
        // There are no commands that this could answer, and nothing is published to down topics.
        DeviceTopic::CommandsResponse
        | DeviceTopic::AnnounceResult
        | DeviceTopic::CertificateIssued
        | DeviceTopic::Commands
        | DeviceTopic::ConfigDesired => {
            return Decoded {
                effect: Effect::Nothing,
                is_json: true,
            };
        }
    };
    Decoded {
        effect: inbound.map_or_else(|refused| refuse(topic, refused, payload), receive),
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

impl Decoded {
    /// How many readings it has.
    pub(crate) fn readings(&self) -> usize {
        match &self.effect {
            Effect::Receive(Inbound::Readings(items), _) => items.len(),
            _ => 0,
        }
    }

    /// About how many octets it holds beside the payload.
    pub(crate) fn size(&self) -> usize {
        let Effect::Receive(Inbound::Readings(items), _) = &self.effect else {
            return 0;
        };
        let size = |item: &Result<ReportedReading, Rejection>| match item {
            Ok(_) => size_of::<ReportedReading>(),
            Err(rejection) => {
                size_of::<ReportedReading>() + rejection.raw.len() + rejection.detail.len()
            }
        };
        items.iter().map(size).sum()
    }
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

impl From<Reply> for Decoded {
    fn from(reply: Reply) -> Self {
        Self {
            effect: Effect::Reply(reply),
            is_json: true,
        }
    }
}

const fn receive(inbound: Inbound) -> Effect {
    Effect::Receive(inbound, None)
}

/// Sends a whole payload to the quarantine. Who announces waits for an answer, and gets one.
fn refuse(topic: DeviceTopic, refused: Refused, payload: &[u8]) -> Effect {
    let reply = (topic == DeviceTopic::Announce).then(|| Reply {
        topic: DeviceTopic::AnnounceResult,
        payload: announce::encode_refused(&refused),
    });
    Effect::Receive(Inbound::Refused(refused.rejection(payload)), reply)
}

#[cfg(test)]
mod tests;
