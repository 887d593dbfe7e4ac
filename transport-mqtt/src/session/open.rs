//! What happens between a CONNECT and its CONNACK.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldgate_core::Error;
use fieldgate_core::ca::identity::CertificateIdentity;
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::storage::SessionRefused;
use fieldgate_core::transport::DisconnectReason;
use fieldgate_core::transport::topic::DeviceTopic;
use tokio::time::{Instant, sleep_until};

use crate::connection::Serving;
use crate::packet::{Connect, ConnectAccepted, Version, Will};
use crate::refusal::Refusal;
use crate::registry::{Place, TakeoverLimits, Turn};
use crate::session::closing::OpenSession;
use crate::text::clip;

/// An opened session that has not been told so yet.
pub(crate) struct Opened {
    pub(super) serving: Arc<Serving>,
    pub(super) open: OpenSession,
    pub(super) place: Place,
    pub(super) version: Version,
    pub(super) will: Option<Will>,
    pub(super) keep_alive: Duration,
    pub(super) accepted: ConnectAccepted,
    pub(super) maximum_packet_size: usize,
    pub(super) receive_maximum: u16,
    pub(super) expires_later: bool,
}

/// A session that is refused.
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    /// Where it was opened nevertheless: its end has to be noted.
    pub(crate) open: Option<OpenSession>,
}

/// Asks whether the device may come in, and opens its session.
pub(crate) async fn open(
    serving: &Arc<Serving>,
    identity: &CertificateIdentity,
    connect: Connect,
) -> Result<Opened, Refused> {
    check(serving, identity, &connect)?;
    let shared = &serving.shared;
    let (options, counters) = (&shared.options, &shared.counters);

    // The place is taken before the inbox is asked: a disconnect of the device that comes between
    // its answer and the first message is not lost.
    let place = shared
        .registry
        .enter((identity.organization_id, identity.device_id));
    wait_for_turn(serving, &place, identity.device_id).await?;
    let open = match open_session(serving, identity).await {
        Ok(Ok(open)) => open,
        Ok(Err(refused)) => {
            tracing::info!(device = %identity.device_id, %refused, "the device may not come in");
            return Err(Refusal::NotAuthorized.into());
        }
        Err(error) => {
            tracing::warn!(device = %identity.device_id, %error, "a session cannot be opened");
            return Err(Refusal::ServerUnavailable.into());
        }
    };
    match place.accept(open.handle().epoch) {
        Ok(displaced) => counters.takeovers.add(displaced as u64),
        // The place is given up at once: who threw the switch may wait for it.
        Err(reason) => {
            return Err(Refused {
                refusal: refusal(reason),
                open: Some(open),
            });
        }
    }

    let (keep_alive, server_keep_alive) = keep_alive(&connect, options.default_keep_alive);
    let limits = serving.frame_limits();
    Ok(Opened {
        serving: Arc::clone(serving),
        open,
        place,
        version: connect.version,
        // Copied, so that the packet does not live as long as the session.
        will: connect.will.map(|will| Will {
            payload: Bytes::copy_from_slice(&will.payload),
            ..will
        }),
        keep_alive,
        accepted: ConnectAccepted {
            receive_maximum: NonZeroU16::new(options.receive_maximum).unwrap_or(NonZeroU16::MIN),
            maximum_packet_size: u32::try_from(limits.publish_max).unwrap_or(u32::MAX),
            assigned_client_id: connect
                .client_id
                .is_empty()
                .then(|| identity.device_id.to_string()),
            server_keep_alive,
        },
        maximum_packet_size: connect
            .maximum_packet_size
            .map_or(usize::MAX, |max| max.get() as usize),
        receive_maximum: connect.receive_maximum,
        expires_later: connect.expires_later,
    })
}

