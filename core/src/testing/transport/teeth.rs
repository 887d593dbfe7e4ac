//! Transports with one fault each, and the clause that catches it.
//!
//! Between the transport and its inbox sits a meddler: what it does to a call, a faulty transport
//! would have done.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::ca::identity::CertificateIdentity;
use crate::error::Error;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::presence::SessionEpoch;
use crate::storage::SessionRefused;
use crate::testing::clauses::assert_caught;
use crate::testing::transport::{
    LoopbackDevice, LoopbackFixture, Message, TestInbox, TransportFixture, coming_in, disconnect,
    ending, message, takeover,
};
use crate::transport::{
    DisconnectReason, Inbound, Inbox, Outbound, ReceiveError, SessionHandle, Transport,
};

const ACKNOWLEDGES_AT_ONCE: u8 = 1;
const ACKNOWLEDGES_WHAT_FAILED: u8 = 2;
const ASKS_FOR_ANOTHER: u8 = 3;
const ASKS_TWICE: u8 = 4;
const CLOSES_NEVER: u8 = 5;
const CLOSES_TWICE: u8 = 6;
const DISCONNECTS_LATER: u8 = 7;
const DISCONNECTS_NEVER: u8 = 8;
const GIVES_UP_CLOSING: u8 = 9;
const HANDS_ON_AFTER_THE_END: u8 = 10;
const KEEPS_ITS_DOOR_OPEN: u8 = 11;
const KEEPS_THE_OLDER: u8 = 12;
const LETS_ALL_IN: u8 = 13;
const MIXES_SESSIONS: u8 = 14;
const SWAPS_MESSAGES: u8 = 15;

struct Faulty<const FAULT: u8>(LoopbackFixture);

#[derive(Debug)]
struct Meddler<const FAULT: u8> {
    inbox: Arc<dyn Inbox>,
    /// As the inbox has given them, and as the transport has got them.
    handles: Mutex<Vec<(SessionHandle, SessionHandle)>>,
    held_back: Mutex<Option<Inbound>>,
}

impl<const FAULT: u8> Meddler<FAULT> {
    fn true_handle(&self, given: &SessionHandle) -> SessionHandle {
        let handles = self.handles.lock().unwrap();
        let mut found = handles.iter();
        match FAULT {
            MIXES_SESSIONS => handles[0].0,
            _ => found
                .find(|(_, other)| other == given)
                .map_or(*given, |(handle, _)| *handle),
        }
    }
}

#[async_trait]
impl<const FAULT: u8> Inbox for Meddler<FAULT> {
    async fn open_session(
        &self,
        identity: &CertificateIdentity,
    ) -> Result<Result<SessionHandle, SessionRefused>, Error> {
        let mut identity = identity.clone();
        match FAULT {
            ASKS_FOR_ANOTHER => identity.serial_number = "01".parse().unwrap(),
            ASKS_TWICE => drop(self.inbox.open_session(&identity).await?),
            _ => {}
        }
        let handle = match self.inbox.open_session(&identity).await? {
            Err(_) if FAULT == LETS_ALL_IN => SessionHandle {
                organization_id: identity.organization_id,
                device_id: identity.device_id,
                epoch: SessionEpoch::from_u64(1),
                not_after: identity.not_after,
            },
            Err(refused) => return Ok(Err(refused)),
            Ok(handle) => handle,
        };
        let mut given = handle;
        if FAULT == KEEPS_THE_OLDER {
            given.epoch = SessionEpoch::from_u64(u64::MAX - handle.epoch.as_u64());
        }
        self.handles.lock().unwrap().push((handle, given));
        Ok(Ok(given))
    }

    async fn receive(
        &self,
        session: &SessionHandle,
        message: Inbound,
    ) -> Result<Option<Outbound>, ReceiveError> {
        let handle = self.true_handle(session);
        let inbox = Arc::clone(&self.inbox);
        match FAULT {
            ACKNOWLEDGES_AT_ONCE => {
                tokio::spawn(async move { inbox.receive(&handle, message).await });
                Ok(None)
            }
            ACKNOWLEDGES_WHAT_FAILED => Ok(inbox.receive(&handle, message).await.unwrap_or(None)),
            SWAPS_MESSAGES => {
                let before = self.held_back.lock().unwrap().take();
                match before {
                    None => {
                        *self.held_back.lock().unwrap() = Some(message);
                        Ok(None)
                    }
                    Some(before) => {
                        inbox.receive(&handle, message).await?;
                        inbox.receive(&handle, before).await
                    }
                }
            }
            _ => inbox.receive(&handle, message).await,
        }
    }

    fn heard(&self, session: &SessionHandle) {
        self.inbox.heard(session);
    }

    async fn close_session(&self, session: &SessionHandle) -> Result<(), Error> {
        let handle = self.true_handle(session);
        let closed = match FAULT {
            CLOSES_NEVER => Ok(()),
            _ => self.inbox.close_session(&handle).await,
        };
        match FAULT {
            CLOSES_TWICE => self.inbox.close_session(&handle).await,
            GIVES_UP_CLOSING => Ok(()),
            HANDS_ON_AFTER_THE_END => {
                let late = self.inbox.receive(&handle, Message::Reading(9).inbound());
                let _ = late.await;
                closed
            }
            _ => closed,
        }
    }
}

