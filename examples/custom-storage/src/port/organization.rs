//! Keeps organizations.

use async_trait::async_trait;
use fieldgate_core::model::api_key::ApiKey;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::organization::{Organization, Slug};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::text::Name;
use fieldgate_core::storage::{Effects, OrganizationStore, ServerProof, StorageError};

use crate::JournalStorage;

#[async_trait]
impl OrganizationStore for JournalStorage {
    async fn create_organization(
        &self,
        server: ServerProof,
        organization: &Organization,
        first_key: Option<&ApiKey>,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.change(
            self.memory()
                .create_organization(server, organization, first_key, effects),
        )
        .await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
        self.look(self.memory().organization(id)).await
    }

    async fn organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, StorageError> {
        self.look(self.memory().organization_by_slug(slug)).await
    }

    async fn organizations(
        &self,
        server: ServerProof,
        page: PageRequest<OrganizationId>,
    ) -> Result<Page<Organization>, StorageError> {
        self.look(self.memory().organizations(server, page)).await
    }

    async fn update_organization(
        &self,
        server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
        slug: &Slug,
        name: &Name,
    ) -> Result<Organization, StorageError> {
        self.change(
            self.memory()
                .update_organization(server, id, expected, slug, name),
        )
        .await
    }

    async fn delete_organization(
        &self,
        server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change(self.memory().delete_organization(server, id, expected))
            .await
    }
}