/// Waits where the device takes its own session over again and again.
async fn wait_for_turn(serving: &Serving, place: &Place, device: DeviceId) -> Result<(), Refusal> {
    let options = &serving.shared.options;
    let limits = TakeoverLimits {
        max: options.takeovers_max,
        window: options.takeover_window,
        delay: options.takeover_delay,
    };
    let turn = place.turn(limits, Instant::now());
    let (Turn::At(_, warning) | Turn::Never(warning)) = turn else {
        return Ok(());
    };
    if let Some(count) = warning {
        tracing::warn!(
            %device,
            count,
            "the device takes its own session over again and again: is its key in use twice?"
        );
    }
    serving.shared.counters.takeovers_delayed.increment();
    let Turn::At(turn, _) = turn else {
        return Err(Refusal::ServerUnavailable);
    };
    tokio::select! {
        biased;
        reason = place.wait_killed() => Err(refusal(reason)),
        () = sleep_until(turn) => Ok(()),
    }
}

/// Asks the inbox. It is asked by a task of its own, so that this is never given up half-way, not
/// even when the endpoint stops: a session that is opened for nobody is closed.
async fn open_session(
    serving: &Arc<Serving>,
    identity: &CertificateIdentity,
) -> Result<Result<OpenSession, SessionRefused>, Error> {
    let (serving, identity) = (Arc::clone(serving), identity.clone());
    let opening = tokio::spawn(async move {
        let opened = serving.inbox.open_session(&identity).await?;
        Ok(opened.map(|handle| OpenSession::new(serving, handle)))
    });
    // Nobody aborts it, so only a panic is left.
    opening.await.unwrap_or_else(|error| {
        Err(Error::Internal {
            source: Box::new(error),
        })
    })
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            open: None,
        }
    }
}

/// Checks what needs no storage.
fn check(
    serving: &Serving,
    identity: &CertificateIdentity,
    connect: &Connect,
) -> Result<(), Refusal> {
    let (organization, device) = (identity.organization_id, identity.device_id);
    if connect.has_authentication_method {
        return Err(Refusal::BadAuthenticationMethod);
    }
    let takes_an_answer = |max: NonZeroU32| max.get() as usize >= CONNECT_ACK_MAX_BYTES;
    if !connect.maximum_packet_size.is_none_or(takes_an_answer) {
        return Err(Refusal::MaximumPacketSize);
    }
    let is_assigned = connect.client_id.is_empty();
    if is_assigned && connect.version == Version::V3 && !connect.clean_start {
        return Err(Refusal::ClientIdentifierNotValid);
    }
    if !is_assigned && connect.client_id != device.to_string() {
        let client_id = clip(&connect.client_id);
        tracing::warn!(%device, client_id, "another client id than the device's");
        return Err(Refusal::ClientIdentifierNotValid);
    }
    if let Some(will) = &connect.will {
        if will.topic != DeviceTopic::Status.name(organization, device) {
            serving.shared.counters.publishes_denied.increment();
            let topic = clip(&will.topic);
            tracing::warn!(%device, topic, "a will to a topic that is not the device's status");
            return Err(Refusal::WillTopic);
        }
        if will.payload.len() > serving.shared.options.will_max_bytes {
            return Err(Refusal::WillTooLarge);
        }
    }
    Ok(())
}

/// The keep-alive, and what the client is told where it is not what it asked for.
fn keep_alive(connect: &Connect, default: Duration) -> (Duration, Option<u16>) {
    match connect.keep_alive {
        0 => {
            let secs = u16::try_from(default.as_secs()).unwrap_or(u16::MAX);
            (default, Some(secs))
        }
        secs => (Duration::from_secs(secs.into()), None),
    }
}

const fn refusal(reason: DisconnectReason) -> Refusal {
    match reason {
        DisconnectReason::CertificateExpired | DisconnectReason::NotAuthorized => {
            Refusal::NotAuthorized
        }
        DisconnectReason::SessionTakenOver | DisconnectReason::ShuttingDown => {
            Refusal::ServerUnavailable
        }
    }
}

/// More than a CONNACK has with all its properties. A client that takes less could not be told
/// that it is in.
const CONNECT_ACK_MAX_BYTES: usize = 100;
