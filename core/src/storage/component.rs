//! Keeps components.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::component::{Component, ComponentFilter, ComponentSettings};
use crate::model::id::{ComponentId, OrganizationId};
use crate::model::limits::Limits;
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::storage::{Effects, StorageError};

/// Keeps [`Component`] records.
///
/// Devices create components too, by [`ReportStore`](crate::storage::ReportStore).
#[async_trait]
pub trait ComponentStore: Debug + Send + Sync + 'static {
    /// Adds a component to its device.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] for the device; [`StorageError::Taken`] for its id or key;
    /// [`StorageError::LimitReached`] at [`Limits::components_per_device`].
    async fn create_component(
        &self,
        component: &Component,
        limits: &Limits,
        effects: &Effects,
    ) -> Result<(), StorageError>;

    /// Looks one up.
    async fn component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
    ) -> Result<Option<Component>, StorageError>;

    /// Lists the components that match, by id.
    async fn components(
        &self,
        organization: OrganizationId,
        filter: &ComponentFilter,
        page: PageRequest<ComponentId>,
    ) -> Result<Page<Component>, StorageError>;

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn update_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
        settings: &ComponentSettings,
    ) -> Result<Component, StorageError>;

    /// Removes a component with its sensors and their readings. They are gone from every answer at
    /// once; the readings may be removed later, by
    /// [`purge`](crate::storage::MaintenanceStore::purge).
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn delete_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError>;
}
