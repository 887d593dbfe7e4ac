//! The work that goes on in the background; the host calls it again and again.

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Result;
use crate::model::api_key::KeyOwner;
use crate::model::id::{ApiKeyId, DeviceId};
use crate::model::timestamp::Timestamp;
use crate::service::service;
use crate::storage::{PurgePolicy, Seen, ServerProof};

service! {
    /// The work that goes on in the background.
    ///
    /// The host calls [`Maintenance::write_seen`] every few seconds, once more before it stops,
    /// and [`Maintenance::purge`] every minute or so, then again while it says that there is more.
    Maintenance
}

/// How long data is kept; `None` is for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Readings, by their timestamps.
    pub readings: Option<Duration>,
    /// Health reports, by their timestamps.
    pub health: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            readings: Some(Duration::from_secs(365 * 24 * 3600)),
            health: Some(Duration::from_secs(90 * 24 * 3600)),
        }
    }
}

impl Maintenance {
    /// Writes down when devices were last heard of, and keys last used; closes the sessions that were
    /// opened for nobody, as the storage could not say that it has opened them.
    ///
    /// # Errors
    ///
    /// As [`Error`](crate::Error) says in general; what was not written is written next time.
    pub async fn write_seen(&self) -> Result<()> {
        let noted = {
            let mut seen = self.lock_seen();
            std::mem::take(&mut *seen)
        };
        let seen: Vec<Seen> = noted.values().copied().collect();
        for chunk in seen.chunks(SEEN_CHUNK) {
            let storage = &self.parts.storage;
            if let Err(error) = storage.touch_devices(ServerProof::vouch(), chunk).await {
                let mut newer = self.lock_seen();
                for (device, seen) in noted {
                    newer.entry(device).or_insert(seen);
                }
                return Err(error.into());
            }
        }
        self.write_used_keys().await?;
        self.close_nobodys_sessions().await
    }

    async fn close_nobodys_sessions(&self) -> Result<()> {
        let (storage, sessions) = (&self.parts.storage, &self.parts.sessions);
        for (organization, id) in sessions.unsure() {
            let device = storage.device(organization, id).await?;
            let session = device.and_then(|device| device.session);
            let session = session.filter(|session| session.node == self.parts.node);
            if let Some(session) = session
                && sessions.is_nobodys(id, session.epoch)
            {
                let now = self.parts.now();
                storage
                    .close_session(organization, id, session.epoch, now)
                    .await?;
                tracing::info!(device = %id, "closed a session that was opened for nobody");
            }
            sessions.settled(id);
        }
        Ok(())
    }

    async fn write_used_keys(&self) -> Result<()> {
        let used = {
            let mut used = self.lock_used_keys();
            std::mem::take(&mut *used)
        };
        let mut used = used.into_iter();
        while let Some((key, (owner, at))) = used.next() {
            let storage = &self.parts.storage;
            if let Err(error) = storage.touch_api_key(owner, key, at).await {
                let mut newer = self.lock_used_keys();
                newer.entry(key).or_insert((owner, at));
                for (key, use_of_it) in used {
                    newer.entry(key).or_insert(use_of_it);
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Removes some of what is no longer needed; true if there is more.
    ///
    /// # Errors
    ///
    /// As [`Error`](crate::Error) says in general.
    pub async fn purge(&self) -> Result<bool> {
        let now = self.parts.now();
        let limits = &self.parts.limits;
        let policy = PurgePolicy {
            now,
            readings_before: self.parts.retention.readings.map(|life| now.minus(life)),
            health_before: self.parts.retention.health.map(|life| now.minus(life)),
            quarantined_before: now.minus(limits.quarantine_life),
            idempotency_before: now.minus(limits.idempotency_life),
        };
        let storage = &self.parts.storage;
        let purged = storage
            .purge(ServerProof::vouch(), &policy, PURGE_STEP)
            .await?;
        Ok(purged.more)
    }

    /// Whether the storage can be written and read.
    ///
    /// # Errors
    ///
    /// As [`Error`](crate::Error) says in general.
    pub async fn probe(&self) -> Result<()> {
        Ok(self.parts.storage.probe(ServerProof::vouch()).await?)
    }

    fn lock_seen(&self) -> MutexGuard<'_, HashMap<DeviceId, Seen>> {
        let seen = self.parts.seen.lock();
        seen.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_used_keys(&self) -> MutexGuard<'_, HashMap<ApiKeyId, (KeyOwner, Timestamp)>> {
        let used = self.parts.used_keys.lock();
        used.unwrap_or_else(PoisonError::into_inner)
    }
}

const SEEN_CHUNK: usize = 500;
const PURGE_STEP: usize = 1000;
