//! A transport within the process: for tests, and for devices that live in their host.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::ca::identity::CertificateIdentity;
use crate::clock::Clock;
use crate::error::Error;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::presence::SessionEpoch;
use crate::storage::SessionRefused;
use crate::transport::{
    DisconnectReason, Inbound, Inbox, Outbound, ReceiveError, SessionHandle, Transport,
};

/// A transport within the process, on the tokio runtime of who connects, which has to have time
/// enabled.
///
/// A clone is another handle to the same transport.
#[derive(Clone, Debug)]
pub struct LoopbackTransport {
    shared: Arc<Shared>,
}

/// A device connected by a [`LoopbackTransport`]. Dropping it ends the session, as the loss of a
/// connection does.
#[derive(Debug)]
pub struct LoopbackSession {
    inbox: Arc<dyn Inbox>,
    clock: Arc<dyn Clock>,
    handle: SessionHandle,
    place: Arc<Place>,
}

type DeviceKey = (OrganizationId, DeviceId);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_stopped: bool,
    places: HashMap<DeviceKey, Vec<Arc<Place>>>,
}

/// The place of a session that is live, or about to be opened.
#[derive(Debug)]
struct Place {
    end: watch::Sender<Option<End>>,
    is_left: watch::Sender<bool>,
    /// Unknown until the session is opened.
    epoch: OnceLock<SessionEpoch>,
    /// Held while a message is handed on: one waits for the other.
    gate: tokio::sync::Mutex<()>,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug)]
enum End {
    Device,
    Other(DisconnectReason),
}

/// A place among those of its device, given up when this is dropped.
struct Entry {
    shared: Arc<Shared>,
    device: DeviceKey,
    place: Arc<Place>,
}

type Answer = Result<Result<LoopbackSession, SessionRefused>, Error>;

impl LoopbackTransport {
    /// A transport whose sessions end with their certificates by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock,
                state: Mutex::default(),
            }),
        }
    }

    /// Connects a device, as if it had shown its certificate. Where the session has been ended
    /// while it was opened, it is one that [is ended](LoopbackSession::is_ended).
    ///
    /// # Errors
    ///
    /// As [`Inbox::open_session`]; [`Error::Unavailable`] once the transport has stopped.
    pub async fn connect(&self, inbox: Arc<dyn Inbox>, identity: &CertificateIdentity) -> Answer {
        let entry = self
            .shared
            .enter((identity.organization_id, identity.device_id))?;
        let (answer, answered) = oneshot::channel();
        // A task of its own sees to the end of both calls, whatever becomes of the caller.
        tokio::spawn(entry.serve(inbox, identity.clone(), answer));
        answered
            .await
            .unwrap_or_else(|gone| Err(Error::internal(gone)))
    }

    /// Lets nobody in any more, and ends all sessions; returns when their ends are noted.
    pub async fn stop(&self) {
        let places: Vec<_> = {
            let mut state = self.shared.lock();
            state.is_stopped = true;
            state.places.values().flatten().cloned().collect()
        };
        for place in &places {
            place.end(End::Other(DisconnectReason::ShuttingDown));
        }
        for place in &places {
            place.left().await;
        }
    }
}

impl LoopbackSession {
    /// Which session it is.
    #[must_use]
    pub const fn handle(&self) -> &SessionHandle {
        &self.handle
    }

    /// Whether it was ended, by another than the device.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.place.is_ended()
    }

    /// Returns when it is ended by another than the device, and says why.
    pub async fn ended(&self) -> DisconnectReason {
        match self.place.ended().await {
            End::Other(reason) => reason,
            // The device ends it by giving this session away.
            End::Device => pending().await,
        }
    }

    /// Sends a message; returns when it is stored.
    ///
    /// # Errors
    ///
    /// As [`Inbox::receive`]; [`ReceiveError::DeviceGone`] once the session is ended.
    pub async fn send(&self, message: Inbound) -> Result<Option<Outbound>, ReceiveError> {
        let _alone = self.place.gate.lock().await;
        if self.clock.now() >= self.handle.not_after {
            let reason = DisconnectReason::CertificateExpired;
            self.place.end(End::Other(reason));
        }
        if self.is_ended() {
            return Err(ReceiveError::DeviceGone);
        }
        let received = self.inbox.receive(&self.handle, message).await;
        if matches!(received, Err(ReceiveError::DeviceGone)) {
            let reason = DisconnectReason::NotAuthorized;
            self.place.end(End::Other(reason));
        }
        received
    }

    /// Ends the session; returns when its end is noted.
    pub async fn close(self) {
        self.place.end(End::Device);
        self.place.left().await;
    }
}

