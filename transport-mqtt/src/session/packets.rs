//! What a session does with each packet.

use std::num::NonZeroU16;

use bytes::Bytes;
use fieldgate_core::transport::topic::DeviceTopic;
use rmqtt_codec::v5::{PublishAck2Reason, PublishAckReason};
use tokio::time::Instant;

use crate::packet::{
    ClientPacket, DisconnectReasonCode, Frame, PublishPacket, QoS, ServerPacket, Version, Violation,
};
use crate::session::Session;
use crate::session::end::End;
use crate::session::inflow::{Arrival, Delivery, Message, Release};
use crate::text::clip;

impl Session {
    /// Takes the packets that have come in, as far as they may be taken now.
    pub(super) fn take_packets(&mut self) -> Result<(), End> {
        while self.is_reading() {
            let inbound = &self.wire.inbound;
            let frame = Frame::read(inbound, Some(self.version), self.limits);
            let Some(frame) = frame.map_err(End::Violated)? else {
                break;
            };
            if !frame.is_complete(inbound) {
                break;
            }
            let packet = self
                .decoder
                .decode(frame, &mut self.wire.inbound)
                .map_err(End::Violated)?;
            // Only what comes in says that the device is there, and only whole packets do.
            self.last_inbound = Instant::now();
            self.allowance.spend(1, self.last_inbound);
            if self.serving.clock.now() >= self.handle.not_after {
                return Err(End::Expired);
            }
            self.take(packet)?;
        }
        self.wire.shrink();
        Ok(())
    }

    fn take(&mut self, packet: ClientPacket) -> Result<(), End> {
        match packet {
            ClientPacket::Disconnect {
                is_normal,
                expires_later,
            } => {
                if expires_later && !self.expires_later {
                    let what = "a session expiry that the CONNECT did not ask for";
                    return Err(End::Violated(Violation::protocol(what)));
                }
                self.serving.inbox.heard(&self.handle);
                return Err(match is_normal {
                    true => End::Disconnected,
                    false => End::DisconnectedWithWill,
                });
            }
            ClientPacket::PingRequest => {
                self.serving.inbox.heard(&self.handle);
                self.send(ServerPacket::PingResponse);
            }
            ClientPacket::Publish(packet) => self.take_publish(packet)?,
            ClientPacket::PublishAck(packet_id) => {
                self.outflow.acknowledged(packet_id);
                self.send_waiting();
            }
            ClientPacket::PublishRelease(packet_id) => self.take_release(packet_id)?,
            ClientPacket::Subscribe { packet_id, filters } => {
                self.take_subscribe(packet_id, &filters);
            }
            ClientPacket::Unsubscribe { packet_id, filters } => {
                let existed = filters.iter().map(|filter| {
                    let topic = self.topic(filter);
                    topic.is_some_and(|topic| self.outflow.unsubscribe(topic))
                });
                let existed = existed.collect();
                self.send(ServerPacket::UnsubscribeAck(packet_id, existed));
            }
        }
        Ok(())
    }

