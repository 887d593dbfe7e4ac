//! API keys in JSON.

use std::collections::BTreeSet;

use fieldgate_core::Error;
use fieldgate_core::model::api_key as model;
use fieldgate_core::service::MintedKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dto::enums::Scope;
use crate::dto::page::page;
use crate::dto::{Check, text};

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// What people call it.
    #[schema(example = "dashboard")]
    name: String,
    /// With what its text begins, behind `sk_`.
    #[schema(example = "00c0ffee00c0ffee")]
    prefix: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// When it was made.
    #[schema(format = "date-time")]
    created_at: String,
    /// From when on it is worth nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    last_used_at: Option<String>,
}

impl From<model::ApiKey> for ApiKey {
    fn from(key: model::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            prefix: key.prefix.to_string(),
            scopes: key.scopes.into_iter().map(Scope).collect(),
            created_at: key.created_at.to_string(),
            expires_at: text(key.expires_at.as_ref()),
            last_used_at: text(key.last_used_at.as_ref()),
        }
    }
}

page! {
    /// A page of API keys.
    ApiKeyPage of ApiKey
}

/// An API key, with its text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedApiKey {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// What people call it.
    name: String,
    /// With what its text begins, behind `sk_`.
    prefix: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// When it was made.
    #[schema(format = "date-time")]
    created_at: String,
    /// From when on it is worth nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    expires_at: Option<String>,
    /// The key itself, shown this once; null when the request is a repetition.
    #[schema(required = true, example = "sk_<prefix>_<secret>")]
    key: Option<String>,
}

impl From<MintedKey> for CreatedApiKey {
    fn from(minted: MintedKey) -> Self {
        let key = ApiKey::from(minted.key);
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
            key: minted.text.map(|text| text.as_str().to_owned()),
        }
    }
}

/// An API key to be minted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateApiKey {
    /// What people call it.
    #[schema(min_length = 1, max_length = 128, example = "dashboard")]
    name: String,
    /// What it may do: no more than the key that mints it.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// From when on it is worth nothing; never if absent. A key that ends itself has to name an end.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
}

impl CreateApiKey {
    /// What it says of the key.
    pub(crate) fn parse(&self) -> Result<model::ApiKeySettings, Error> {
        let mut check = Check::default();
        let name = check.parse("/name", &self.name);
        let scopes: Vec<Option<model::Scope>> = self
            .scopes
            .iter()
            .enumerate()
            .map(|(index, scope)| check.parse(&format!("/scopes/{index}"), scope))
            .collect();
        let scopes: Option<BTreeSet<_>> = scopes.into_iter().collect();
        let expires_at = check.optional("/expiresAt", self.expires_at.as_ref());
        match (name, scopes, expires_at) {
            (Some(name), Some(scopes), Some(expires_at)) => Ok(model::ApiKeySettings {
                name,
                scopes,
                expires_at,
            }),
            _ => Err(check.into_error()),
        }
    }
}

/// An API key as it is to be. What is absent is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ApiKeyUpdate {
    /// What people call it.
    #[schema(min_length = 1, max_length = 128, example = "dashboard")]
    name: String,
    /// What it may do: no more than the key that changes it.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// From when on it is worth nothing; never if absent. A key that ends itself has to name an end.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
}

impl From<ApiKeyUpdate> for CreateApiKey {
    fn from(update: ApiKeyUpdate) -> Self {
        Self {
            name: update.name,
            scopes: update.scopes,
            expires_at: update.expires_at,
        }
    }
}
