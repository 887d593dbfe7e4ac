//! The contract of the transport port: one function per clause.
//!
//! Each clause starts a transport of its own, with a [`TestInbox`] in the place of the core.
#![expect(
    clippy::unwrap_used,
    reason = "these are the bodies of tests: a failure has to name its line"
)]

pub mod coming_in;
pub mod disconnect;
pub mod ending;
mod inbox;
mod list_of_clauses;
mod loopback;
pub mod message;
pub mod takeover;
mod world;

#[cfg(test)]
mod teeth;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::ca::identity::CertificateIdentity;
use crate::model::announcement::AnnouncedComponent;
use crate::model::reading::Value;
use crate::testing::fixtures::{noon, parse, reading};
use crate::transport::{Inbound, Transport};

pub use inbox::{Event, TestInbox};
pub use loopback::{LoopbackDevice, LoopbackFixture};

/// What an adapter gives to the suite: a transport that serves, and devices that come in by it.
#[async_trait]
pub trait TransportFixture: Sized + Send + Sync + 'static {
    /// What a device shows: its certificate, and that it has the key.
    type Credentials: Send + Sync + 'static;
    /// A device that has come in.
    type Device: ConnectedDevice;

    /// A transport that serves, and hands on to this inbox.
    async fn start(inbox: Arc<TestInbox>) -> Self;

    /// The transport, as the core has it.
    fn transport(&self) -> Arc<dyn Transport>;

    /// The credentials of a new device of a new organization.
    fn credentials(&self) -> Self::Credentials;

    /// Who a device is by its credentials.
    fn identity(&self, credentials: &Self::Credentials) -> CertificateIdentity;

    /// Connects a device; `None` where it is not let in. Dropping the future is the loss of the
    /// connection.
    async fn connect(&self, credentials: &Self::Credentials) -> Option<Self::Device>;

    /// Stops the transport; returns when it has stopped.
    async fn stop(&self);
}

/// A device that has come in.
#[async_trait]
pub trait ConnectedDevice: Send + 'static {
    /// Sends a message that is to be acknowledged, and does not wait for that. What cannot be sent
    /// because the session has ended is lost.
    async fn send(&mut self, message: Message);

    /// Waits for the next thing that the device is told.
    async fn told(&mut self) -> Told;

    /// What the device is told until the transport has had the time to tell it all that it can
    /// tell by now.
    async fn told_by_now(&mut self) -> Vec<Told>;

    /// Ends the session as the transport means it to be ended.
    async fn leave(self);

    /// Loses the connection.
    async fn lose(self);
}

/// A message of a device, known by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message {
    /// The announcement of a component with the key `c<number>`. It is replied to.
    Announcement(u16),
    /// The number, as a reading of the sensor `main`/`s`.
    Reading(u16),
}

/// What a device is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// The message of this number is stored.
    Acknowledged(u16),
    /// The session has ended.
    Ended,
    /// The message of this number is not stored.
    Refused(u16),
    /// What became of the announcement of this number.
    Reply(u16),
}

impl Message {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Announcement(number) | Self::Reading(number) => number,
        }
    }

    /// As the inbox takes it, for a transport that has no wire form.
    #[must_use]
    pub fn inbound(self) -> Inbound {
        match self {
            Self::Announcement(number) => Inbound::Announce {
                firmware_version: None,
                profile: None,
                components: vec![AnnouncedComponent {
                    key: parse(&format!("c{number}")),
                    name: None,
                    profile: None,
                    sensors: Vec::new(),
                }],
                refused: Vec::new(),
            },
            Self::Reading(number) => {
                let value = Value::BigInt(number.into());
                Inbound::Readings(vec![Ok(reading("main/s", noon(), value))])
            }
        }
    }

    /// The message that has come in.
    fn of(inbound: &Inbound) -> Self {
        match inbound {
            Inbound::Announce { components, .. } => {
                let number = components[0].key.as_str().strip_prefix('c').unwrap();
                Self::Announcement(number.parse().unwrap())
            }
            Inbound::Readings(items) => match items[0].as_ref().unwrap().value {
                Value::BigInt(number) => Self::Reading(number.try_into().unwrap()),
                ref other => panic!("never sent: {other:?}"),
            },
            other => panic!("never sent: {other:?}"),
        }
    }
}

/// Waits for something that has to happen; far longer than it should take.
///
/// # Panics
///
/// Where it does not.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}
