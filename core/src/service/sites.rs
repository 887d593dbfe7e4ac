//! The use-cases around sites.

use crate::error::{Error, Result};
use crate::model::id::{OrganizationId, SiteId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::site::{Site, SiteSettings};
use crate::service::idempotency::{lost_to_twin, resource_gone};
use crate::service::{Created, IdempotentRequest, service};

service! {
    /// The use-cases around sites.
    Sites
}

impl Sites {
    /// Makes a site.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn create(
        &self,
        organization: OrganizationId,
        settings: SiteSettings,
        request: Option<&IdempotentRequest>,
    ) -> Result<Created<Site>> {
        if let Some(site) = self.replayed(organization, request).await? {
            return Ok(Created::replayed(site));
        }
        let now = self.parts.now();
        let site = Site {
            id: SiteId::new(now, self.parts.id_octets()?),
            organization_id: organization,
            settings,
            created_at: now,
            revision: Revision::FIRST,
        };
        let effects = self.parts.effects(request, site.id.as_uuid());
        match self.parts.storage.create_site(&site, &effects).await {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(organization, request).await?;
                twin.map(Created::replayed).ok_or_else(|| error.into())
            }
            created => Ok(created.map(|()| Created::new(site))?),
        }
    }

    /// Looks one up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn site(&self, organization: OrganizationId, id: SiteId) -> Result<Site> {
        let found = self.parts.storage.site(organization, id).await?;
        found.ok_or(Error::NotFound { what: "site" })
    }

    /// Lists all, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(
        &self,
        organization: OrganizationId,
        page: PageRequest<SiteId>,
    ) -> Result<Page<Site>> {
        Ok(self.parts.storage.sites(organization, page).await?)
    }

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`].
    pub async fn update(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
        settings: &SiteSettings,
    ) -> Result<Site> {
        let storage = &self.parts.storage;
        let updated = storage.update_site(organization, id, expected, settings);
        Ok(updated.await?)
    }

    /// Removes a site that no device belongs to.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`]; [`Error::Conflict`] with `site_in_use`.
    pub async fn delete(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
    ) -> Result<()> {
        let deleted = self
            .parts
            .storage
            .delete_site(organization, id, expected)
            .await;
        Ok(deleted?)
    }

    async fn replayed(
        &self,
        organization: OrganizationId,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<Site>> {
        let Some(resource) = self.parts.replay(request).await? else {
            return Ok(None);
        };
        let id = SiteId::from_uuid(resource);
        let found = self.parts.storage.site(organization, id).await?;
        found.map(Some).ok_or_else(resource_gone)
    }
}
