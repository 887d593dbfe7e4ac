//! Organizations in JSON.

use fieldgate_core::Error;
use fieldgate_core::model::organization::{Organization as Model, Slug};
use fieldgate_core::model::text::Name;
use fieldgate_core::service;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dto::Check;
use crate::dto::page::page;

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// Its short name in paths; unique.
    #[schema(example = "acme")]
    slug: String,
    /// What people call it.
    #[schema(example = "Acme Greenhouses")]
    name: String,
    /// When it was made.
    #[schema(format = "date-time")]
    created_at: String,
}

impl From<Model> for Organization {
    fn from(organization: Model) -> Self {
        Self {
            id: organization.id.to_string(),
            slug: organization.slug.to_string(),
            name: organization.name.to_string(),
            created_at: organization.created_at.to_string(),
        }
    }
}

page! {
    /// A page of organizations.
    OrganizationPage of Organization
}

/// An organization, and its first key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedOrganization {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// Its short name in paths; unique.
    slug: String,
    /// What people call it.
    name: String,
    /// When it was made.
    #[schema(format = "date-time")]
    created_at: String,
    /// An API key of the organization with all scopes, shown this once; null when the request is
    /// a repetition.
    #[schema(required = true, example = "sk_<prefix>_<secret>")]
    admin_key: Option<String>,
}

impl From<service::CreatedOrganization> for CreatedOrganization {
    fn from(created: service::CreatedOrganization) -> Self {
        let Organization {
            id,
            slug,
            name,
            created_at,
        } = created.organization.into();
        Self {
            id,
            slug,
            name,
            created_at,
            admin_key: created.admin_key.map(|key| key.as_str().to_owned()),
        }
    }
}

/// An organization to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateOrganization {
    /// Its short name in paths; unique. Some are reserved for paths of the server.
    #[schema(pattern = "^[a-z0-9-]{2,40}$", example = "acme")]
    slug: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 128, example = "Acme Greenhouses")]
    name: String,
}

impl CreateOrganization {
    /// Slug and name.
    pub(crate) fn parse(&self) -> Result<(Slug, Name), Error> {
        let mut check = Check::default();
        let slug = check.parse("/slug", &self.slug);
        let name = check.parse("/name", &self.name);
        slug.zip(name).ok_or_else(|| check.into_error())
    }
}

/// An organization as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationUpdate {
    /// Its short name in paths; unique.
    #[schema(pattern = "^[a-z0-9-]{2,40}$", example = "acme")]
    slug: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 128, example = "Acme Greenhouses")]
    name: String,
}

impl From<OrganizationUpdate> for CreateOrganization {
    fn from(update: OrganizationUpdate) -> Self {
        let OrganizationUpdate { slug, name } = update;
        Self { slug, name }
    }
}
