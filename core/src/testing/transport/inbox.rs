//! An inbox that the test owns: it records, waits and fails as told.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::ca::identity::CertificateIdentity;
use crate::error::Error;
use crate::model::announcement::{AnnouncementOutcome, KnownComponent};
use crate::model::id::ComponentId;
use crate::model::presence::SessionEpoch;
use crate::model::timestamp::Timestamp;
use crate::storage::SessionRefused;
use crate::testing::fixtures::unique;
use crate::testing::transport::soon;
use crate::transport::{Inbound, Inbox, Outbound, ReceiveError, SessionHandle};

/// What has happened, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A session is asked for.
    Opening,
    /// A session is opened, with this epoch.
    Opened(u64),
    /// A message of the session is in; it is not stored yet.
    Received(u64, Inbound),
    /// A message of the session is stored.
    Stored(u64),
    /// The end of the session is noted.
    Closed(u64),
    /// A session is named by a handle that was never given out.
    Forged(u64),
}

/// An inbox that the test owns: it records, waits and fails as told. No two of its sessions have
/// the same epoch, be they of different devices.
#[derive(Debug, Default)]
pub struct TestInbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    identities: Vec<CertificateIdentity>,
    handles: Vec<SessionHandle>,
    last_epoch: u64,
    received: usize,
    /// Openings wait.
    openings_held: bool,
    /// The next openings get these epochs.
    epochs: Vec<u64>,
    refusal: Option<SessionRefused>,
    opening_fails: bool,
    /// Messages wait, but for those released by their number.
    messages_held: bool,
    released: HashSet<usize>,
    /// Messages by their number that fail.
    failing: HashSet<usize>,
    device_gone: bool,
    /// How many closings fail.
    closings_failing: usize,
    closings_failed: usize,
    not_after: Option<Timestamp>,
}

impl TestInbox {
    /// Makes openings wait, or lets all go on.
    pub fn hold_openings(&self, held: bool) {
        self.change(|state| state.openings_held = held);
    }

    /// The next opening gets this epoch.
    pub fn next_epoch(&self, epoch: u64) {
        self.change(|state| state.epochs.push(epoch));
    }

    /// Refuses who comes in, or no longer.
    pub fn refuse(&self, refusal: Option<SessionRefused>) {
        self.change(|state| state.refusal = refusal);
    }

    /// Makes openings fail, or no longer.
    pub fn fail_openings(&self, fails: bool) {
        self.change(|state| state.opening_fails = fails);
    }

    /// Makes messages wait, or lets all go on.
    pub fn hold_messages(&self, held: bool) {
        self.change(|state| state.messages_held = held);
    }

    /// Lets the message of this number be stored; they count from 0.
    pub fn release(&self, number: usize) {
        self.change(|state| {
            state.released.insert(number);
        });
    }

    /// Makes the message of this number fail.
    pub fn fail_message(&self, number: usize) {
        self.change(|state| {
            state.failing.insert(number);
        });
    }

    /// From now on the device of every message is gone.
    pub fn device_gone(&self) {
        self.change(|state| state.device_gone = true);
    }

    /// Makes so many closings fail.
    pub fn fail_closings(&self, count: usize) {
        self.change(|state| state.closings_failing = count);
    }

    /// How many closings have failed.
    pub fn closings_failed(&self) -> usize {
        self.lock().closings_failed
    }

    /// Sessions end at this time.
    pub fn set_not_after(&self, at: Timestamp) {
        self.change(|state| state.not_after = Some(at));
    }

    /// What has happened so far.
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// Who has asked to come in.
    pub fn identities(&self) -> Vec<CertificateIdentity> {
        self.lock().identities.clone()
    }

