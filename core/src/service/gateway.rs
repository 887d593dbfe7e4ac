//! The gateway: takes sessions and messages of devices in.

use std::sync::PoisonError;

use async_trait::async_trait;

use crate::ca::identity::CertificateIdentity;
use crate::error::{Error, Result};
use crate::model::announcement::{Announcement, AnnouncementRefusal};
use crate::model::health::DeviceHealth;
use crate::model::id::QuarantineId;
use crate::model::ingestion::ReadingBatch;
use crate::model::quarantine::{QuarantineReason, QuarantinedItem, Rejection};
use crate::model::timestamp::Timestamp;
use crate::service::service;
use crate::storage::{RetainedTopic, Seen, SessionRefused};
use crate::transport::{HealthReport, Inbound, Inbox, Outbound, ReceiveError, SessionHandle};

service! {
    /// Takes sessions and messages of devices in: the core's side of every transport.
    Gateway
}

#[async_trait]
impl Inbox for Gateway {
    async fn open_session(
        &self,
        identity: &CertificateIdentity,
    ) -> Result<Result<SessionHandle, SessionRefused>> {
        let (organization, device) = (identity.organization_id, identity.device_id);
        let opening = self.parts.sessions.opening(organization, device);
        let opened = self
            .parts
            .storage
            .open_session(
                organization,
                device,
                &identity.serial_number,
                &self.parts.node,
                self.parts.now(),
            )
            .await?;
        opening.answered(opened.as_ref().ok().map(|opened| opened.epoch));
        Ok(opened.map(|opened| SessionHandle {
            organization_id: identity.organization_id,
            device_id: identity.device_id,
            epoch: opened.epoch,
            not_after: opened.not_after,
        }))
    }

    async fn receive(
        &self,
        session: &SessionHandle,
        message: Inbound,
    ) -> Result<Option<Outbound>, ReceiveError> {
        let now = self.parts.now();
        let stored = match message {
            Inbound::Announce {
                firmware_version,
                profile,
                components,
                refused,
            } => {
                let announcement = Announcement {
                    received_at: now,
                    seed: self.parts.id_seed()?,
                    firmware_version,
                    profile,
                    components,
                };
                self.announce(session, &announcement, refused).await
            }
            Inbound::ConfigReported(payload) => {
                let topic = RetainedTopic::ConfigReported;
                self.retain(session, topic, &payload, now).await
            }
            Inbound::Health(report) => self.health(session, report, now).await,
            Inbound::Readings(mut items) => {
                let ahead = self.parts.limits.timestamp_ahead;
                let receipts = &self.parts.receipts;
                receipts.stamp(session.device_id, &mut items, now, ahead);
                let batch = ReadingBatch {
                    received_at: now,
                    seed: self.parts.id_seed()?,
                    items,
                };
                self.readings(session, &batch).await
            }
            Inbound::Refused(rejection) => self.quarantine(session, rejection, now).await,
            Inbound::Status(payload) => {
                let topic = RetainedTopic::Status;
                self.retain(session, topic, &payload, now).await
            }
        };
        match stored {
            Ok(reply) => {
                self.note_seen(session, now);
                Ok(reply)
            }
            Err(Error::NotFound { .. }) => Err(ReceiveError::DeviceGone),
            Err(error) => Err(error.into()),
        }
    }

    fn heard(&self, session: &SessionHandle) {
        self.note_seen(session, self.parts.now());
    }

    async fn close_session(&self, session: &SessionHandle) -> Result<()> {
        let now = self.parts.now();
        let storage = &self.parts.storage;
        storage
            .close_session(
                session.organization_id,
                session.device_id,
                session.epoch,
                now,
            )
            .await?;
        self.parts.sessions.closed(session.device_id, session.epoch);
        Ok(())
    }
}

impl Gateway {
    async fn readings(
        &self,
        session: &SessionHandle,
        batch: &ReadingBatch,
    ) -> Result<Option<Outbound>> {
        let storage = &self.parts.storage;
        let limits = &self.parts.limits;
        let outcome = storage
            .store_readings(session.organization_id, session.device_id, batch, limits)
            .await?;
        if outcome.quarantined > 0 {
            tracing::debug!(
                device = %session.device_id,
                items = outcome.quarantined,
                "readings quarantined"
            );
        }
        Ok(None)
    }

    async fn announce(
        &self,
        session: &SessionHandle,
        announcement: &Announcement,
        refused: Vec<AnnouncementRefusal>,
    ) -> Result<Option<Outbound>> {
        let storage = &self.parts.storage;
        let limits = &self.parts.limits;
        let mut outcome = storage
            .store_announcement(
                session.organization_id,
                session.device_id,
                announcement,
                limits,
            )
            .await?;
        outcome.refused.extend(refused);
        Ok(Some(Outbound::AnnounceResult(outcome)))
    }

    async fn health(
        &self,
        session: &SessionHandle,
        report: HealthReport,
        now: Timestamp,
    ) -> Result<Option<Outbound>> {
        let timestamp = report.timestamp.unwrap_or(now);
        if timestamp > now.plus(self.parts.limits.timestamp_ahead) {
            let detail = "the timestamp is too far ahead of the server's clock";
            let reason = QuarantineReason::TimestampAhead;
            let rejection = Rejection::new(reason, detail, &report.raw);
            return self.quarantine(session, rejection, now).await;
        }
        let health = DeviceHealth {
            device_id: session.device_id,
            timestamp,
            uptime_seconds: report.uptime_seconds,
            free_heap_bytes: report.free_heap_bytes,
            signal_strength_dbm: report.signal_strength_dbm,
            connection_type: report.connection_type,
            readings_sent: report.readings_sent,
            readings_dropped: report.readings_dropped,
            extra: report.extra,
        };
        let storage = &self.parts.storage;
        storage
            .store_health(session.organization_id, &health)
            .await?;
        Ok(None)
    }

    async fn quarantine(
        &self,
        session: &SessionHandle,
        rejection: Rejection,
        now: Timestamp,
    ) -> Result<Option<Outbound>> {
        let item = QuarantinedItem {
            id: QuarantineId::new(now, self.parts.id_octets()?),
            organization_id: session.organization_id,
            device_id: session.device_id,
            received_at: now,
            rejection,
        };
        let storage = &self.parts.storage;
        storage.store_quarantined(&item, &self.parts.limits).await?;
        Ok(None)
    }

    async fn retain(
        &self,
        session: &SessionHandle,
        topic: RetainedTopic,
        payload: &[u8],
        now: Timestamp,
    ) -> Result<Option<Outbound>> {
        let storage = &self.parts.storage;
        storage
            .store_retained(
                session.organization_id,
                session.device_id,
                topic,
                payload,
                now,
            )
            .await?;
        Ok(None)
    }

    fn note_seen(&self, session: &SessionHandle, at: Timestamp) {
        let seen = Seen {
            organization_id: session.organization_id,
            device_id: session.device_id,
            at,
        };
        let mut noted = self
            .parts
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        noted.insert(session.device_id, seen);
    }
}
