//! Messages to a device.

use std::collections::{HashSet, VecDeque};
use std::num::NonZeroU16;

use bytes::Bytes;
use fieldgate_core::transport::topic::DeviceTopic;

use crate::packet::QoS;

/// What a device has subscribed to, what waits for it, and what it has not acknowledged.
#[derive(Debug)]
pub(crate) struct Outflow {
    subscriptions: Vec<(DeviceTopic, QoS)>,
    unacknowledged: HashSet<NonZeroU16>,
    unacknowledged_max: usize,
    last_id: u16,
    queue: VecDeque<(DeviceTopic, Bytes)>,
    queue_bytes: usize,
    limits: QueueLimits,
}

/// How much may wait for a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    pub(crate) messages: usize,
    /// One message may always wait, however large.
    pub(crate) bytes: usize,
}

/// A message whose turn it is.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Outgoing {
    pub(crate) topic: DeviceTopic,
    pub(crate) payload: Bytes,
    /// There for QoS 1.
    pub(crate) packet_id: Option<NonZeroU16>,
}

impl Outflow {
    pub(crate) fn new(receive_maximum: u16, limits: QueueLimits) -> Self {
        Self {
            subscriptions: Vec::new(),
            unacknowledged: HashSet::new(),
            unacknowledged_max: usize::from(receive_maximum).min(UNACKNOWLEDGED_MAX),
            last_id: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
            limits,
        }
    }

    /// Subscribes to a topic; returns the QoS that is granted.
    pub(crate) fn subscribe(&mut self, topic: DeviceTopic, wanted: QoS) -> QoS {
        let granted = wanted.less_value(QoS::AtLeastOnce);
        self.subscriptions.retain(|(other, _)| *other != topic);
        self.subscriptions.push((topic, granted));
        granted
    }

    /// Ends a subscription; what waits for it is dropped. True if there was one.
    pub(crate) fn unsubscribe(&mut self, topic: DeviceTopic) -> bool {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|(other, _)| *other != topic);
        self.queue.retain(|(other, _)| *other != topic);
        self.queue_bytes = self.queue.iter().map(|(_, payload)| payload.len()).sum();
        self.subscriptions.len() < before
    }

    /// Takes a message in, where the device has subscribed to its topic. All go through the queue,
    /// so that none overtakes another.
    pub(crate) fn push(&mut self, topic: DeviceTopic, payload: Bytes) {
        if self.qos(topic).is_some() {
            self.queue_bytes += payload.len();
            self.queue.push_back((topic, payload));
        }
    }

    /// The next message, if it may be sent now.
    pub(crate) fn next(&mut self) -> Option<Outgoing> {
        let (topic, _) = self.queue.front()?;
        let waits = self.unacknowledged.len() >= self.unacknowledged_max;
        let packet_id = match self.qos(*topic) {
            Some(QoS::AtLeastOnce | QoS::ExactlyOnce) if waits => return None,
            Some(QoS::AtLeastOnce | QoS::ExactlyOnce) => Some(self.next_id()),
            Some(QoS::AtMostOnce) | None => None,
        };
        let (topic, payload) = self.queue.pop_front()?;
        self.queue_bytes -= payload.len();
        Some(Outgoing {
            topic,
            payload,
            packet_id,
        })
    }

    /// Whether more waits than may.
    pub(crate) fn is_overfull(&self) -> bool {
        self.queue.len() > self.limits.messages
            || (self.queue.len() > 1 && self.queue_bytes > self.limits.bytes)
    }

    /// Notes an acknowledgement; one of nothing is passed over.
    pub(crate) fn acknowledged(&mut self, packet_id: NonZeroU16) {
        self.unacknowledged.remove(&packet_id);
    }

    fn qos(&self, topic: DeviceTopic) -> Option<QoS> {
        let mut subscriptions = self.subscriptions.iter();
        subscriptions
            .find(|(other, _)| *other == topic)
            .map(|(_, qos)| *qos)
    }

    fn next_id(&mut self) -> NonZeroU16 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            // At most 64 are taken.
            if let Some(id) = NonZeroU16::new(self.last_id)
                && self.unacknowledged.insert(id)
            {
                return id;
            }
        }
    }
}

