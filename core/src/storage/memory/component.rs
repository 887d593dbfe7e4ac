//! Components in memory.

use async_trait::async_trait;

use super::{MemoryStorage, check_revision, free, page};
use crate::model::component::{Component, ComponentFilter, ComponentSettings};
use crate::model::id::{ComponentId, OrganizationId};
use crate::model::limits::Limits;
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::storage::{ComponentStore, Effects, StorageError, Unique};

#[async_trait]
impl ComponentStore for MemoryStorage {
    async fn create_component(
        &self,
        component: &Component,
        limits: &Limits,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        let device = component.device_id;
        let tenant = state.tenant_mut(component.organization_id, "device")?;
        tenant.require_device(device)?;
        free(!tenant.components.contains_key(&component.id), Unique::Id)?;
        let holder = tenant.component_of(device, &component.key);
        free(holder.is_none(), Unique::ComponentKey)?;
        if tenant.component_count(device) >= limits.components_per_device {
            return Err(StorageError::LimitReached {
                what: "components per device",
                limit: limits.components_per_device,
            });
        }
        tenant.add_component(component.clone());
        state.apply_effects(effects);
        Ok(())
    }

    async fn component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
    ) -> Result<Option<Component>, StorageError> {
        let state = self.lock();
        let tenant = state.tenant(organization);
        Ok(tenant
            .and_then(|tenant| tenant.components.get(&id))
            .cloned())
    }

    async fn components(
        &self,
        organization: OrganizationId,
        filter: &ComponentFilter,
        page: PageRequest<ComponentId>,
    ) -> Result<Page<Component>, StorageError> {
        let state = self.lock();
        Ok(state
            .tenant(organization)
            .map_or_else(page::empty, |tenant| {
                page::ascending(&tenant.components, &page, |component| {
                    filter.matches(component)
                })
            }))
    }

    async fn update_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
        settings: &ComponentSettings,
    ) -> Result<Component, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "component")?;
        let component = tenant
            .components
            .get_mut(&id)
            .ok_or(StorageError::NotFound { what: "component" })?;
        check_revision(component.revision, expected, "component")?;
        component.settings = settings.clone();
        component.revision = component.revision.next();
        Ok(component.clone())
    }

    async fn delete_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "component")?;
        let found = tenant.components.get(&id);
        let found = found.ok_or(StorageError::NotFound { what: "component" })?;
        check_revision(found.revision, expected, "component")?;
        tenant.remove_component(id);
        Ok(())
    }
}
