//! The quarantine in memory.

use async_trait::async_trait;

use super::{MemoryStorage, page};
use crate::model::id::{OrganizationId, QuarantineId};
use crate::model::page::{Page, PageRequest};
use crate::model::quarantine::{QuarantineFilter, QuarantinedItem};
use crate::storage::{QuarantineStore, StorageError};

#[async_trait]
impl QuarantineStore for MemoryStorage {
    async fn quarantined_item(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<Option<QuarantinedItem>, StorageError> {
        let state = self.lock();
        let tenant = state.tenant(organization);
        Ok(tenant
            .and_then(|tenant| tenant.quarantine.get(&id))
            .cloned())
    }

    async fn quarantined(
        &self,
        organization: OrganizationId,
        filter: &QuarantineFilter,
        page: PageRequest<QuarantineId>,
    ) -> Result<Page<QuarantinedItem>, StorageError> {
        let state = self.lock();
        Ok(state
            .tenant(organization)
            .map_or_else(page::empty, |tenant| {
                page::descending(&tenant.quarantine, &page, |item| filter.matches(item))
            }))
    }

    async fn discard_quarantined(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "quarantined item")?;
        let removed = tenant.remove_quarantined(id);
        removed.map(drop).ok_or(StorageError::NotFound {
            what: "quarantined item",
        })
    }
}
