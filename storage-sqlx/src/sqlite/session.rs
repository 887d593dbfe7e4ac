//! Keeps sessions: who is online.

use std::collections::BTreeMap;

use async_trait::async_trait;
use fieldgate_core::model::certificate::CertificateState;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::{DeviceInactive, NodeId, Presence, Session, SessionEpoch};
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    OpenedSession, Seen, ServerProof, SessionRefused, SessionStore, StorageError,
};
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::row::{Columns, stored};
use crate::sqlite::select::row_count;
use crate::sqlite::{SqliteStorage, certificate, device};

#[async_trait]
impl SessionStore for SqliteStorage {
    async fn open_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
        node: &NodeId,
        now: Timestamp,
    ) -> Result<Result<OpenedSession, SessionRefused>, StorageError> {
        let (serial_number, node) = (serial_number.clone(), node.clone());
        self.write(move |tx| {
            Box::pin(async move { open(tx, organization, device, serial_number, node, now).await })
        })
        .await
    }

    async fn close_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        epoch: SessionEpoch,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let newest = Live::find(tx, organization, device)
                    .await?
                    .filter(|live| live.session.as_ref().is_some_and(|it| it.epoch == epoch));
                let Some(mut live) = newest else {
                    return Ok(false);
                };
                live.close(now);
                live.store(tx, organization, device).await?;
                Ok(true)
            })
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
        self.write(move |tx| Box::pin(async move { settle(tx, &node, now, limit).await }))
            .await
    }

    async fn touch_devices(&self, _server: ServerProof, seen: &[Seen]) -> Result<(), StorageError> {
        if seen.is_empty() {
            return Ok(());
        }
        let mut newest = BTreeMap::new();
        for seen in seen {
            let at = newest
                .entry((seen.organization_id, seen.device_id))
                .or_insert(seen.at);
            *at = seen.at.max(*at);
        }
        let json: serde_json::Value = newest
            .into_iter()
            .map(|((organization, device), at)| {
                serde_json::json!([
                    organization.as_uuid().simple().to_string(),
                    device.as_uuid().simple().to_string(),
                    at.unix_millis()
                ])
            })
            .collect();
        self.write(move |tx| Box::pin(async move { touch(tx, json.to_string()).await }))
            .await
    }
}

/// The part of a device's record that its sessions change.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) presence: Presence,
    pub(super) epoch: SessionEpoch,
    pub(super) session: Option<Session>,
}

impl Live {
    pub(super) fn of(device: &Device) -> Self {
        Self {
            presence: device.presence.clone(),
            epoch: device.session_epoch,
            session: device.session.clone(),
        }
    }

    /// Reads the next columns: status, online, first_session_at, last_seen_at, status_changed_at,
    /// session_epoch, live_epoch, live_node and live_serial_number.
    pub(super) fn decode(columns: &mut Columns<'_>) -> Result<Self, Error> {
        let status = columns.text()?;
        let online = columns.plain()?;
        let first_session_at = columns.timestamp_optional()?;
        let last_seen_at = columns.timestamp_optional()?;
        let changed_at = columns.timestamp()?;
        let presence =
            Presence::from_parts(status, online, first_session_at, last_seen_at, changed_at)
                .map_err(|source| columns.last_error(source))?;
        let epoch = SessionEpoch::from_u64(columns.number()?);
        let live_epoch = columns.number_optional()?;
        let node = columns.text_optional()?;
        let serial_number = columns.parse_optional_with(SerialNumber::from_be_bytes)?;
        let session = match (live_epoch, node, serial_number) {
            (None, None, None) => None,
            (Some(epoch), Some(node), Some(serial_number)) => Some(Session {
                epoch: SessionEpoch::from_u64(epoch),
                node,
                serial_number,
            }),
            _ => return Err(columns.contradiction("half a session")),
        };
        Ok(Self {
            presence,
            epoch,
            session,
        })
    }

