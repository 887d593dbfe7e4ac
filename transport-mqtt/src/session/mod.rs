//! Sessions of devices.
//!
//! A session is one task. It waits for several things at once - its switch, the time, messages
//! that are stored, the socket - and never for one of them alone.

pub(crate) mod allowance;
mod closing;
mod end;
mod inflow;
mod open;
mod outflow;
mod packets;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::model::id::DeviceId;
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_core::transport::{DisconnectReason, ReceiveError, SessionHandle};
use tokio::time::{Instant, sleep_until, timeout};

use crate::admission::Ticket;
use crate::connection::{DeviceWire, Serving};
use crate::packet::{Decoder, FrameLimits, ServerPacket, Version, Will, encode};
use crate::payload::{self, Effect};
use crate::registry::Place;
use crate::session::allowance::Allowance;
use crate::session::closing::OpenSession;
use crate::session::end::End;
use crate::session::inflow::{Delivery, Done, Inflow};
use crate::session::open::Opened;
use crate::session::outflow::{Outflow, QueueLimits};
use crate::stats::Counters;
use crate::wire::Step;

pub(crate) use open::open;

/// A live session.
struct Session {
    serving: Arc<Serving>,
    wire: DeviceWire,
    version: Version,
    decoder: Decoder,
    limits: FrameLimits,
    handle: SessionHandle,
    place: Place,
    will: Option<Will>,
    /// The literal names of the device's topics.
    names: Vec<(DeviceTopic, Box<str>)>,
    inflow: Inflow,
    outflow: Outflow,
    allowance: Allowance,
    /// The largest packet that the device takes.
    maximum_packet_size: usize,
    expires_later: bool,
    /// One and a half times the keep-alive.
    silence_max: Duration,
    /// When the last packet came, or the last time that the reading of any was held up.
    last_inbound: Instant,
    was_blocked: bool,
    expiry_check_at: Instant,
    /// How many subscriptions were denied.
    denials: u32,
}

impl Opened {
    /// Serves the session until it ends, and notes its end.
    pub(crate) async fn run(self, wire: DeviceWire, peer: SocketAddr, ticket: Ticket) {
        let (mut session, open) = self.begin(wire);
        let device = session.handle.device_id;
        tracing::debug!(%peer, %device, version = ?session.version, "session opened");

        let end = session.serve().await;
        session.drain(end).await;
        if end.publishes_will() {
            session.publish_will().await;
        }
        session.place.end();
        count_end(&session.serving.shared.counters, end);
        log_end(peer, device, end);

        if let Some(reason) = end.reason() {
            session.send(ServerPacket::Disconnect(reason));
        }
        let goodbye_timeout = session.options().goodbye_timeout;
        let Session { wire, place, .. } = session;
        drop(place);
        let goodbye = async {
            wire.close(goodbye_timeout).await;
            drop(ticket);
        };
        tokio::join!(goodbye, open.close());
    }

    fn begin(self, wire: DeviceWire) -> (Session, OpenSession) {
        let serving = self.serving;
        let options = &serving.shared.options;
        let handle = *self.open.handle();
        let now = Instant::now();
        let (organization, device) = (handle.organization_id, handle.device_id);
        let names = DeviceTopic::ALL
            .into_iter()
            .map(|topic| (topic, topic.name(organization, device).into()))
            .collect();
        let allowance = Allowance::new(options.readings_per_second, self.place.share());
        let mut session = Session {
            wire,
            version: self.version,
            decoder: Decoder::new(self.version, options.publish_header_max_bytes),
            limits: serving.frame_limits(),
            handle,
            place: self.place,
            will: self.will,
            names,
            inflow: Inflow::new(
                Arc::clone(&serving.inbox),
                handle,
                options.receive_maximum.into(),
                options.unprocessed_max_bytes,
            ),
            outflow: Outflow::new(
                self.receive_maximum,
                QueueLimits {
                    messages: options.outbound_queue_max,
                    bytes: options.outbound_max_bytes,
                },
            ),
            allowance,
            maximum_packet_size: self.maximum_packet_size,
            expires_later: self.expires_later,
            silence_max: self.keep_alive * 3 / 2,
            last_inbound: now,
            was_blocked: false,
            denials: 0,
            expiry_check_at: now,
            serving,
        };
        session.send(ServerPacket::ConnectAccepted(Box::new(self.accepted)));
        (session, self.open)
    }
}