    fn take_publish(&mut self, packet: PublishPacket) -> Result<(), End> {
        let counters = &self.serving.shared.counters;
        counters.publishes.increment();
        let Some(topic) = self.topic(&packet.topic).filter(|topic| topic.is_up()) else {
            counters.publishes_denied.increment();
            let (device, topic) = (self.handle.device_id, clip(&packet.topic));
            tracing::warn!(%device, topic, "a message to a topic that is not its own");
            return Err(End::Denied);
        };
        let options = &self.serving.shared.options;
        if packet.payload.len() > options.message_max_bytes {
            let what = "a message larger than it may be";
            return Err(End::Violated(Violation::limit(what)));
        }
        let delivery = Delivery::new(packet.qos, packet.packet_id);
        if let Delivery::ExactlyOnce(packet_id) = delivery {
            match self.inflow.arrival(packet_id) {
                Arrival::Processing => return Ok(()),
                Arrival::Received => {
                    let reason = PublishAckReason::Success;
                    self.send(ServerPacket::PublishReceived(packet_id, reason));
                    return Ok(());
                }
                Arrival::New => {}
            }
        }
        let is_counted = delivery != Delivery::AtMostOnce;
        let is_too_many = match self.version {
            // Only MQTT 5 knows of the limit, and of the reason.
            Version::V5 => self.inflow.unacknowledged() >= options.receive_maximum.into(),
            Version::V3 => {
                matches!(delivery, Delivery::ExactlyOnce(_))
                    && self.inflow.unreleased() >= options.unreleased_max
            }
        };
        if is_counted && is_too_many {
            return Err(End::Violated(Violation::other(
                DisconnectReasonCode::ReceiveMaximumExceeded,
                "more unacknowledged messages than there may be",
            )));
        }
        self.inflow.push(Message {
            topic,
            payload: packet.payload,
            retain: packet.retain,
            delivery,
            taken_at: self.last_inbound,
        });
        Ok(())
    }

    fn take_release(&mut self, packet_id: NonZeroU16) -> Result<(), End> {
        let reason = match self.inflow.release(packet_id) {
            Release::Released => PublishAck2Reason::Success,
            Release::Unknown => PublishAck2Reason::PacketIdNotFound,
            Release::TooEarly => {
                let what = "a PUBREL before its PUBREC";
                return Err(End::Violated(Violation::protocol(what)));
            }
        };
        self.send(ServerPacket::PublishComplete(packet_id, reason));
        Ok(())
    }

    fn take_subscribe(&mut self, packet_id: NonZeroU16, filters: &[(String, QoS)]) {
        let mut granted = Vec::with_capacity(filters.len());
        let mut denied: Option<&str> = None;
        for (filter, qos) in filters {
            // The name is compared, so nothing with a wildcard is ever found.
            let topic = self.topic(filter).filter(|topic| !topic.is_up());
            if topic.is_none() {
                self.serving.shared.counters.subscribes_denied.increment();
                denied = denied.or(Some(filter));
            }
            granted.push(topic.map(|topic| self.outflow.subscribe(topic, *qos)));
        }
        if let Some(filter) = denied {
            self.denials = self.denials.saturating_add(1);
            let (device, filter) = (self.handle.device_id, clip(filter));
            // A device may try for ever; the log is not to fill with it.
            if self.denials <= DENIALS_LOGGED_MAX {
                tracing::warn!(%device, filter, "a subscription to a topic that is not its own");
            } else {
                tracing::debug!(%device, filter, "a subscription to a topic that is not its own");
            }
        }
        self.send(ServerPacket::SubscribeAck(packet_id, granted));
        // With a lower QoS what waited for acknowledgements need not wait any more.
        self.send_waiting();
    }

    /// Publishes a message to the device, where it wants it.
    pub(super) fn publish(&mut self, topic: DeviceTopic, payload: Bytes) -> Result<(), End> {
        self.outflow.push(topic, payload);
        self.send_waiting();
        match self.outflow.is_overfull() {
            true => Err(End::Unacknowledged),
            false => Ok(()),
        }
    }

    /// Sends what waits, as far as it may be sent now.
    fn send_waiting(&mut self) {
        while let Some(next) = self.outflow.next() {
            let topic = self.name(next.topic).to_owned();
            let is_sent = self.try_send(ServerPacket::Publish {
                topic,
                payload: next.payload,
                packet_id: next.packet_id,
            });
            if !is_sent && let Some(packet_id) = next.packet_id {
                // As if it had been sent and acknowledged (MQTT 5, section 3.1.2.11.4).
                self.outflow.acknowledged(packet_id);
            }
        }
    }
}

/// How many denied subscriptions of one session are worth a warning.
const DENIALS_LOGGED_MAX: u32 = 10;
