//! Messages of a device on their way into the core.
//!
//! Readings are handed on side by side, so that they share what the storage commits; every other
//! message waits for those before it, and those after it wait for it. Acknowledgements go out in
//! the order in which the messages came (section 4.6 of both standards).

use std::collections::HashMap;
use std::future::{Future, ready};
use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_core::transport::{Inbound, Inbox, ReceiveError, SessionHandle};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use rmqtt_codec::v5::PublishAckReason;
use tokio::time::Instant;

use crate::packet::QoS;
use crate::payload::{self, Effect, Reply};

/// A message that has come in.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) topic: DeviceTopic,
    pub(crate) payload: Bytes,
    pub(crate) retain: bool,
    pub(crate) delivery: Delivery,
    /// When it came in.
    pub(crate) taken_at: Instant,
}

/// How a message wants to be acknowledged.
#[expect(
    clippy::enum_variant_names,
    reason = "these are the names of the standard"
)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Delivery {
    /// Not at all.
    AtMostOnce,
    /// By PUBACK.
    AtLeastOnce(NonZeroU16),
    /// By PUBREC.
    ExactlyOnce(NonZeroU16),
}

/// A message that has been processed.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) topic: DeviceTopic,
    pub(crate) delivery: Delivery,
    pub(crate) reason: PublishAckReason,
    pub(crate) outcome: Result<Option<Reply>, ReceiveError>,
    /// Whether the whole payload went to the quarantine.
    pub(crate) is_quarantined: bool,
    /// When the message came in.
    pub(crate) taken_at: Instant,
    size: usize,
}

/// What becomes of messages while they are processed.
pub(crate) struct Inflow {
    inbox: Arc<dyn Inbox>,
    handle: SessionHandle,
    running: FuturesOrdered<Pin<Box<dyn Future<Output = Done> + Send>>>,
    running_bytes: usize,
    /// Whether what is running has to be alone.
    is_exclusive: bool,
    /// The next one, which may not run yet. While it waits nothing more is taken.
    waiting: Option<Message>,
    /// Messages of QoS 2: whether their PUBREC was sent.
    unreleased: HashMap<NonZeroU16, bool>,
    /// How many messages count against Receive Maximum.
    unacknowledged: usize,
    /// How many readings have come in since they were last asked for.
    readings: usize,
    running_max: usize,
    bytes_max: usize,
}

/// What a message of QoS 2 is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrival {
    /// One that is being processed already.
    Processing,
    /// One whose PUBREC is to be sent once more.
    Received,
    /// New.
    New,
}

/// What a PUBREL is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Release {
    /// A message whose PUBREC was sent.
    Released,
    /// A message whose PUBREC was not sent yet: the client may not release it.
    TooEarly,
    /// No message.
    Unknown,
}

impl Delivery {
    /// How a message of this QoS is acknowledged. The codec gives a packet id to each that needs
    /// one.
    pub(crate) const fn new(qos: QoS, packet_id: Option<NonZeroU16>) -> Self {
        match (qos, packet_id) {
            (QoS::AtLeastOnce, Some(packet_id)) => Self::AtLeastOnce(packet_id),
            (QoS::ExactlyOnce, Some(packet_id)) => Self::ExactlyOnce(packet_id),
            _ => Self::AtMostOnce,
        }
    }
}

impl Inflow {
    pub(crate) fn new(
        inbox: Arc<dyn Inbox>,
        handle: SessionHandle,
        running_max: usize,
        bytes_max: usize,
    ) -> Self {
        Self {
            inbox,
            handle,
            running: FuturesOrdered::new(),
            running_bytes: 0,
            is_exclusive: false,
            waiting: None,
            unreleased: HashMap::new(),
            unacknowledged: 0,
            readings: 0,
            running_max: running_max.max(1),
            bytes_max,
        }
    }

    /// Takes a message in: it is processed at once, or as soon as it may be.
    pub(crate) fn push(&mut self, message: Message) {
        match message.delivery {
            Delivery::AtMostOnce => {}
            Delivery::AtLeastOnce(_) => self.unacknowledged += 1,
            Delivery::ExactlyOnce(packet_id) => {
                self.unacknowledged += 1;
                self.unreleased.insert(packet_id, false);
            }
        }
        self.waiting = Some(message);
        self.start();
    }

    /// Whether a message waits, so that no other may be taken.
    pub(crate) const fn is_blocked(&self) -> bool {
        self.waiting.is_some()
    }

