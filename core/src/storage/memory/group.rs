//! Device groups in memory.

use async_trait::async_trait;

use super::{MemoryStorage, check_revision, free, page};
use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::id::{GroupId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::storage::{Effects, GroupStore, StorageError, Unique};

#[async_trait]
impl GroupStore for MemoryStorage {
    async fn create_group(
        &self,
        group: &DeviceGroup,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        let tenant = state.tenant_mut(group.organization_id, "organization")?;
        free(!tenant.groups.contains_key(&group.id), Unique::Id)?;
        tenant.groups.insert(group.id, group.clone());
        state.apply_effects(effects);
        Ok(())
    }

    async fn group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<Option<DeviceGroup>, StorageError> {
        let state = self.lock();
        let tenant = state.tenant(organization);
        Ok(tenant.and_then(|tenant| tenant.groups.get(&id)).cloned())
    }

    async fn groups(
        &self,
        organization: OrganizationId,
        page: PageRequest<GroupId>,
    ) -> Result<Page<DeviceGroup>, StorageError> {
        let state = self.lock();
        Ok(state
            .tenant(organization)
            .map_or_else(page::empty, |tenant| {
                page::ascending(&tenant.groups, &page, |_| true)
            }))
    }

    async fn update_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
        settings: &GroupSettings,
    ) -> Result<DeviceGroup, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device group")?;
        let group = tenant.groups.get_mut(&id).ok_or(StorageError::NotFound {
            what: "device group",
        })?;
        check_revision(group.revision, expected, "device group")?;
        group.settings = settings.clone();
        group.revision = group.revision.next();
        Ok(group.clone())
    }

    async fn delete_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device group")?;
        let found = tenant.groups.get(&id).ok_or(StorageError::NotFound {
            what: "device group",
        })?;
        check_revision(found.revision, expected, "device group")?;
        tenant.groups.remove(&id);
        Ok(())
    }

    async fn group_sizes(
        &self,
        organization: OrganizationId,
        ids: &[GroupId],
    ) -> Result<Vec<u64>, StorageError> {
        let state = self.lock();
        let Some(tenant) = state.tenant(organization) else {
            return Ok(vec![0; ids.len()]);
        };
        let sizes = ids.iter().map(|id| {
            let Some(group) = tenant.groups.get(id) else {
                return 0;
            };
            let selector = &group.settings.selector;
            let devices = tenant.devices.values();
            let chosen = devices.filter(|device| selector.matches(&device.settings.tags));
            chosen.map(|_| 1).sum()
        });
        Ok(sizes.collect())
    }
}
