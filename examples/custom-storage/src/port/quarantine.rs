//! Looks quarantined items up, and discards them.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, QuarantineId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::quarantine::{QuarantineFilter, QuarantinedItem};
use fieldgate_core::storage::{QuarantineStore, StorageError};

use crate::JournalStorage;

#[async_trait]
impl QuarantineStore for JournalStorage {
    async fn quarantined_item(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<Option<QuarantinedItem>, StorageError> {
        self.look(self.memory().quarantined_item(organization, id))
            .await
    }

    async fn quarantined(
        &self,
        organization: OrganizationId,
        filter: &QuarantineFilter,
        page: PageRequest<QuarantineId>,
    ) -> Result<Page<QuarantinedItem>, StorageError> {
        self.look(self.memory().quarantined(organization, filter, page))
            .await
    }

    async fn discard_quarantined(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<(), StorageError> {
        self.change(self.memory().discard_quarantined(organization, id))
            .await
    }
}
