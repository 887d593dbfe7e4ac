//! Who is asking: the port by which a host plugs its own authentication in, and API keys.

use std::collections::BTreeSet;
use std::fmt::Debug;

use async_trait::async_trait;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use fieldgate_core::Error;
use fieldgate_core::model::api_key::{Grant, KeyOwner, Scope};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::service::ApiKeys;

/// Finds out who sends a request.
///
/// # Contract
///
/// * It decides by what the request shows and nothing else; it does not read the body.
/// * A request that shows no credential at all is [`Error::Unauthorized`] with the code
///   [`KEY_MISSING`]; one that shows a wrong one is [`Error::Unauthorized`] with another code,
///   and counts against the limit of failures of its address.
/// * What a [`Caller`] may do is checked against its scopes afterwards; an authenticator grants
///   nothing by itself.
#[async_trait]
pub trait Authenticator: Debug + Send + Sync + 'static {
    /// Who sends the request of which these are the parts.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`] for somebody unknown; others as [`Error`] says in general.
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Error>;
}

/// Who sends a request.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Caller {
    /// For whom it acts: the one organization whose data it can reach, or the server itself.
    pub owner: KeyOwner,
    /// What it may do there.
    pub scopes: BTreeSet<Scope>,
    /// From when on it may do nothing, where that is known: it mints no key that outlives it.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// A caller that acts for `owner`, and may do what `scopes` say.
    pub fn new(owner: KeyOwner, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            owner,
            scopes: scopes.into_iter().collect(),
            expires_at: None,
        }
    }

    /// What it has to pass on to a key.
    pub(crate) fn grant(&self) -> Grant {
        Grant {
            scopes: self.scopes.clone(),
            expires_at: self.expires_at,
        }
    }
}

/// Authenticates by `Authorization: Bearer sk_…`.
#[derive(Clone, Debug)]
pub struct ApiKeyAuthenticator {
    api_keys: ApiKeys,
}

impl ApiKeyAuthenticator {
    /// An authenticator over these keys.
    #[must_use]
    pub const fn new(api_keys: ApiKeys) -> Self {
        Self { api_keys }
    }
}

#[async_trait]
impl Authenticator for ApiKeyAuthenticator {
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Error> {
        let key = self.api_keys.authenticate(bearer(parts)?).await?;
        Ok(Caller {
            owner: key.owner,
            scopes: key.scopes,
            expires_at: key.expires_at,
        })
    }
}

/// The credential of `Authorization: Bearer …`; an empty one, which no key has, for anything else
/// in that header.
fn bearer(parts: &Parts) -> Result<&str, Error> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Error::Unauthorized {
            code: KEY_MISSING,
            detail: "this needs an API key: send `Authorization: Bearer sk_…`".to_owned(),
        });
    };
    let credential = value.to_str().ok().and_then(|value| {
        let (scheme, credential) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("Bearer")
            .then(|| credential.trim_start())
    });
    // Two credentials are one too many: nobody can say which was meant.
    match values.next() {
        None => Ok(credential.unwrap_or_default()),
        Some(_) => Ok(""),
    }
}

/// The code of the error for a request that shows no credential.
pub const KEY_MISSING: &str = "key_missing";