    /// How many readings have come in since this was last asked.
    pub(crate) fn take_readings(&mut self) -> usize {
        std::mem::take(&mut self.readings)
    }

    /// Whether nothing is being processed.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// How many messages count against Receive Maximum.
    pub(crate) const fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// How many messages of QoS 2 wait for their PUBREL.
    pub(crate) fn unreleased(&self) -> usize {
        self.unreleased.len()
    }

    /// What a message of QoS 2 with this packet id is.
    pub(crate) fn arrival(&self, packet_id: NonZeroU16) -> Arrival {
        match self.unreleased.get(&packet_id) {
            None => Arrival::New,
            Some(false) => Arrival::Processing,
            Some(true) => Arrival::Received,
        }
    }

    /// Takes a PUBREL in.
    pub(crate) fn release(&mut self, packet_id: NonZeroU16) -> Release {
        match self.arrival(packet_id) {
            Arrival::New => Release::Unknown,
            Arrival::Processing => Release::TooEarly,
            Arrival::Received => {
                self.unreleased.remove(&packet_id);
                self.unacknowledged -= 1;
                Release::Released
            }
        }
    }

    /// Notes that a message is acknowledged.
    pub(crate) fn acknowledged(&mut self, delivery: Delivery, reason: PublishAckReason) {
        match delivery {
            Delivery::AtMostOnce => {}
            Delivery::AtLeastOnce(_) => self.unacknowledged -= 1,
            // With a PUBREC that refuses, the exchange is over.
            Delivery::ExactlyOnce(packet_id) if u8::from(reason) >= 0x80 => {
                self.unreleased.remove(&packet_id);
                self.unacknowledged -= 1;
            }
            Delivery::ExactlyOnce(packet_id) => {
                self.unreleased.insert(packet_id, true);
            }
        }
    }

    /// The next message in the order of arrival that has been processed; `None` where none is
    /// being processed.
    pub(crate) async fn next(&mut self) -> Option<Done> {
        let done = self.running.next().await?;
        self.running_bytes -= done.size;
        if self.running.is_empty() {
            self.is_exclusive = false;
            // An idle device holds no memory for what it is not sending.
            self.running = FuturesOrdered::new();
        }
        self.start();
        Some(done)
    }

    /// Gives up the message that waits.
    pub(crate) fn stop(&mut self) {
        self.waiting = None;
    }

    /// Gives up all messages.
    pub(crate) fn abandon(&mut self) {
        self.waiting = None;
        self.running = FuturesOrdered::new();
    }

    fn start(&mut self) {
        if self.waiting.as_ref().is_some_and(|next| self.may_run(next))
            && let Some(message) = self.waiting.take()
        {
            self.run(&message);
        }
    }

    fn may_run(&self, next: &Message) -> bool {
        self.running.is_empty()
            || (!self.is_exclusive
                && next.topic == DeviceTopic::Readings
                && self.running.len() < self.running_max
                && self.running_bytes + next.payload.len() <= self.bytes_max)
    }

    fn run(&mut self, message: &Message) {
        self.is_exclusive = message.topic != DeviceTopic::Readings;
        let decoded = payload::decode(
            message.topic,
            self.handle.device_id,
            &message.payload,
            message.retain,
        );
        self.readings += decoded.readings();
        // What a message has become counts too: small items that are refused grow by the reason.
        let size = message.payload.len() + decoded.size();
        self.running_bytes += size;
        let (topic, delivery, taken_at) = (message.topic, message.delivery, message.taken_at);
        let is_quarantined = matches!(decoded.effect, Effect::Receive(Inbound::Refused(_), _));
        let reason = if decoded.is_json {
            PublishAckReason::Success
        } else {
            PublishAckReason::PayloadFormatInvalid
        };
        let done = move |outcome| Done {
            topic,
            delivery,
            reason,
            outcome,
            is_quarantined,
            taken_at,
            size,
        };
        match decoded.effect {
            Effect::Nothing => self.running.push_back(Box::pin(ready(done(Ok(None))))),
            Effect::Reply(reply) => {
                let done = done(Ok(Some(reply)));
                self.running.push_back(Box::pin(ready(done)));
            }
            Effect::Receive(inbound, reply) => {
                let (inbox, handle) = (Arc::clone(&self.inbox), self.handle);
                self.running.push_back(Box::pin(async move {
                    let received = inbox.receive(&handle, inbound).await;
                    done(received.map(|outbound| outbound.map(payload::encode).or(reply)))
                }));
            }
        }
    }
}
