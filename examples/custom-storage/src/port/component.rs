//! Keeps components.

use async_trait::async_trait;
use fieldgate_core::model::component::{Component, ComponentFilter, ComponentSettings};
use fieldgate_core::model::id::{ComponentId, OrganizationId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::storage::{ComponentStore, Effects, StorageError};

use crate::JournalStorage;

#[async_trait]
impl ComponentStore for JournalStorage {
    async fn create_component(
        &self,
        component: &Component,
        limits: &Limits,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.change(self.memory().create_component(component, limits, effects))
            .await
    }

    async fn component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
    ) -> Result<Option<Component>, StorageError> {
        self.look(self.memory().component(organization, id)).await
    }

    async fn components(
        &self,
        organization: OrganizationId,
        filter: &ComponentFilter,
        page: PageRequest<ComponentId>,
    ) -> Result<Page<Component>, StorageError> {
        self.look(self.memory().components(organization, filter, page))
            .await
    }

    async fn update_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
        settings: &ComponentSettings,
    ) -> Result<Component, StorageError> {
        self.change(
            self.memory()
                .update_component(organization, id, expected, settings),
        )
        .await
    }

    async fn delete_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change(self.memory().delete_component(organization, id, expected))
            .await
    }
}
