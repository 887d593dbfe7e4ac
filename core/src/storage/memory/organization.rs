//! Organizations in memory.

use async_trait::async_trait;

use super::tenant::Tenant;
use super::{MemoryStorage, check_revision, free};
use crate::model::api_key::{ApiKey, KeyOwner};
use crate::model::id::OrganizationId;
use crate::model::organization::{Organization, Slug};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::text::Name;
use crate::storage::{Effects, Occupied, OrganizationStore, ServerProof, StorageError, Unique};

#[async_trait]
impl OrganizationStore for MemoryStorage {
    async fn create_organization(
        &self,
        _server: ServerProof,
        organization: &Organization,
        first_key: Option<&ApiKey>,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        free(!state.tenants.contains_key(&organization.id), Unique::Id)?;
        let mut others = state.tenants.values();
        let slug_free = others.all(|other| other.organization.slug != organization.slug);
        free(slug_free, Unique::OrganizationSlug)?;
        if let Some(key) = first_key {
            state.check_api_key(key)?;
            state.api_keys.insert((key.owner, key.id), key.clone());
        }
        let tenant = Tenant::new(organization.clone());
        state.tenants.insert(organization.id, tenant);
        state.apply_effects(effects);
        Ok(())
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
        let state = self.lock();
        Ok(state.tenant(id).map(|tenant| tenant.organization.clone()))
    }

    async fn organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, StorageError> {
        let state = self.lock();
        let mut all = state.tenants.values().map(|tenant| &tenant.organization);
        Ok(all.find(|organization| organization.slug == *slug).cloned())
    }

    async fn organizations(
        &self,
        _server: ServerProof,
        page: PageRequest<OrganizationId>,
    ) -> Result<Page<Organization>, StorageError> {
        let state = self.lock();
        let found = state
            .tenants
            .values()
            .map(|tenant| &tenant.organization)
            .filter(|organization| page.after.is_none_or(|after| organization.id > after))
            .take(page.limit.as_usize() + 1)
            .cloned()
            .collect();
        Ok(Page::cut(found, page.limit))
    }

    async fn update_organization(
        &self,
        _server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
        slug: &Slug,
        name: &Name,
    ) -> Result<Organization, StorageError> {
        let mut state = self.lock();
        let slug_free = state
            .tenants
            .values()
            .all(|other| other.organization.id == id || other.organization.slug != *slug);
        let organization = &mut state.tenant_mut(id, "organization")?.organization;
        check_revision(organization.revision, expected, "organization")?;
        free(slug_free, Unique::OrganizationSlug)?;
        organization.slug = slug.clone();
        organization.name = name.clone();
        organization.revision = organization.revision.next();
        Ok(organization.clone())
    }

    async fn delete_organization(
        &self,
        _server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(id, "organization")?;
        check_revision(tenant.organization.revision, expected, "organization")?;
        if !tenant.devices.is_empty() {
            return Err(StorageError::InUse(Occupied::Organization));
        }
        state.tenants.remove(&id);
        let owner = KeyOwner::Organization(id);
        state.api_keys.retain(|_, key| key.owner != owner);
        state.idempotency.retain(|(of, _), _| *of != owner);
        Ok(())
    }
}
