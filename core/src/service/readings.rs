//! Looking readings up.

use crate::error::{Error, Result};
use crate::model::id::{OrganizationId, SensorId};
use crate::model::page::{Page, PageRequest};
use crate::model::reading::{Reading, TimeRange};
use crate::model::timestamp::Timestamp;
use crate::service::service;

service! {
    /// Looking readings up.
    Readings
}

impl Readings {
    /// Lists a sensor's readings in a range, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where there is no such sensor.
    pub async fn list(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>> {
        let storage = &self.parts.storage;
        if storage.sensor(organization, sensor).await?.is_none() {
            return Err(Error::NotFound { what: "sensor" });
        }
        Ok(storage.readings(organization, sensor, range, page).await?)
    }
}
