//! A transport within the process: for tests, and for devices that live in their host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::ca::identity::CertificateIdentity;
use crate::error::Error;
use crate::model::id::{DeviceId, OrganizationId};
use crate::storage::SessionRefused;
use crate::transport::{
    DisconnectReason, Inbound, Inbox, Outbound, ReceiveError, SessionHandle, Transport,
};

/// A transport within the process.
///
/// A clone is another handle to the same transport.
#[derive(Clone, Debug, Default)]
pub struct LoopbackTransport {
    ended: Arc<Mutex<Ended>>,
}

type Ended = HashMap<(OrganizationId, DeviceId), (u64, DisconnectReason)>;

/// A device connected by a [`LoopbackTransport`].
#[derive(Debug)]
pub struct LoopbackSession {
    inbox: Arc<dyn Inbox>,
    transport: LoopbackTransport,
    handle: SessionHandle,
    ended_before: u64,
}

impl LoopbackTransport {
    /// Connects a device, as if it had shown its certificate.
    ///
    /// # Errors
    ///
    /// As [`Inbox::open_session`].
    pub async fn connect(
        &self,
        inbox: Arc<dyn Inbox>,
        identity: &CertificateIdentity,
    ) -> Result<Result<LoopbackSession, SessionRefused>, Error> {
        let ended_before = self.times_ended(identity.organization_id, identity.device_id);
        let opened = inbox.open_session(identity).await?;
        Ok(opened.map(|handle| LoopbackSession {
            inbox,
            transport: self.clone(),
            handle,
            ended_before,
        }))
    }

    /// How often the core has ended sessions of a device.
    #[must_use]
    pub fn times_ended(&self, organization: OrganizationId, device: DeviceId) -> u64 {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended
            .get(&(organization, device))
            .map_or(0, |(times, _)| *times)
    }
}

impl LoopbackSession {
    /// Which session it is.
    #[must_use]
    pub const fn handle(&self) -> &SessionHandle {
        &self.handle
    }

    /// Whether the core has ended it.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        let handle = &self.handle;
        self.transport
            .times_ended(handle.organization_id, handle.device_id)
            > self.ended_before
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// As [`Inbox::receive`]; [`ReceiveError::DeviceGone`] once the core has ended the session.
    pub async fn send(&self, message: Inbound) -> Result<Option<Outbound>, ReceiveError> {
        if self.is_ended() {
            return Err(ReceiveError::DeviceGone);
        }
        self.inbox.receive(&self.handle, message).await
    }

    /// Ends the session.
    ///
    /// # Errors
    ///
    /// As [`Inbox::close_session`].
    pub async fn close(self) -> Result<(), Error> {
        self.inbox.close_session(&self.handle).await
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
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = ended.entry((organization, device)).or_insert((0, reason));
        *entry = (entry.0 + 1, reason);
    }
}
