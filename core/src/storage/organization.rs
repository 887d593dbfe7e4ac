//! Keeps organizations.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::api_key::ApiKey;
use crate::model::id::OrganizationId;
use crate::model::organization::{Organization, Slug};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::text::Name;
use crate::storage::{Effects, ServerProof, StorageError};

/// Keeps [`Organization`] records.
#[async_trait]
pub trait OrganizationStore: Debug + Send + Sync + 'static {
    /// Adds an organization, and with it the first of its keys: an organization that nobody can
    /// come into would be of no use.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] for its id or slug, or the key's id or prefix.
    async fn create_organization(
        &self,
        server: ServerProof,
        organization: &Organization,
        first_key: Option<&ApiKey>,
        effects: &Effects,
    ) -> Result<(), StorageError>;

    /// Looks one up.
    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StorageError>;

    /// Looks one up by its slug.
    async fn organization_by_slug(&self, slug: &Slug)
    -> Result<Option<Organization>, StorageError>;

    /// Lists all, by id.
    async fn organizations(
        &self,
        server: ServerProof,
        page: PageRequest<OrganizationId>,
    ) -> Result<Page<Organization>, StorageError>;

    /// Changes slug and name.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`], [`StorageError::Taken`] for
    /// the slug.
    async fn update_organization(
        &self,
        server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
        slug: &Slug,
        name: &Name,
    ) -> Result<Organization, StorageError>;

    /// Removes an organization that has no devices, with its keys, sites and groups, and with what
    /// is remembered of its requests.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`]; [`StorageError::InUse`] while it
    /// has devices.
    async fn delete_organization(
        &self,
        server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError>;
}
