//! Removes what is no longer needed, in small steps.

use async_trait::async_trait;
use fieldgate_core::storage::{MaintenanceStore, PurgePolicy, Purged, ServerProof, StorageError};
use tokio::time::timeout;

use crate::error::Error;
use crate::postgres::month::Parent;
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, month, refuse};

impl PostgresStorage {
    /// Drops the oldest month of readings and of health reports, where it is over and nothing of
    /// it is kept any more: that is less work than to remove the rows, which are not counted.
    /// Whether there was one; then there may be another.
    async fn drop_months(&self, policy: &PurgePolicy) -> bool {
        let mut any = false;
        for (parent, before) in [
            (Parent::Reading, policy.readings_before),
            (Parent::Health, policy.health_before),
        ] {
            let Some(before) = before else {
                continue;
            };
            let before = before.min(policy.now);
            self.months.keep_from(parent, before);
            let dropped = self
                .write(View::Server, |tx| {
                    scoped(async move { month::drop_oldest(tx, parent, before).await })
                })
                .await;
            match dropped {
                Ok(dropped) => any |= dropped,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a month could not be dropped"
                ),
            }
        }
        any
    }
}

#[async_trait]
impl MaintenanceStore for PostgresStorage {
    async fn purge(
        &self,
        _server: ServerProof,
        policy: &PurgePolicy,
        limit: usize,
    ) -> Result<Purged, StorageError> {
        self.make_months_ahead(policy.now).await;
        let dropped = self.drop_months(policy).await;
        let uncounted = self.tend_tally().await?;
        let purged = self.purge_step(policy, limit).await?;
        Ok(Purged {
            more: purged.more || dropped || uncounted,
            ..purged
        })
    }

    async fn probe(&self, _server: ServerProof) -> Result<(), StorageError> {
        let guarded = timeout(self.call_timeout, self.guard.check()).await;
        guarded.unwrap_or(Err(Error::TimedOut)).map_err(refuse)?;
        let written: i64 = self
            .write(View::Server, |tx| {
                scoped(async move {
                    let count = sqlx::query_scalar(
                        "INSERT INTO probe (id, count) VALUES (1, 1) \
                         ON CONFLICT (id) DO UPDATE SET count = probe.count + 1 RETURNING count",
                    );
                    Ok(count.fetch_one(tx).await?)
                })
            })
            .await?;
        let mut reader = self.reader(View::Server).await?;
        let read: Result<i64, _> = sqlx::query_scalar("SELECT count FROM probe WHERE id = 1")
            .fetch_one(&mut *reader)
            .await;
        // Other probes may have come between.
        if read.map_err(|error| refuse(error.into()))? < written {
            return Err(refuse(Error::Lost));
        }
        Ok(())
    }
}
