//! Devices in memory.

use async_trait::async_trait;

use super::tenant::Tenant;
use super::{MemoryStorage, check_revision, free, page};
use crate::model::device::{Device, DeviceFilter, DeviceSummary, DeviceUpdate};
use crate::model::id::{DeviceId, OrganizationId, SiteId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;
use crate::storage::{DeletedDevice, DeviceChange, DeviceStore, Effects, StorageError, Unique};

#[async_trait]
impl DeviceStore for MemoryStorage {
    async fn create_device(&self, device: &Device, effects: &Effects) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        let tenant = state.tenant_mut(device.organization_id, "organization")?;
        check_new_device(tenant, device)?;
        tenant.put_device(device.clone());
        state.apply_effects(effects);
        Ok(())
    }

    async fn device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<Option<Device>, StorageError> {
        let state = self.lock();
        let tenant = state.tenant(organization);
        Ok(tenant.and_then(|tenant| tenant.devices.get(&id)).cloned())
    }

    async fn devices(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>, StorageError> {
        let state = self.lock();
        Ok(state
            .tenant(organization)
            .map_or_else(page::empty, |tenant| {
                page::ascending(&tenant.devices, &page, |device| filter.matches(device))
            }))
    }

    async fn update_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        update: &DeviceUpdate,
        now: Timestamp,
    ) -> Result<DeviceChange, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device")?;
        let mut device = tenant.device_mut(id)?.clone();
        check_revision(device.revision, expected, "device")?;
        check_site(tenant, update.settings.site_id)?;
        let holder = tenant.device_named(&update.settings.name);
        free(holder.is_none_or(|holder| holder == id), Unique::DeviceName)?;
        let ended = device.update(update, now)?;
        tenant.put_device(device.clone());
        Ok(DeviceChange { device, ended })
    }

    async fn delete_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<DeletedDevice, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device")?;
        check_revision(tenant.device_mut(id)?.revision, expected, "device")?;
        let removed = tenant.remove_device(id);
        state.certificates.cease(organization, id, now);
        Ok(DeletedDevice {
            ended: removed.and_then(|device| device.session),
        })
    }

    async fn device_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<DeviceSummary, StorageError> {
        let state = self.lock();
        let mut summary = DeviceSummary::default();
        let devices = state.tenant(organization).map(|tenant| &tenant.devices);
        for device in devices.into_iter().flat_map(|devices| devices.values()) {
            let presence = &device.presence;
            let settings = &device.settings;
            summary.total += 1;
            summary.online += u64::from(presence.online());
            *summary.by_status.entry(presence.status()).or_default() += 1;
            *summary.by_site.entry(settings.site_id).or_default() += 1;
            let profile = settings.profile.clone();
            *summary.by_profile.entry(profile).or_default() += 1;
        }
        Ok(summary)
    }
}

/// Refuses a new device whose id, name or site will not do.
pub(super) fn check_new_device(tenant: &Tenant, device: &Device) -> Result<(), StorageError> {
    free(!tenant.devices.contains_key(&device.id), Unique::Id)?;
    let holder = tenant.device_named(&device.settings.name);
    free(holder.is_none(), Unique::DeviceName)?;
    check_site(tenant, device.settings.site_id)
}

fn check_site(tenant: &Tenant, site: Option<SiteId>) -> Result<(), StorageError> {
    if site.is_none_or(|site| tenant.sites.contains_key(&site)) {
        Ok(())
    } else {
        Err(StorageError::UnknownSite)
    }
}
