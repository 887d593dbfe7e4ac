//! Sessions in memory: a part of the device's record.

use async_trait::async_trait;

use super::{MemoryStorage, State};
use crate::model::certificate::CertificateState;
use crate::model::device::Device;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::presence::{DeviceInactive, NodeId, Session, SessionEpoch};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::storage::{
    OpenedSession, Seen, ServerProof, SessionRefused, SessionStore, StorageError,
};

#[async_trait]
impl SessionStore for MemoryStorage {
    async fn open_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
        node: &NodeId,
        now: Timestamp,
    ) -> Result<Result<OpenedSession, SessionRefused>, StorageError> {
        let mut state = self.lock();
        Ok(open(
            &mut state,
            organization,
            device,
            serial_number,
            node,
            now,
        ))
    }

    async fn close_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        epoch: SessionEpoch,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenants.get_mut(&organization);
        let newest = tenant
            .and_then(|tenant| tenant.devices.get_mut(&device))
            .filter(|device| device.session.as_ref().is_some_and(|it| it.epoch == epoch));
        Ok(newest.is_some_and(|device| {
            close(device, now);
            true
        }))
    }

    async fn settle_sessions(
        &self,
        _server: ServerProof,
        node: &NodeId,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StorageError> {
        let mut state = self.lock();
        let tenants = state.tenants.values_mut();
        let held = tenants
            .flat_map(|tenant| tenant.devices.values_mut())
            .filter(|device| device.session.as_ref().is_some_and(|it| it.node == *node));
        let settled = held.take(limit).map(|device| close(device, now));
        Ok(settled.count())
    }

    async fn touch_devices(&self, _server: ServerProof, seen: &[Seen]) -> Result<(), StorageError> {
        let mut state = self.lock();
        for seen in seen {
            let tenant = state.tenants.get_mut(&seen.organization_id);
            let device = tenant.and_then(|tenant| tenant.devices.get_mut(&seen.device_id));
            if let Some(device) = device {
                device.presence.seen(seen.at);
            }
        }
        Ok(())
    }
}

fn open(
    state: &mut State,
    organization: OrganizationId,
    id: DeviceId,
    serial_number: &SerialNumber,
    node: &NodeId,
    now: Timestamp,
) -> Result<OpenedSession, SessionRefused> {
    let tenant = state.tenants.get_mut(&organization);
    let device = tenant
        .and_then(|tenant| tenant.devices.get_mut(&id))
        .ok_or(SessionRefused::UnknownDevice)?;
    let mut presence = device.presence.clone();
    presence
        .session_opened(now)
        .map_err(|DeviceInactive| SessionRefused::DeviceInactive)?;
    let certificate = state
        .certificates
        .of_device_mut(organization, id, serial_number)
        .filter(|certificate| certificate.state(now) == CertificateState::Active)
        .ok_or(SessionRefused::CertificateNotGood)?;

    let first_use = certificate.first_used_at.is_none();
    certificate.first_used_at.get_or_insert(now);
    let not_after = certificate.not_after;
    let sequence = certificate.issue_sequence;
    if first_use {
        state
            .certificates
            .supersede_below(organization, id, sequence);
    }
    device.presence = presence;
    device.session_epoch = device.session_epoch.next();
    let displaced = device.session.replace(Session {
        epoch: device.session_epoch,
        node: node.clone(),
        serial_number: serial_number.clone(),
    });
    Ok(OpenedSession {
        epoch: device.session_epoch,
        displaced,
        not_after,
    })
}

fn close(device: &mut Device, now: Timestamp) {
    device.session = None;
    device.presence.session_closed(now);
}
