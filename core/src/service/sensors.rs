//! The use-cases around sensors.

use crate::error::{Error, Result};
use crate::model::id::{OrganizationId, SensorId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::sensor::{Sensor, SensorFilter, SensorSummary, SensorUpdate};
use crate::service::service;

service! {
    /// The use-cases around sensors.
    Sensors
}

impl Sensors {
    /// Looks one up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn sensor(&self, organization: OrganizationId, id: SensorId) -> Result<Sensor> {
        let found = self.parts.storage.sensor(organization, id).await?;
        found.ok_or(Error::NotFound { what: "sensor" })
    }

    /// Lists the sensors of an organization that match, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(
        &self,
        organization: OrganizationId,
        filter: &SensorFilter,
        page: PageRequest<SensorId>,
    ) -> Result<Page<Sensor>> {
        let storage = &self.parts.storage;
        Ok(storage.sensors(organization, filter, page).await?)
    }

    /// Counts an organization's sensors.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn summary(&self, organization: OrganizationId) -> Result<SensorSummary> {
        Ok(self.parts.storage.sensor_summary(organization).await?)
    }

    /// Changes the settings; the type only while no stored reading contradicts it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`]; [`Error::Conflict`] with
    /// `value_type_contradicted`.
    pub async fn update(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
        update: &SensorUpdate,
    ) -> Result<Sensor> {
        let storage = &self.parts.storage;
        let updated = storage.update_sensor(organization, id, expected, update);
        Ok(updated.await?)
    }

    /// Removes a sensor with its readings. A device that reports it again creates a new one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`].
    pub async fn delete(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
    ) -> Result<()> {
        Ok(self
            .parts
            .storage
            .delete_sensor(organization, id, expected)
            .await?)
    }
}
