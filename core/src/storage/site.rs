//! Keeps sites.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::id::{OrganizationId, SiteId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::site::{Site, SiteSettings};
use crate::storage::{Effects, StorageError};

/// Keeps [`Site`] records.
#[async_trait]
pub trait SiteStore: Debug + Send + Sync + 'static {
    /// Adds a site.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] for its id; [`StorageError::NotFound`] where its organization is
    /// not there.
    async fn create_site(&self, site: &Site, effects: &Effects) -> Result<(), StorageError>;

    /// Looks one up.
    async fn site(
        &self,
        organization: OrganizationId,
        id: SiteId,
    ) -> Result<Option<Site>, StorageError>;

    /// Lists an organization's sites, by id.
    async fn sites(
        &self,
        organization: OrganizationId,
        page: PageRequest<SiteId>,
    ) -> Result<Page<Site>, StorageError>;

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn update_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
        settings: &SiteSettings,
    ) -> Result<Site, StorageError>;

    /// Removes a site that no device belongs to.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`]; [`StorageError::InUse`] while a
    /// device belongs to it.
    async fn delete_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError>;
}