impl Session {
    /// Serves the device until the session has to end.
    async fn serve(&mut self) -> End {
        let serving = Arc::clone(&self.serving);
        let mut stopped = pin!(serving.wait_stopped());
        let mut timer = pin!(sleep_until(self.last_inbound));
        loop {
            if let Err(end) = self.take_packets() {
                return end;
            }
            let reading = self.is_reading();
            if self.was_blocked && reading {
                // What came meanwhile was not read; the device is not to suffer for it.
                self.last_inbound = Instant::now();
            }
            self.was_blocked = !reading;
            let deadline = self.deadline();
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            tokio::select! {
                biased;
                reason = self.place.wait_killed() => return End::Killed(reason),
                () = &mut stopped => return End::Stopped,
                () = &mut timer => {
                    if let Some(end) = self.check_time() {
                        return end;
                    }
                    timer.as_mut().reset(self.deadline());
                }
                Some(done) = self.inflow.next() => {
                    if let Err(end) = self.finish(done) {
                        return end;
                    }
                }
                step = self.wire.step(reading) => match step {
                    Ok(Step::Flushed | Step::Read | Step::Stalled) => {}
                    Ok(Step::End) | Err(_) => return End::Lost,
                },
            }
        }
    }

    /// Waits for what is being stored, so that what the core has begun is not cut off, and what is
    /// stored is acknowledged.
    async fn drain(&mut self, end: End) {
        self.inflow.stop();
        let mut acknowledges = end.acknowledges();
        let mut is_connected = end != End::Lost;
        // Whoever is shut out is owed nothing more, and the operator waits for it.
        let patience = match end {
            End::Killed(DisconnectReason::NotAuthorized) => SHUT_OUT_PATIENCE,
            _ => self.options().drain_timeout,
        };
        let deadline = Instant::now() + patience.min(self.options().drain_timeout);
        while !self.inflow.is_idle() {
            tokio::select! {
                biased;
                Some(done) = self.inflow.next() => {
                    if acknowledges {
                        acknowledges = self.finish(done).is_ok();
                    }
                }
                () = sleep_until(deadline) => {
                    let device = self.handle.device_id;
                    tracing::warn!(%device, "messages of a session that ended are given up");
                    self.inflow.abandon();
                }
                step = self.wire.step(false), if is_connected => is_connected = step.is_ok(),
            }
        }
    }

