//! The use-cases around organizations.

use crate::error::{Error, Result};
use crate::model::api_key::{KeyOwner, Scope};
use crate::model::id::OrganizationId;
use crate::model::organization::{Organization, Slug};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::secret::SecretText;
use crate::model::text::Name;
use crate::service::api_keys::make_key;
use crate::service::idempotency::{lost_to_twin, resource_gone};
use crate::service::{IdempotentRequest, service};
use crate::storage::ServerProof;

service! {
    /// The use-cases around organizations, for the server's own keys.
    Organizations
}

/// An organization that a request created.
#[derive(Debug)]
pub struct CreatedOrganization {
    /// The organization.
    pub organization: Organization,
    /// The text of its first key, which has all scopes; `None` in a replay.
    pub admin_key: Option<SecretText>,
}

impl Organizations {
    /// Makes an organization and its first key, which has all scopes of an organization.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] with `slug_taken`.
    pub async fn create(
        &self,
        server: ServerProof,
        slug: Slug,
        name: Name,
        request: Option<&IdempotentRequest>,
    ) -> Result<CreatedOrganization> {
        if let Some(twin) = self.replayed(request).await? {
            return Ok(twin);
        }
        let now = self.parts.now();
        let organization = Organization {
            id: OrganizationId::new(now, self.parts.id_octets()?),
            slug,
            name,
            created_at: now,
            revision: Revision::FIRST,
        };
        let (key, text) = make_key(
            &self.parts,
            KeyOwner::Organization(organization.id),
            FIRST_KEY.parse().map_err(Error::internal)?,
            Scope::ORGANIZATION.into_iter().collect(),
            None,
        )?;
        let effects = self.parts.effects(request, organization.id.as_uuid());
        let storage = &self.parts.storage;
        match storage
            .create_organization(server, &organization, Some(&key), &effects)
            .await
        {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(request).await?;
                return twin.ok_or_else(|| error.into());
            }
            created => created?,
        }
        Ok(CreatedOrganization {
            organization,
            admin_key: Some(text),
        })
    }

    /// Looks one up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn organization(&self, id: OrganizationId) -> Result<Organization> {
        let found = self.parts.storage.organization(id).await?;
        found.ok_or(Error::NotFound {
            what: "organization",
        })
    }

    /// Looks one up by its slug.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn organization_by_slug(&self, slug: &Slug) -> Result<Organization> {
        let found = self.parts.storage.organization_by_slug(slug).await?;
        found.ok_or(Error::NotFound {
            what: "organization",
        })
    }

    /// Lists all, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(
        &self,
        server: ServerProof,
        page: PageRequest<OrganizationId>,
    ) -> Result<Page<Organization>> {
        Ok(self.parts.storage.organizations(server, page).await?)
    }

    /// Changes slug and name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`]; [`Error::Conflict`] with `slug_taken`.
    pub async fn update(
        &self,
        server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
        slug: &Slug,
        name: &Name,
    ) -> Result<Organization> {
        let storage = &self.parts.storage;
        let updated = storage.update_organization(server, id, expected, slug, name);
        Ok(updated.await?)
    }

    /// Removes an organization that has no devices, with its keys, sites and groups.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`]; [`Error::Conflict`] with `organization_in_use`.
    pub async fn delete(
        &self,
        server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
    ) -> Result<()> {
        let storage = &self.parts.storage;
        Ok(storage.delete_organization(server, id, expected).await?)
    }

    async fn replayed(
        &self,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<CreatedOrganization>> {
        let Some(resource) = self.parts.replay(request).await? else {
            return Ok(None);
        };
        let id = OrganizationId::from_uuid(resource);
        let found = self.parts.storage.organization(id).await?;
        let organization = found.ok_or_else(resource_gone)?;
        Ok(Some(CreatedOrganization {
            organization,
            admin_key: None,
        }))
    }
}

const FIRST_KEY: &str = "admin";