/// How many messages to a device may be unacknowledged, whatever the device says.
const UNACKNOWLEDGED_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: DeviceTopic = DeviceTopic::AnnounceResult;
    const LIMITS: QueueLimits = QueueLimits {
        messages: 2,
        bytes: 10,
    };

    fn outflow(receive_maximum: u16, qos: QoS) -> Outflow {
        let mut outflow = Outflow::new(receive_maximum, LIMITS);
        outflow.subscribe(TOPIC, qos);
        outflow
    }

    fn push(outflow: &mut Outflow, payload: &'static str) {
        outflow.push(TOPIC, Bytes::from_static(payload.as_bytes()));
    }

    /// What is sent next: its packet id, or 0, and its payload.
    fn next(outflow: &mut Outflow) -> Option<(u16, Bytes)> {
        let next = outflow.next()?;
        Some((next.packet_id.map_or(0, NonZeroU16::get), next.payload))
    }

    #[test]
    fn at_most_qos_1_is_granted() {
        let mut outflow = Outflow::new(10, LIMITS);
        push(&mut outflow, "unwanted");
        assert_eq!(outflow.next(), None);
        let granted = outflow.subscribe(TOPIC, QoS::ExactlyOnce);
        assert_eq!(granted, QoS::AtLeastOnce);
        push(&mut outflow, "a");
        assert_eq!(next(&mut outflow), Some((1, "a".into())));
        assert_eq!(outflow.subscribe(TOPIC, QoS::AtMostOnce), QoS::AtMostOnce);
        push(&mut outflow, "b");
        assert_eq!(next(&mut outflow), Some((0, "b".into())));
        assert!(outflow.unsubscribe(TOPIC));
        assert!(!outflow.unsubscribe(TOPIC));
    }

    #[test]
    fn what_waits_is_bounded_in_messages() {
        let mut outflow = outflow(1, QoS::AtLeastOnce);
        push(&mut outflow, "a");
        assert_eq!(next(&mut outflow), Some((1, "a".into())));
        push(&mut outflow, "b");
        push(&mut outflow, "c");
        assert_eq!(outflow.next(), None);
        assert!(!outflow.is_overfull());
        push(&mut outflow, "d");
        assert!(outflow.is_overfull());
        outflow.acknowledged(NonZeroU16::new(99).unwrap());
        assert_eq!(outflow.next(), None);
        outflow.acknowledged(NonZeroU16::MIN);
        assert_eq!(next(&mut outflow), Some((2, "b".into())));
        assert_eq!(outflow.next(), None);
    }

    #[test]
    fn what_waits_is_bounded_in_octets() {
        let mut outflow = outflow(1, QoS::AtLeastOnce);
        push(&mut outflow, "a");
        outflow.next();
        push(&mut outflow, "eleven byte");
        assert!(!outflow.is_overfull(), "one may always wait");
        push(&mut outflow, "b");
        assert!(outflow.is_overfull());
        outflow.unsubscribe(TOPIC);
        outflow.subscribe(TOPIC, QoS::AtLeastOnce);
        push(&mut outflow, "five!");
        push(&mut outflow, "five!");
        assert!(!outflow.is_overfull());
    }

    #[test]
    fn nothing_overtakes_what_waits() {
        let mut outflow = outflow(1, QoS::AtLeastOnce);
        for payload in ["a", "b"] {
            push(&mut outflow, payload);
        }
        assert_eq!(next(&mut outflow), Some((1, "a".into())));
        assert_eq!(outflow.next(), None);
        outflow.subscribe(TOPIC, QoS::AtMostOnce);
        push(&mut outflow, "c");
        assert_eq!(next(&mut outflow), Some((0, "b".into())));
        assert_eq!(next(&mut outflow), Some((0, "c".into())));
    }

    #[test]
    fn packet_ids_are_never_zero_and_never_taken() {
        let mut outflow = Outflow::new(10, LIMITS);
        outflow.last_id = u16::MAX - 1;
        let first = outflow.next_id();
        outflow.last_id = u16::MAX - 1;
        let second = outflow.next_id();
        assert_eq!((first.get(), second.get()), (u16::MAX, 1));
    }
}
