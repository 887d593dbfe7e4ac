//! Keeps sensors.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::id::{OrganizationId, SensorId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::sensor::{Sensor, SensorFilter, SensorSummary, SensorUpdate};
use crate::storage::StorageError;

/// Keeps [`Sensor`] records.
///
/// Devices create them, by [`ReportStore`](crate::storage::ReportStore).
#[async_trait]
pub trait SensorStore: Debug + Send + Sync + 'static {
    /// Looks one up.
    async fn sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
    ) -> Result<Option<Sensor>, StorageError>;

    /// Lists the sensors that match, by id.
    async fn sensors(
        &self,
        organization: OrganizationId,
        filter: &SensorFilter,
        page: PageRequest<SensorId>,
    ) -> Result<Page<Sensor>, StorageError>;

    /// How many sensors an organization's devices have. The numbers are kept with every change, so
    /// that nothing is counted here.
    async fn sensor_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<SensorSummary, StorageError>;

    /// Changes it by [`Sensor::update`].
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`],
    /// [`StorageError::TypeMismatch`].
    async fn update_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
        update: &SensorUpdate,
    ) -> Result<Sensor, StorageError>;

    /// Removes a sensor with its readings. They are gone from every answer at once; the readings
    /// may be removed later, by [`purge`](crate::storage::MaintenanceStore::purge).
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn delete_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError>;
}
