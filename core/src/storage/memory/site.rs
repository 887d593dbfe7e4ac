//! Sites in memory.

use async_trait::async_trait;

use super::{MemoryStorage, check_revision, free, page};
use crate::model::id::{OrganizationId, SiteId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::site::{Site, SiteSettings};
use crate::storage::{Effects, Occupied, SiteStore, StorageError, Unique};

#[async_trait]
impl SiteStore for MemoryStorage {
    async fn create_site(&self, site: &Site, effects: &Effects) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        let tenant = state.tenant_mut(site.organization_id, "organization")?;
        free(!tenant.sites.contains_key(&site.id), Unique::Id)?;
        tenant.sites.insert(site.id, site.clone());
        state.apply_effects(effects);
        Ok(())
    }

    async fn site(
        &self,
        organization: OrganizationId,
        id: SiteId,
    ) -> Result<Option<Site>, StorageError> {
        let state = self.lock();
        let tenant = state.tenant(organization);
        Ok(tenant.and_then(|tenant| tenant.sites.get(&id)).cloned())
    }

    async fn sites(
        &self,
        organization: OrganizationId,
        page: PageRequest<SiteId>,
    ) -> Result<Page<Site>, StorageError> {
        let state = self.lock();
        Ok(state
            .tenant(organization)
            .map_or_else(page::empty, |tenant| {
                page::ascending(&tenant.sites, &page, |_| true)
            }))
    }

    async fn update_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
        settings: &SiteSettings,
    ) -> Result<Site, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "site")?;
        let site = tenant
            .sites
            .get_mut(&id)
            .ok_or(StorageError::NotFound { what: "site" })?;
        check_revision(site.revision, expected, "site")?;
        site.settings = settings.clone();
        site.revision = site.revision.next();
        Ok(site.clone())
    }

    async fn delete_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "site")?;
        let found = tenant.sites.get(&id);
        let found = found.ok_or(StorageError::NotFound { what: "site" })?;
        check_revision(found.revision, expected, "site")?;
        let mut devices = tenant.devices.values();
        if devices.any(|device| device.settings.site_id == Some(id)) {
            return Err(StorageError::InUse(Occupied::Site));
        }
        tenant.sites.remove(&id);
        Ok(())
    }
}
