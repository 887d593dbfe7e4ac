//! The transport port: how devices reach the core, and how the core ends their sessions.
//!
//! # Contract
//!
//! Every transport keeps these sentences; the suite in `testing::transport` tries them.
//!
//! Coming in:
//!
//! * A device is the one that its certificate says. [`Inbox::open_session`] is asked once per
//!   connection, and the device is let in only where it answers with a session. Its future is run
//!   to the end, also where the device has gone meanwhile.
//! * Of two sessions of a device that a transport holds, the one with the lower epoch is ended by
//!   the transport, in whichever order the two were answered.
//!
//! Messages:
//!
//! * A message is handed to [`Inbox::receive`] with the handle of the session that it came by, and
//!   after those that its device sent before. Readings may be handed on while readings before them
//!   are being stored; any other message waits for those before it, and those after it for it.
//! * A message is acknowledged only when `receive` has returned `Ok`: its effect is durable then.
//!   What `receive` returns goes to the device of that session, in the order of the messages.
//! * Where `receive` fails, the message is not acknowledged, and its device can know: it is told
//!   so, or its session ends. Where the device is gone, its session ends.
//! * No session waits for the messages of another device.
//!
//! Ends:
//!
//! * Whoever ends a session - the device, the loss of its connection, a newer session, the core,
//!   the end of the certificate, the stop of the transport - its end is noted by
//!   [`Inbox::close_session`] with the session's own handle, once, and tried again until it is.
//!   Afterwards nothing of that session is handed on. What was never opened is not closed.
//! * When a transport stops, it lets nobody in any more, ends its sessions and notes their ends.

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
    /// there is none, and nothing to other devices. When it returns, no further message of that
    /// session is handed to the inbox. One that is being stored is waited for, but not for ever: the
    /// transport may give its answer up. The end may be noted later.
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