    /// The messages so far.
    pub fn messages(&self) -> Vec<Inbound> {
        let events = self.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Received(_, message) => Some(message),
                _ => None,
            })
            .collect()
    }

    /// How many such events there were.
    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.lock()
            .events
            .iter()
            .filter(|event| wanted(event))
            .count()
    }

    /// Waits until so many messages have come in.
    pub async fn wait_messages(&self, count: usize) -> Vec<Inbound> {
        self.wait("messages", |events| {
            let received = |event: &&Event| matches!(event, Event::Received(..));
            events.iter().filter(received).count() >= count
        })
        .await;
        self.messages()
    }

    /// Waits until so many sessions have been closed.
    pub async fn wait_closed(&self, count: usize) {
        self.wait("closed sessions", |events| {
            let closed = |event: &&Event| matches!(event, Event::Closed(_));
            events.iter().filter(closed).count() >= count
        })
        .await;
    }

    /// Waits until this is true of the events.
    pub async fn wait(&self, what: &str, condition: impl Fn(&[Event]) -> bool + Send + Sync) {
        soon(what, self.wait_state(|state| condition(&state.events))).await;
    }

    async fn wait_state(&self, condition: impl Fn(&State) -> bool + Send + Sync) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if condition(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_waiters();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn check(&mut self, session: &SessionHandle) {
        if !self.handles.contains(session) {
            self.events.push(Event::Forged(session.epoch.as_u64()));
        }
    }
}

#[async_trait]
impl Inbox for TestInbox {
    async fn open_session(
        &self,
        identity: &CertificateIdentity,
    ) -> Result<Result<SessionHandle, SessionRefused>, Error> {
        self.change(|state| {
            state.events.push(Event::Opening);
            state.identities.push(identity.clone());
        });
        self.wait_state(|state| !state.openings_held).await;
        self.change(|state| {
            if state.opening_fails {
                return Err(unavailable());
            }
            if let Some(refusal) = state.refusal {
                return Ok(Err(refusal));
            }
            let epoch = match state.epochs.is_empty() {
                true => state.last_epoch + 1,
                false => state.epochs.remove(0),
            };
            state.last_epoch = state.last_epoch.max(epoch);
            state.events.push(Event::Opened(epoch));
            let handle = SessionHandle {
                organization_id: identity.organization_id,
                device_id: identity.device_id,
                epoch: SessionEpoch::from_u64(epoch),
                not_after: state.not_after.unwrap_or(identity.not_after),
            };
            state.handles.push(handle);
            Ok(Ok(handle))
        })
    }

    fn heard(&self, _session: &SessionHandle) {}

    async fn receive(
        &self,
        session: &SessionHandle,
        message: Inbound,
    ) -> Result<Option<Outbound>, ReceiveError> {
        let epoch = session.epoch.as_u64();
        let reply = match &message {
            Inbound::Announce {
                components,
                refused,
                ..
            } => {
                let known = components.iter().map(|component| KnownComponent {
                    key: component.key.clone(),
                    id: ComponentId::new(Timestamp::UNIX_EPOCH, unique()),
                    sensors: Vec::new(),
                });
                Some(Outbound::AnnounceResult(AnnouncementOutcome {
                    components: known.collect(),
                    refused: refused.clone(),
                }))
            }
            _ => None,
        };
        let number = self.change(|state| {
            state.check(session);
            state.events.push(Event::Received(epoch, message));
            state.received += 1;
            state.received - 1
        });
        self.wait_state(|state| !state.messages_held || state.released.contains(&number))
            .await;
        self.change(|state| {
            if state.device_gone {
                return Err(ReceiveError::DeviceGone);
            }
            if state.failing.contains(&number) {
                return Err(unavailable().into());
            }
            state.events.push(Event::Stored(epoch));
            Ok(reply)
        })
    }

    async fn close_session(&self, session: &SessionHandle) -> Result<(), Error> {
        self.change(|state| {
            if state.closings_failing > 0 {
                state.closings_failing -= 1;
                state.closings_failed += 1;
                return Err(unavailable());
            }
            state.check(session);
            state.events.push(Event::Closed(session.epoch.as_u64()));
            Ok(())
        })
    }
}

fn unavailable() -> Error {
    Error::Unavailable {
        retry_after: Duration::from_secs(1),
        source: "the test says so".into(),
    }
}
