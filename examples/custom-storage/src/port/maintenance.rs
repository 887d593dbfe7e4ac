//! Removes what is no longer needed, in small steps.

use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::storage::{MaintenanceStore, PurgePolicy, Purged, ServerProof, StorageError};
use tokio::task::spawn_blocking;

use crate::{JournalStorage, unavailable};

#[async_trait]
impl MaintenanceStore for JournalStorage {
    async fn purge(
        &self,
        server: ServerProof,
        policy: &PurgePolicy,
        limit: usize,
    ) -> Result<Purged, StorageError> {
        self.change(self.memory().purge(server, policy, limit))
            .await
    }

    async fn probe(&self, server: ServerProof) -> Result<(), StorageError> {
        self.look(self.memory().probe(server)).await?;
        let mut books = Arc::clone(&self.books).write_owned().await;
        let probed = spawn_blocking(move || books.journal.probe()).await;
        probed.map_err(unavailable)?.map_err(unavailable)
    }
}