    /// That of a living device.
    async fn find(
        tx: &mut SqliteConnection,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<Option<Self>, Error> {
        let row = sqlx::query(
            "SELECT status, online, first_session_at, last_seen_at, status_changed_at, \
             session_epoch, live_epoch, live_node, live_serial_number FROM device \
             WHERE organization_id = ? AND id = ?",
        )
        .bind(organization.as_bytes().as_slice())
        .bind(device.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
        row.map(|row| {
            let mut columns = Columns::of(&row, "device");
            columns.name(device);
            Self::decode(&mut columns)
        })
        .transpose()
    }

    pub(super) async fn store(
        &self,
        tx: &mut SqliteConnection,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<(), Error> {
        let presence = &self.presence;
        let session = self.session.as_ref();
        sqlx::query(
            "UPDATE device SET status = ?3, online = ?4, first_session_at = ?5, \
             last_seen_at = ?6, status_changed_at = ?7, session_epoch = ?8, live_epoch = ?9, \
             live_node = ?10, live_serial_number = ?11 WHERE organization_id = ?1 AND id = ?2",
        )
        .bind(organization.as_bytes().as_slice())
        .bind(device.as_bytes().as_slice())
        .bind(presence.status().as_str())
        .bind(presence.online())
        .bind(presence.first_session_at().map(Timestamp::unix_millis))
        .bind(presence.last_seen_at().map(Timestamp::unix_millis))
        .bind(presence.status_changed_at().unix_millis())
        .bind(stored(self.epoch.as_u64()))
        .bind(session.map(|session| stored(session.epoch.as_u64())))
        .bind(session.map(|session| session.node.as_str()))
        .bind(session.map(|session| session.serial_number.as_be_bytes()))
        .execute(tx)
        .await?;
        Ok(())
    }

    fn close(&mut self, now: Timestamp) {
        self.session = None;
        self.presence.session_closed(now);
    }
}

async fn open(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    serial_number: SerialNumber,
    node: NodeId,
    now: Timestamp,
) -> Result<Result<OpenedSession, SessionRefused>, Error> {
    // All of it, so that no damaged device is let in.
    let Some(found) = device::find(tx, organization, device).await? else {
        return Ok(Err(SessionRefused::UnknownDevice));
    };
    let mut live = Live::of(&found);
    if let Err(DeviceInactive) = live.presence.session_opened(now) {
        return Ok(Err(SessionRefused::DeviceInactive));
    }
    let good = certificate::find(tx, organization, device, &serial_number)
        .await?
        .filter(|certificate| certificate.state(now) == CertificateState::Active);
    let Some(good) = good else {
        return Ok(Err(SessionRefused::CertificateNotGood));
    };
    if good.first_used_at.is_none() {
        certificate::note_first_use(tx, &good, now).await?;
    }
    live.epoch = live.epoch.next();
    let displaced = live.session.replace(Session {
        epoch: live.epoch,
        node,
        serial_number,
    });
    live.store(tx, organization, device).await?;
    Ok(Ok(OpenedSession {
        epoch: live.epoch,
        displaced,
        not_after: good.not_after,
    }))
}

async fn settle(
    tx: &mut SqliteConnection,
    node: &NodeId,
    now: Timestamp,
    limit: usize,
) -> Result<usize, Error> {
    let rows = sqlx::query("SELECT organization_id, id FROM device WHERE live_node = ? LIMIT ?")
        .bind(node.as_str())
        .bind(row_count(limit))
        .fetch_all(&mut *tx)
        .await?;
    for row in &rows {
        let mut columns = Columns::of(row, "device");
        let organization = columns.id(OrganizationId::from_uuid)?;
        let device = columns.id(DeviceId::from_uuid)?;
        if let Some(mut live) = Live::find(tx, organization, device).await? {
            live.close(now);
            live.store(tx, organization, device).await?;
        }
    }
    Ok(rows.len())
}

async fn touch(tx: &mut SqliteConnection, json: String) -> Result<(), Error> {
    sqlx::query(
        "UPDATE device SET last_seen_at = seen.at FROM ( \
         SELECT unhex(value ->> 0) AS organization_id, unhex(value ->> 1) AS id, \
         value ->> 2 AS at FROM json_each(?) \
         ) AS seen WHERE device.organization_id = seen.organization_id \
         AND device.id = seen.id \
         AND (device.last_seen_at IS NULL OR device.last_seen_at < seen.at)",
    )
    .bind(json)
    .execute(tx)
    .await?;
    Ok(())
}
