//! The transport port: how devices reach the core, and how the core ends their sessions.
//!
//! A transport authenticates a device by its certificate, asks [`Inbox::open_session`] whether it
//! may come in, and hands every message to [`Inbox::receive`]. When that returns `Ok`, the
//! message's effect is durable: only then may the transport acknowledge it to the device.

mod inbox;
mod loopback;
mod message;
pub mod topic;

use std::fmt::Debug;

use async_trait::async_trait;

pub use inbox::{Inbox, ReceiveError, SessionHandle};
pub use loopback::{LoopbackSession, LoopbackTransport};
pub use message::{HealthReport, Inbound, Outbound};

use crate::model::id::{DeviceId, OrganizationId};

/// Carries messages between devices and the core.
#[async_trait]
pub trait Transport: Debug + Send + Sync + 'static {
    /// Ends the live session of a device, and one that is about to be opened; does nothing where
    /// there is none. When it returns, no further message of that session is handed to the inbox.
    async fn disconnect(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        reason: DisconnectReason,
    );
}

/// Why a session ends that the device did not end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DisconnectReason {
    /// The certificate's time is over.
    CertificateExpired,
    /// An operator set the device INACTIVE, revoked its certificate, or deleted it.
    NotAuthorized,
    /// A newer session of the device took its place.
    SessionTakenOver,
    /// The server stops.
    ShuttingDown,
}
