//! Keeps sites.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SiteId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::site::{Site, SiteSettings};
use fieldgate_core::storage::{Effects, SiteStore, StorageError};

use crate::JournalStorage;

#[async_trait]
impl SiteStore for JournalStorage {
    async fn create_site(&self, site: &Site, effects: &Effects) -> Result<(), StorageError> {
        self.change(self.memory().create_site(site, effects)).await
    }

    async fn site(
        &self,
        organization: OrganizationId,
        id: SiteId,
    ) -> Result<Option<Site>, StorageError> {
        self.look(self.memory().site(organization, id)).await
    }

    async fn sites(
        &self,
        organization: OrganizationId,
        page: PageRequest<SiteId>,
    ) -> Result<Page<Site>, StorageError> {
        self.look(self.memory().sites(organization, page)).await
    }

    async fn update_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
        settings: &SiteSettings,
    ) -> Result<Site, StorageError> {
        self.change(
            self.memory()
                .update_site(organization, id, expected, settings),
        )
        .await
    }

    async fn delete_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change(self.memory().delete_site(organization, id, expected))
            .await
    }
}