#[async_trait]
impl<const FAULT: u8> TransportFixture for Faulty<FAULT> {
    type Credentials = CertificateIdentity;
    type Device = LoopbackDevice;

    async fn start(inbox: Arc<TestInbox>) -> Self {
        let meddler = Meddler::<FAULT> {
            inbox,
            handles: Mutex::default(),
            held_back: Mutex::default(),
        };
        Self(LoopbackFixture::with(Arc::new(meddler)))
    }

    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(FaultyTransport::<FAULT>(self.0.transport()))
    }

    fn credentials(&self) -> CertificateIdentity {
        self.0.credentials()
    }

    fn identity(&self, credentials: &CertificateIdentity) -> CertificateIdentity {
        self.0.identity(credentials)
    }

    async fn connect(&self, credentials: &CertificateIdentity) -> Option<LoopbackDevice> {
        self.0.connect(credentials).await
    }

    async fn stop(&self) {
        if FAULT != KEEPS_ITS_DOOR_OPEN {
            self.0.stop().await;
        }
    }
}

#[derive(Debug)]
struct FaultyTransport<const FAULT: u8>(Arc<dyn Transport>);

#[async_trait]
impl<const FAULT: u8> Transport for FaultyTransport<FAULT> {
    async fn disconnect(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        reason: DisconnectReason,
    ) {
        let transport = Arc::clone(&self.0);
        let disconnecting = async move { transport.disconnect(organization, device, reason).await };
        match FAULT {
            DISCONNECTS_LATER => drop(tokio::spawn(disconnecting)),
            DISCONNECTS_NEVER => {}
            _ => disconnecting.await,
        }
    }
}

/// Asserts that a clause catches a fault, and says this.
macro_rules! assert_catches {
    ($clause:path, $fault:ident, $complaint:literal) => {{
        use $clause as clause;
        assert_caught(clause::<Faulty<$fault>>(), $complaint).await;
    }};
}

/// The clock stands still but for those who wait in vain: they wait no time.
#[tokio::test(start_paused = true)]
async fn faults_of_coming_in_are_caught() {
    assert_catches!(
        coming_in::a_device_is_the_one_of_its_certificate,
        ASKS_FOR_ANOTHER,
        "who was asked about"
    );
    assert_catches!(
        coming_in::a_device_is_the_one_of_its_certificate,
        ASKS_TWICE,
        "who was asked about"
    );
    assert_catches!(
        coming_in::who_is_refused_is_not_let_in,
        LETS_ALL_IN,
        "let in though refused"
    );
    assert_catches!(
        coming_in::an_opening_is_carried_through,
        CLOSES_NEVER,
        "waited in vain: closed sessions"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_of_messages_are_caught() {
    assert_catches!(
        message::they_are_handed_on_in_order,
        SWAPS_MESSAGES,
        "what came in"
    );
    assert_catches!(
        message::each_comes_by_its_own_session,
        MIXES_SESSIONS,
        "the session of"
    );
    assert_catches!(
        message::it_is_acknowledged_when_it_is_stored,
        ACKNOWLEDGES_AT_ONCE,
        "acknowledged before it is stored"
    );
    assert_catches!(
        message::what_failed_is_not_acknowledged,
        ACKNOWLEDGES_WHAT_FAILED,
        "it is not stored"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_of_ends_are_caught() {
    assert_catches!(
        ending::a_device_that_leaves,
        CLOSES_NEVER,
        "waited in vain: closed sessions"
    );
    assert_catches!(
        ending::a_device_that_is_lost,
        CLOSES_TWICE,
        "closed too often"
    );
    assert_catches!(
        ending::an_end_is_noted_in_the_end,
        GIVES_UP_CLOSING,
        "waited in vain: closed sessions"
    );
    assert_catches!(
        ending::a_message_under_way,
        HANDS_ON_AFTER_THE_END,
        "heard outside of a session"
    );
    assert_catches!(
        ending::the_stop_of_the_transport,
        KEEPS_ITS_DOOR_OPEN,
        "closed when the transport has stopped"
    );
    assert_catches!(
        ending::nothing_comes_after_the_stop,
        KEEPS_ITS_DOOR_OPEN,
        "let in by a transport that has stopped"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_of_takeovers_and_disconnects_are_caught() {
    assert_catches!(
        takeover::the_newer_session_stays,
        KEEPS_THE_OLDER,
        "was not let in"
    );
    assert_catches!(
        disconnect::it_ends_the_live_session,
        DISCONNECTS_NEVER,
        "waited in vain: what the device is told"
    );
    assert_catches!(
        disconnect::nothing_is_handed_on_afterwards,
        DISCONNECTS_LATER,
        "something came after a disconnect"
    );
    assert_catches!(
        disconnect::it_ends_a_session_that_is_being_opened,
        DISCONNECTS_NEVER,
        "a device that has to go is heard"
    );
}
