//! Keeps sessions: who is online.

use async_trait::async_trait;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::{NodeId, SessionEpoch};
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    OpenedSession, Seen, ServerProof, SessionRefused, SessionStore, StorageError,
};

use crate::JournalStorage;

#[async_trait]
impl SessionStore for JournalStorage {
    async fn open_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
        node: &NodeId,
        now: Timestamp,
    ) -> Result<Result<OpenedSession, SessionRefused>, StorageError> {
        self.change(
            self.memory()
                .open_session(organization, device, serial_number, node, now),
        )
        .await
    }

    async fn close_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        epoch: SessionEpoch,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        self.change(
            self.memory()
                .close_session(organization, device, epoch, now),
        )
        .await
    }

    async fn settle_sessions(
        &self,
        server: ServerProof,
        node: &NodeId,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StorageError> {
        self.change(self.memory().settle_sessions(server, node, now, limit))
            .await
    }

    async fn touch_devices(&self, server: ServerProof, seen: &[Seen]) -> Result<(), StorageError> {
        self.pass(self.memory().touch_devices(server, seen)).await
    }
}
