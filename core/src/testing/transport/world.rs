//! What the clauses have in common: a transport, its inbox, and what is true whatever happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::testing::transport::{
    ConnectedDevice as _, Event, Message, TestInbox, Told, TransportFixture, soon,
};
use crate::transport::DisconnectReason;

/// A transport that serves.
pub(super) struct World<F> {
    pub(super) fixture: Arc<F>,
    pub(super) inbox: Arc<TestInbox>,
}

impl<F: TransportFixture> World<F> {
    pub(super) async fn start() -> Self {
        let inbox = Arc::new(TestInbox::default());
        let fixture = F::start(Arc::clone(&inbox)).await;
        Self {
            fixture: Arc::new(fixture),
            inbox,
        }
    }

    /// A new device, which has to be let in.
    pub(super) async fn device(&self) -> F::Device {
        self.connect(&self.fixture.credentials()).await
    }

    /// Connects a device, which has to be let in.
    pub(super) async fn connect(&self, credentials: &F::Credentials) -> F::Device {
        match self.try_connect(credentials).await {
            Some(device) => device,
            None => panic!("a device that may come in was not let in"),
        }
    }

    pub(super) async fn try_connect(&self, credentials: &F::Credentials) -> Option<F::Device> {
        soon("an answer", self.fixture.connect(credentials)).await
    }

    /// Asserts that a device is not let in, or thrown out before it could say anything.
    pub(super) async fn assert_shut_out(&self, credentials: &F::Credentials) {
        if let Some(device) = self.try_connect(credentials).await {
            assert_thrown_out::<F>(device).await;
        }
    }

    pub(super) async fn disconnect(&self, credentials: &F::Credentials) {
        let identity = self.fixture.identity(credentials);
        let transport = self.fixture.transport();
        let (organization, device) = (identity.organization_id, identity.device_id);
        let reason = DisconnectReason::NotAuthorized;
        let disconnecting = transport.disconnect(organization, device, reason);
        soon("the disconnect", disconnecting).await;
    }

    /// Waits until so many sessions are asked for.
    pub(super) async fn wait_openings(&self, count: usize) {
        let opening = |events: &[Event]| {
            let openings = events.iter().filter(|event| **event == Event::Opening);
            openings.count() >= count
        };
        self.inbox.wait("openings", opening).await;
    }

    /// What has come in, with the epoch of its session.
    pub(super) fn received(&self) -> Vec<(u64, Message)> {
        let events = self.inbox.events().into_iter();
        let received = events.filter_map(|event| match event {
            Event::Received(epoch, inbound) => Some((epoch, Message::of(&inbound))),
            _ => None,
        });
        received.collect()
    }

    /// How often messages were handed on or stored.
    pub(super) fn traffic(&self) -> usize {
        self.inbox
            .count(|event| matches!(event, Event::Received(..) | Event::Stored(_)))
    }

    /// Stops the transport, and checks what is true whatever has happened.
    pub(super) async fn finish(&self) {
        soon("the transport stops", self.fixture.stop()).await;
        check(&self.inbox.events());
    }
}

/// Waits until a device is told that its session has ended; returns what it was told before.
pub(super) async fn told_until_the_end<F: TransportFixture>(device: &mut F::Device) -> Vec<Told> {
    let mut all = Vec::new();
    loop {
        match next::<F>(device).await {
            Told::Ended => return all,
            told => all.push(told),
        }
    }
}

pub(super) async fn next<F: TransportFixture>(device: &mut F::Device) -> Told {
    soon("what the device is told", device.told()).await
}

/// Asserts that a device is told nothing but the end of its session.
pub(super) async fn assert_thrown_out<F: TransportFixture>(mut device: F::Device) {
    let told = next::<F>(&mut device).await;
    assert_eq!(told, Told::Ended, "a device that has to go is heard");
}

/// Asserts that a session works.
pub(super) async fn assert_works<F: TransportFixture>(device: &mut F::Device, number: u16) {
    device.send(Message::Reading(number)).await;
    let told = next::<F>(device).await;
    assert_eq!(told, Told::Acknowledged(number), "the session has to work");
}

/// Each session that was opened is closed once, and nothing of it comes afterwards; what was never
/// opened is neither closed nor heard.
fn check(events: &[Event]) {
    let mut is_open = BTreeMap::new();
    for event in events {
        match event {
            Event::Opening => {}
            Event::Opened(epoch) => {
                is_open.insert(*epoch, true);
            }
            Event::Received(epoch, _) | Event::Stored(epoch) => {
                let open = is_open.get(epoch).copied();
                assert_eq!(open, Some(true), "heard outside of a session: {events:#?}");
            }
            Event::Closed(epoch) => {
                let was_open = is_open.insert(*epoch, false);
                assert_eq!(was_open, Some(true), "closed too often: {events:#?}");
            }
            Event::Forged(epoch) => panic!("another session's handle ({epoch}): {events:#?}"),
        }
    }
    let left: Vec<_> = is_open.iter().filter(|(_, open)| **open).collect();
    assert!(left.is_empty(), "never closed: {left:?} of {events:#?}");
}
