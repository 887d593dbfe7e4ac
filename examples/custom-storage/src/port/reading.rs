//! Looks stored readings up.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::reading::{Reading, TimeRange};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReadingStore, StorageError};

use crate::JournalStorage;

#[async_trait]
impl ReadingStore for JournalStorage {
    async fn readings(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>, StorageError> {
        self.look(self.memory().readings(organization, sensor, range, page))
            .await
    }
}