impl Drop for LoopbackSession {
    fn drop(&mut self) {
        self.place.end(End::Device);
    }
}

#[async_trait]
impl Transport for LoopbackTransport {
    async fn disconnect(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        reason: DisconnectReason,
    ) {
        let places = {
            let state = self.shared.lock();
            let places = state.places.get(&(organization, device));
            places.cloned().unwrap_or_default()
        };
        for place in &places {
            place.end(End::Other(reason));
        }
        for place in &places {
            // Who comes through the gate after this finds the session ended.
            drop(place.gate.lock().await);
        }
    }
}

impl Shared {
    /// Takes a place for a session that is about to be opened. From now on a disconnect of the
    /// device concerns it, too.
    fn enter(self: &Arc<Self>, device: DeviceKey) -> Result<Entry, Error> {
        let mut state = self.lock();
        if state.is_stopped {
            return Err(Error::Unavailable {
                retry_after: Duration::from_secs(1),
                source: "the transport has stopped".into(),
            });
        }
        let place = Arc::new(Place {
            end: watch::Sender::new(None),
            is_left: watch::Sender::new(false),
            epoch: OnceLock::new(),
            gate: tokio::sync::Mutex::default(),
        });
        let places = state.places.entry(device).or_default();
        places.push(Arc::clone(&place));
        drop(state);
        Ok(Entry {
            shared: Arc::clone(self),
            device,
            place,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn end(&self, end: End) {
        self.end.send_if_modified(|ended| {
            let is_first = ended.is_none();
            if is_first {
                *ended = Some(end);
            }
            is_first
        });
    }

    fn is_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    async fn ended(&self) -> End {
        let mut end = self.end.subscribe();
        let ended = end.wait_for(Option::is_some).await.ok();
        match ended.and_then(|end| *end) {
            Some(end) => end,
            // The sender is held here, so this does not come about.
            None => pending().await,
        }
    }

    /// Returns when the place is given up.
    async fn left(&self) {
        let _ = self.is_left.subscribe().wait_for(|is_left| *is_left).await;
    }
}

impl Entry {
    /// Opens the session, and sees to its end.
    async fn serve(
        self,
        inbox: Arc<dyn Inbox>,
        identity: CertificateIdentity,
        answer: oneshot::Sender<Answer>,
    ) {
        let handle = match inbox.open_session(&identity).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(refused)) => {
                let _ = answer.send(Ok(Err(refused)));
                return;
            }
            Err(error) => {
                let _ = answer.send(Err(error));
                return;
            }
        };
        self.accept(handle.epoch);
        // Where nobody waits for it any more the session is dropped, and ended by that.
        let _ = answer.send(Ok(Ok(LoopbackSession {
            inbox: Arc::clone(&inbox),
            clock: Arc::clone(&self.shared.clock),
            handle,
            place: Arc::clone(&self.place),
        })));
        self.wait_for_the_end(&handle).await;
        // A message that is being stored comes before the end; nobody else waits for its noting.
        drop(self.place.gate.lock().await);
        let mut pause = PAUSE_MIN;
        while let Err(error) = inbox.close_session(&handle).await {
            let device = handle.device_id;
            tracing::warn!(%device, %error, "the end of a session cannot be noted yet");
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Ends the older ones of the device's sessions, or this one where it is not the newest.
    fn accept(&self, epoch: SessionEpoch) {
        let taken_over = End::Other(DisconnectReason::SessionTakenOver);
        let state = self.shared.lock();
        let _ = self.place.epoch.set(epoch);
        for other in state.places.get(&self.device).into_iter().flatten() {
            match other.epoch.get() {
                Some(other) if *other > epoch => self.place.end(taken_over),
                Some(older) if *older < epoch => other.end(taken_over),
                _ => {}
            }
        }
    }

    async fn wait_for_the_end(&self, handle: &SessionHandle) {
        loop {
            let left = handle.not_after.since(self.shared.clock.now());
            if left.is_zero() {
                let reason = DisconnectReason::CertificateExpired;
                self.place.end(End::Other(reason));
            }
            // The clock may be set.
            let waiting = timeout(left.min(EXPIRY_CHECK), self.place.ended());
            if waiting.await.is_ok() {
                return;
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.place.end(End::Device);
        let mut state = self.shared.lock();
        if let Some(places) = state.places.get_mut(&self.device) {
            places.retain(|place| !Arc::ptr_eq(place, &self.place));
            if places.is_empty() {
                state.places.remove(&self.device);
            }
        }
        drop(state);
        self.place.is_left.send_replace(true);
    }
}

/// How often a session looks at the clock for the end of its certificate.
const EXPIRY_CHECK: Duration = Duration::from_secs(30);

/// The pauses before the end of a session is noted once more, where the storage failed.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