    /// Publishes the will, unless the session was ended from elsewhere meanwhile.
    async fn publish_will(&mut self) {
        let Some(will) = self.will.take() else {
            return;
        };
        let device = self.handle.device_id;
        let is_status = self.topic(&will.topic) == Some(DeviceTopic::Status);
        if !is_status || self.place.killed().is_some() {
            return;
        }
        let decoded = payload::decode(DeviceTopic::Status, device, &will.payload, will.retain);
        let Effect::Receive(message, _) = decoded.effect else {
            return;
        };
        let receiving = self.serving.inbox.receive(&self.handle, message);
        match timeout(self.options().drain_timeout, receiving).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%device, %error, "a will could not be stored"),
            Err(_) => tracing::warn!(%device, "a will could not be stored in time"),
        }
    }

    /// Acknowledges a message that is stored, and sends what it leads to.
    fn finish(&mut self, done: Done) -> Result<(), End> {
        let counters = &self.serving.shared.counters;
        let device = self.handle.device_id;
        let reply = match done.outcome {
            Ok(reply) => reply,
            Err(ReceiveError::DeviceGone) => return Err(End::DeviceGone),
            Err(ReceiveError::Failed(error)) => {
                counters.publishes_failed.increment();
                // A message of QoS 0 is lost; of any other the device has to know.
                if done.delivery == Delivery::AtMostOnce {
                    tracing::debug!(%device, %error, "a message of QoS 0 is lost");
                    return Ok(());
                }
                tracing::warn!(%device, %error, "a message cannot be stored");
                return Err(End::Failed);
            }
        };
        counters.publishes_stored.increment();
        let micros = done.taken_at.elapsed().as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        counters.store_micros.add(micros);
        if done.is_quarantined {
            counters.payloads_quarantined.increment();
        }
        if done.topic == DeviceTopic::CommandsResponse {
            counters.responses_ignored.increment();
        }
        self.inflow.acknowledged(done.delivery, done.reason);
        match done.delivery {
            Delivery::AtMostOnce => {}
            Delivery::AtLeastOnce(id) => self.send(ServerPacket::PublishAck(id, done.reason)),
            Delivery::ExactlyOnce(id) => self.send(ServerPacket::PublishReceived(id, done.reason)),
        }
        match reply {
            Some(reply) => self.publish(reply.topic, reply.payload),
            None => Ok(()),
        }
    }

    /// Whether the device may send more: not while a message waits for those before it, not while
    /// the device does not take what it is sent, and not while it has used up its share.
    fn is_reading(&mut self) -> bool {
        let now = Instant::now();
        match self.inflow.take_readings() {
            0 => {}
            readings => self.allowance.spend(readings, now),
        }
        !self.inflow.is_blocked()
            && self.wire.waiting() <= self.options().outbound_max_bytes
            && self.allowance.resumes_at(now).is_none()
    }

    /// When to look at the time again.
    fn deadline(&self) -> Instant {
        let silence = (!self.was_blocked).then(|| self.last_inbound + self.silence_max);
        let resumption = self.allowance.resumes_at(Instant::now());
        let stall = self
            .wire
            .stalled_since()
            .map(|since| since + self.options().write_timeout);
        [silence, resumption, stall]
            .into_iter()
            .flatten()
            .fold(self.expiry_check_at, Instant::min)
    }

    fn check_time(&mut self) -> Option<End> {
        let now = Instant::now();
        if now >= self.expiry_check_at {
            let left = self.handle.not_after.since(self.serving.clock.now());
            if left.is_zero() {
                return Some(End::Expired);
            }
            self.expiry_check_at = now + left.min(self.options().expiry_check_interval);
        }
        if !self.was_blocked && now >= self.last_inbound + self.silence_max {
            return Some(End::KeepAlive);
        }
        let stalled = self.wire.stalled_since();
        if stalled.is_some_and(|since| now >= since + self.options().write_timeout) {
            return Some(End::SlowReader);
        }
        None
    }

    /// The device's topic of this name.
    fn topic(&self, name: &str) -> Option<DeviceTopic> {
        let mut names = self.names.iter();
        names
            .find(|(_, known)| **known == *name)
            .map(|(topic, _)| *topic)
    }

    fn name(&self, topic: DeviceTopic) -> &str {
        let mut names = self.names.iter();
        names
            .find(|(known, _)| *known == topic)
            .map_or("", |(_, name)| name)
    }

    /// Puts a packet where it is written from; one that the device does not take is dropped, as
    /// MQTT 5 wants it.
    fn send(&mut self, packet: ServerPacket) {
        self.try_send(packet);
    }

    /// As [`Self::send`]; false where it was dropped.
    fn try_send(&mut self, packet: ServerPacket) -> bool {
        let maximum = self.maximum_packet_size;
        let outbound = self.wire.outbound();
        let before = outbound.len();
        if let Err(error) = encode(self.version, packet, outbound) {
            outbound.truncate(before);
            tracing::error!(%error, "a packet could not be written");
            return false;
        }
        if outbound.len() - before > maximum {
            outbound.truncate(before);
            self.serving.shared.counters.replies_dropped.increment();
            return false;
        }
        true
    }

    fn options(&self) -> &crate::MqttOptions {
        &self.serving.shared.options
    }
}

fn count_end(counters: &Counters, end: End) {
    match end {
        End::KeepAlive => counters.keep_alive_timeouts.increment(),
        End::Violated(_) => counters.protocol_errors.increment(),
        End::SlowReader | End::Unacknowledged => counters.slow_readers.increment(),
        _ => {}
    }
}

fn log_end(peer: SocketAddr, device: DeviceId, end: End) {
    match end {
        End::Violated(violation) => {
            tracing::info!(%peer, %device, reason = violation.what, "session ended");
        }
        _ => tracing::debug!(%peer, %device, ?end, "session ended"),
    }
}

/// How long a device that is shut out may keep the operator waiting for what it has under way.
const SHUT_OUT_PATIENCE: Duration = Duration::from_millis(500);
