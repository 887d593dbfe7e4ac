//! Keeps sessions: who is online.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::id::{DeviceId, OrganizationId};
use crate::model::presence::{NodeId, Session, SessionEpoch};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::storage::{ServerProof, StorageError};

/// Keeps the live [`Session`] of each device, in its record, and with it the device's presence.
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Opens a session: the authority over whether a device may come in.
    ///
    /// In one atomic step it checks that the device is there and not INACTIVE, and that the
    /// certificate is on record for it, good, and not expired at `now`; raises the device's
    /// session epoch by one; sets the presence by
    /// [`Presence::session_opened`](crate::model::presence::Presence::session_opened); notes the
    /// certificate's first use, and at its first use turns the device's good certificates of a
    /// lower issue sequence superseded.
    async fn open_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
        node: &NodeId,
        now: Timestamp,
    ) -> Result<Result<OpenedSession, SessionRefused>, StorageError>;

    /// Closes a session if it is still the device's newest: sets the presence by
    /// [`Presence::session_closed`](crate::model::presence::Presence::session_closed). Otherwise
    /// changes nothing. True if it was.
    async fn close_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        epoch: SessionEpoch,
        now: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Closes at most `limit` of the sessions that a node is on record with; how many they were.
    /// A node calls it at its start, until the answer is 0, before it accepts devices.
    async fn settle_sessions(
        &self,
        server: ServerProof,
        node: &NodeId,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StorageError>;

    /// Notes when devices were last heard of; times do not run backwards; what is not there is
    /// passed over. Need not be durable.
    async fn touch_devices(&self, server: ServerProof, seen: &[Seen]) -> Result<(), StorageError>;
}

/// An opened session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenedSession {
    /// Which session of the device.
    pub epoch: SessionEpoch,
    /// The session that it displaced.
    pub displaced: Option<Session>,
    /// The end of the certificate, which is the latest end of the session.
    pub not_after: Timestamp,
}

/// Why a session was not opened. Nothing has changed then.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SessionRefused {
    /// The certificate is not on record, or superseded, revoked or expired.
    #[error("the certificate is not good")]
    CertificateNotGood,
    /// The device is INACTIVE.
    #[error("the device is INACTIVE")]
    DeviceInactive,
    /// There is no such device.
    #[error("there is no such device")]
    UnknownDevice,
}

/// When a device was last heard of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Whose device.
    pub organization_id: OrganizationId,
    /// Which device.
    pub device_id: DeviceId,
    /// When.
    pub at: Timestamp,
}
