//! The work that goes on in the background; the host calls it again and again.

use std::sync::PoisonError;
use std::time::Duration;

use crate::error::Result;
use crate::service::service;
use crate::storage::{PurgePolicy, Seen, ServerProof};

service! {
    /// The work that goes on in the background.
    ///
    /// The host calls [`Maintenance::write_seen`] every few seconds, once more before it stops,
    /// and [`Maintenance::purge`] every minute or so.
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
    /// Writes down when devices were last heard of.
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

    fn lock_seen(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashMap<crate::model::id::DeviceId, Seen>>
    {
        let seen = self.parts.seen.lock();
        seen.unwrap_or_else(PoisonError::into_inner)
    }
}

const SEEN_CHUNK: usize = 500;
const PURGE_STEP: usize = 1000;
