//! Messages to a device.

use std::collections::{HashSet, VecDeque};
use std::num::NonZeroU16;

use bytes::Bytes;
use fieldgate_core::transport::topic::DeviceTopic;

use crate::packet::QoS;

/// What a device has subscribed to, and what it has not acknowledged.
#[derive(Debug)]
pub(crate) struct Outflow {
    subscriptions: Vec<(DeviceTopic, QoS)>,
    unacknowledged: HashSet<NonZeroU16>,
    unacknowledged_max: usize,
    last_id: u16,
    queue: VecDeque<(DeviceTopic, Bytes)>,
    queue_max: usize,
}

/// What is to be done with a message.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Outgoing {
    /// Send it, with this packet id where it is of QoS 1.
    Send(Option<NonZeroU16>, Bytes),
    /// It waits until the device has acknowledged others.
    Queued,
    /// The device has not subscribed to it.
    Unwanted,
    /// As many wait as may.
    Overflow,
}

impl Outflow {
    pub(crate) fn new(receive_maximum: u16, queue_max: usize) -> Self {
        Self {
            subscriptions: Vec::new(),
            unacknowledged: HashSet::new(),
            unacknowledged_max: usize::from(receive_maximum).min(UNACKNOWLEDGED_MAX),
            last_id: 0,
            queue: VecDeque::new(),
            queue_max,
        }
    }

    /// Subscribes to a topic; returns the QoS that is granted.
    pub(crate) fn subscribe(&mut self, topic: DeviceTopic, wanted: QoS) -> QoS {
        let granted = wanted.less_value(QoS::AtLeastOnce);
        self.subscriptions.retain(|(other, _)| *other != topic);
        self.subscriptions.push((topic, granted));
        granted
    }

    /// Ends a subscription. True if there was one.
    pub(crate) fn unsubscribe(&mut self, topic: DeviceTopic) -> bool {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|(other, _)| *other != topic);
        self.queue.retain(|(other, _)| *other != topic);
        self.subscriptions.len() < before
    }

    /// Decides about a message.
    pub(crate) fn offer(&mut self, topic: DeviceTopic, payload: Bytes) -> Outgoing {
        let mut subscriptions = self.subscriptions.iter();
        let Some(&(_, qos)) = subscriptions.find(|(other, _)| *other == topic) else {
            return Outgoing::Unwanted;
        };
        if qos == QoS::AtMostOnce {
            return Outgoing::Send(None, payload);
        }
        if self.unacknowledged.len() < self.unacknowledged_max {
            return Outgoing::Send(Some(self.next_id()), payload);
        }
        if self.queue.len() < self.queue_max {
            self.queue.push_back((topic, payload));
            return Outgoing::Queued;
        }
        Outgoing::Overflow
    }

    /// Notes an acknowledgement; returns the message that waited longest, for it may be sent now.
    pub(crate) fn acknowledged(&mut self, packet_id: NonZeroU16) -> Option<(DeviceTopic, Bytes)> {
        if !self.unacknowledged.remove(&packet_id) {
            return None;
        }
        self.queue.pop_front()
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

    fn payload() -> Bytes {
        Bytes::from_static(b"{}")
    }

    #[test]
    fn at_most_qos_1_is_granted() {
        let mut outflow = Outflow::new(10, 10);
        assert_eq!(outflow.offer(TOPIC, payload()), Outgoing::Unwanted);
        let granted = outflow.subscribe(TOPIC, QoS::ExactlyOnce);
        assert_eq!(granted, QoS::AtLeastOnce);
        let id = NonZeroU16::new(1);
        assert_eq!(
            outflow.offer(TOPIC, payload()),
            Outgoing::Send(id, payload())
        );
        assert_eq!(outflow.subscribe(TOPIC, QoS::AtMostOnce), QoS::AtMostOnce);
        assert_eq!(
            outflow.offer(TOPIC, payload()),
            Outgoing::Send(None, payload())
        );
        assert!(outflow.unsubscribe(TOPIC));
        assert!(!outflow.unsubscribe(TOPIC));
    }

    #[test]
    fn what_a_device_does_not_acknowledge_is_bounded() {
        let mut outflow = Outflow::new(1, 1);
        outflow.subscribe(TOPIC, QoS::AtLeastOnce);
        let Outgoing::Send(Some(id), _) = outflow.offer(TOPIC, payload()) else {
            panic!("not sent");
        };
        assert_eq!(outflow.offer(TOPIC, payload()), Outgoing::Queued);
        assert_eq!(outflow.offer(TOPIC, payload()), Outgoing::Overflow);
        let unknown = NonZeroU16::new(99).unwrap();
        assert_eq!(outflow.acknowledged(unknown), None);
        assert_eq!(outflow.acknowledged(id), Some((TOPIC, payload())));
    }

    #[test]
    fn packet_ids_are_never_zero_and_never_taken() {
        let mut outflow = Outflow::new(10, 10);
        outflow.last_id = u16::MAX - 1;
        let first = outflow.next_id();
        outflow.last_id = u16::MAX - 1;
        let second = outflow.next_id();
        assert_eq!((first.get(), second.get()), (u16::MAX, 1));
    }
}
