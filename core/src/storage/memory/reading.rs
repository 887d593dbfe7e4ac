//! Readings in memory.

use async_trait::async_trait;

use super::{MemoryStorage, page};
use crate::model::id::{OrganizationId, SensorId};
use crate::model::page::{Page, PageRequest};
use crate::model::reading::{Reading, TimeRange};
use crate::model::timestamp::Timestamp;
use crate::storage::{ReadingStore, StorageError};

#[async_trait]
impl ReadingStore for MemoryStorage {
    async fn readings(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>, StorageError> {
        let state = self.lock();
        let found = state.tenant(organization).and_then(|tenant| {
            let value_type = tenant.sensors.get(&sensor)?.settings.value_type;
            Some((tenant.readings.get(&sensor)?, value_type))
        });
        let Some((readings, value_type)) = found else {
            return Ok(page::empty());
        };
        let mut page = page::history(readings, range, &page);
        // A reading is kept as it was stored, also where its sensor has been widened since.
        for reading in &mut page.items {
            reading.value = reading.value.clone().as_type(value_type);
        }
        Ok(page)
    }
}
