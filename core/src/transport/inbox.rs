//! What a transport hands to the core.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::ca::identity::CertificateIdentity;
use crate::error::Error;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::presence::SessionEpoch;
use crate::model::timestamp::Timestamp;
use crate::storage::SessionRefused;
use crate::transport::{Inbound, Outbound};

/// Takes sessions and messages of devices in; implemented by the core, called by transports.
#[async_trait]
pub trait Inbox: Debug + Send + Sync + 'static {
    /// Asks whether a device, authenticated by its certificate, may come in; and if so, opens its
    /// session.
    ///
    /// The future has to be run to its end: dropped half-way, it may leave a session on record that
    /// nobody holds.
    ///
    /// # Errors
    ///
    /// The outer one where it cannot be known now: then the device is refused, too.
    async fn open_session(
        &self,
        identity: &CertificateIdentity,
    ) -> Result<Result<SessionHandle, SessionRefused>, Error>;

    /// Takes a message in. Once this returns `Ok`, its effect is durable; what it returns goes to
    /// the device.
    async fn receive(
        &self,
        session: &SessionHandle,
        message: Inbound,
    ) -> Result<Option<Outbound>, ReceiveError>;

    /// Notes that the device was heard of, by something else than a message: a keep-alive, or its
    /// good-bye. Cheap; what it notes is written down later.
    fn heard(&self, session: &SessionHandle);

    /// Notes that a session has ended, also one that the core itself has ended. A session that is
    /// no longer the device's newest changes nothing.
    ///
    /// # Errors
    ///
    /// Where it could not be noted: the transport tries again until it is.
    async fn close_session(&self, session: &SessionHandle) -> Result<(), Error>;
}

/// An open session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionHandle {
    /// Whose device.
    pub organization_id: OrganizationId,
    /// Which device.
    pub device_id: DeviceId,
    /// Which session of the device.
    pub epoch: SessionEpoch,
    /// When it has to end at the latest: the end of the certificate.
    pub not_after: Timestamp,
}

/// Why a message was not taken in. It must not be acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The device is gone: its session has to end.
    #[error("the device is gone")]
    DeviceGone,
    /// It could not be stored now; the device has to send it again.
    #[error(transparent)]
    Failed(#[from] Error),
}
