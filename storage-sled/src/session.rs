//! Sessions in sled: a part of the device's record.

use async_trait::async_trait;
use fieldgate_core::model::certificate::{Certificate, CertificateState};
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::{DeviceInactive, NodeId, Session, SessionEpoch};
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    OpenedSession, Seen, ServerProof, SessionRefused, SessionStore, StorageError,
};

use crate::SledStorage;
use crate::certificate;
use crate::change::{Change, Source};
use crate::device;
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::writer::Kind;

#[async_trait]
impl SessionStore for SledStorage {
    async fn open_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
        node: &NodeId,
        now: Timestamp,
    ) -> Result<Result<OpenedSession, SessionRefused>, StorageError> {
        let (serial_number, node) = (serial_number.clone(), node.clone());
        self.change(move |change| open(change, (organization, device), serial_number, node, now))
            .await
    }

    async fn close_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        epoch: SessionEpoch,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let key = keys::device(organization, device);
            let newest = change.record::<Device>(&key)?.filter(|device| {
                let session = device.session.as_ref();
                session.is_some_and(|session| session.epoch == epoch)
            });
            match newest {
                Some(device) => close(change, &device, now).map(|()| true),
                None => Ok(false),
            }
        })
        .await
    }

    async fn settle_sessions(
        &self,
        _server: ServerProof,
        node: &NodeId,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StorageError> {
        let node = node.clone();
        self.change_as(Kind::Frugal, move |change| {
            let mut count = 0;
            for entry in change
                .entries(Range::of(keys::sessions_of_node(&node)))
                .take(limit)
            {
                let (key, _) = entry?;
                let key = key.strip_prefix(&*keys::sessions_of_node(&node));
                let mut ids = KeyReader::value(key.unwrap_or_default());
                let organization = OrganizationId::from_uuid(ids.uuid()?);
                let id = DeviceId::from_uuid(ids.uuid()?);
                let device = change.linked(&keys::device(organization, id))?;
                close(change, &device, now)?;
                count += 1;
            }
            Ok(count)
        })
        .await
    }

    async fn touch_devices(&self, _server: ServerProof, seen: &[Seen]) -> Result<(), StorageError> {
        let seen = seen.to_vec();
        self.change_as(Kind::Fleeting, move |change| {
            for seen in seen {
                let key = keys::device(seen.organization_id, seen.device_id);
                let Some(before) = change.record::<Device>(&key)? else {
                    continue;
                };
                let mut device = before.clone();
                device.presence.seen(seen.at);
                if device != before {
                    change.put_record(key, &device)?;
                }
            }
            Ok(())
        })
        .await
    }
}

fn open(
    change: &mut Change<'_>,
    (organization, id): (OrganizationId, DeviceId),
    serial_number: SerialNumber,
    node: NodeId,
    now: Timestamp,
) -> Result<Result<OpenedSession, SessionRefused>, Error> {
    let Some(before) = change.record::<Device>(&keys::device(organization, id))? else {
        return Ok(Err(SessionRefused::UnknownDevice));
    };
    let mut device = before.clone();
    if let Err(DeviceInactive) = device.presence.session_opened(now) {
        return Ok(Err(SessionRefused::DeviceInactive));
    }
    let on_record = certificate::by_serial(change, organization, id, &serial_number)?;
    let good = on_record.filter(|on_record| on_record.state(now) == CertificateState::Active);
    let Some(certificate) = good else {
        return Ok(Err(SessionRefused::CertificateNotGood));
    };
    let not_after = certificate.not_after;
    if certificate.first_used_at.is_none() {
        certificate::supersede(change, organization, id, |other| {
            other.issue_sequence < certificate.issue_sequence
        })?;
        let used = Certificate {
            first_used_at: Some(now),
            ..certificate.clone()
        };
        certificate::replace(change, &certificate, &used)?;
    }
    device.session_epoch = device.session_epoch.next();
    let displaced = device.session.replace(Session {
        epoch: device.session_epoch,
        node,
        serial_number,
    });
    device::replace(change, &before, &device)?;
    Ok(Ok(OpenedSession {
        epoch: device.session_epoch,
        displaced,
        not_after,
    }))
}

fn close(change: &mut Change<'_>, before: &Device, now: Timestamp) -> Result<(), Error> {
    let mut device = before.clone();
    device.session = None;
    device.presence.session_closed(now);
    device::replace(change, before, &device)
}
