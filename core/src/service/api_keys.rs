//! The use-cases around API keys.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::model::api_key::{
    ApiKey, ApiKeySettings, ApiKeyText, Grant, KeyOwner, KeyPrefix, Scope,
};
use crate::model::id::ApiKeyId;
use crate::model::page::{Page, PageLimit, PageRequest};
use crate::model::revision::Revision;
use crate::model::secret::{Secret, SecretHash, SecretText};
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;
use crate::random::random_array;
use crate::service::idempotency::{lost_to_twin, resource_gone};
use crate::service::{IdempotentRequest, Parts, service};

service! {
    /// The use-cases around API keys.
    ApiKeys
}

/// A minted key.
#[derive(Debug)]
pub struct MintedKey {
    /// The key as it is kept.
    pub key: ApiKey,
    /// Its text, shown this once; `None` in a replay.
    pub text: Option<SecretText>,
}

impl ApiKeys {
    /// Finds out who shows a key.
    ///
    /// A key that is unknown, wrong, expired or malformed gets one and the same answer.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`] with `key_invalid`.
    pub async fn authenticate(&self, text: &str) -> Result<ApiKey> {
        let Some(shown) = ApiKeyText::parse(text) else {
            return Err(key_invalid());
        };
        let storage = &self.parts.storage;
        let found = storage.api_key_by_prefix(shown.prefix).await?;
        // An unknown prefix costs the same comparison as a wrong secret.
        let hash = found.as_ref().map_or(NO_SECRET, |key| key.secret_hash);
        let proven = hash.matches(&shown.secret);
        let now = self.parts.now();
        let valid = |key: &ApiKey| proven && key.expires_at.is_none_or(|end| now < end);
        let Some(key) = found.filter(valid) else {
            return Err(key_invalid());
        };
        let noted = |at: Timestamp| now.since(at) < LAST_USED_RESOLUTION;
        if !key.last_used_at.is_some_and(noted) {
            // Written down later: a storage that cannot write now can still be read.
            let used = self.parts.used_keys.lock();
            let mut used = used.unwrap_or_else(PoisonError::into_inner);
            used.insert(key.id, (key.owner, now));
        }
        Ok(key)
    }

    /// Mints a key for an owner. It may do no more than its minter, who has `minter`, and not for
    /// longer.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for a scope that the minter does not have, and for a key that would
    /// outlive it; [`Error::Invalid`] for a key without scopes, with `server` beside others, or
    /// with an end that has passed.
    pub async fn mint(
        &self,
        owner: KeyOwner,
        minter: &Grant,
        new: ApiKeySettings,
        request: Option<&IdempotentRequest>,
    ) -> Result<MintedKey> {
        if let Some(key) = self.replayed(owner, request).await? {
            return Ok(MintedKey { key, text: None });
        }
        check_scopes(owner, &minter.scopes, &new.scopes)?;
        self.check_end(minter.expires_at, new.expires_at)?;
        let (key, text) = make_key(&self.parts, owner, new.name, new.scopes, new.expires_at)?;
        let effects = self.parts.effects(request, key.id.as_uuid());
        match self.parts.storage.create_api_key(&key, &effects).await {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(owner, request).await?;
                let key = twin.ok_or_else(|| Error::from(error))?;
                Ok(MintedKey { key, text: None })
            }
            created => Ok(created.map(|()| MintedKey {
                key,
                text: Some(text),
            })?),
        }
    }

    /// Looks one of an owner's keys up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn key(&self, owner: KeyOwner, id: ApiKeyId) -> Result<ApiKey> {
        let found = self.parts.storage.api_key(owner, id).await?;
        found.ok_or(Error::NotFound { what: "key" })
    }

    /// Lists an owner's keys, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(&self, owner: KeyOwner, page: PageRequest<ApiKeyId>) -> Result<Page<ApiKey>> {
        Ok(self.parts.storage.api_keys(owner, page).await?)
    }

    /// Changes one of an owner's keys. It may do no more than who changes it, who has `changer`,
    /// and not for longer; its secret stays.
    ///
    /// # Errors
    ///
    /// As [`ApiKeys::mint`], and [`Error::NotFound`], [`Error::StaleRevision`];
    /// [`Error::Conflict`] as [`ApiKeys::revoke`].
    pub async fn update(
        &self,
        owner: KeyOwner,
        changer: &Grant,
        id: ApiKeyId,
        expected: Option<Revision>,
        settings: &ApiKeySettings,
    ) -> Result<ApiKey> {
        // What is not there is told of before what is wrong with the rest.
        let key = self.key(owner, id).await?;
        check_scopes(owner, &changer.scopes, &settings.scopes)?;
        self.check_end(changer.expires_at, settings.expires_at)?;
        let _held = self.parts.key_removal.lock().await;
        let mut changed = key.clone();
        changed.update(settings.clone());
        let ends = key.expires_at.is_none() && changed.expires_at.is_some();
        if ends || !changed.manages_keys(self.parts.now()) {
            self.check_not_last(owner, id, expected).await?;
        }
        let storage = &self.parts.storage;
        let updated = storage.update_api_key(owner, id, expected, settings);
        Ok(updated.await?)
    }

    /// Revokes a key: it is worth nothing once this returns.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`]; [`Error::Conflict`] with `last_admin_key` for
    /// the last key that can make others, without which the owner would be locked out for good; the
    /// last of those without an end, too, for the others end, and make none that does not.
    pub async fn revoke(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
    ) -> Result<()> {
        let _held = self.parts.key_removal.lock().await;
        self.check_not_last(owner, id, expected).await?;
        let storage = &self.parts.storage;
        Ok(storage.delete_api_key(owner, id, expected).await?)
    }

    /// Refuses to take the last key away that manages keys.
    async fn check_not_last(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
    ) -> Result<()> {
        let now = self.parts.now();
        let key = self.key(owner, id).await?;
        // What is stale, the storage refuses.
        let is_stale = expected.is_some_and(|expected| expected != key.revision);
        if is_stale || !key.manages_keys(now) {
            return Ok(());
        }
        let mut page = PageRequest::first(PageLimit::MAX);
        loop {
            let keys = self.parts.storage.api_keys(owner, page).await?;
            let lasts = |other: &ApiKey| key.expires_at.is_some() || other.expires_at.is_none();
            let is_other =
                |other: &ApiKey| other.id != id && other.manages_keys(now) && lasts(other);
            if keys.items.iter().any(is_other) {
                return Ok(());
            }
            let last = keys.items.last().filter(|_| keys.more);
            page.after = Some(last.ok_or_else(last_admin_key)?.id);
        }
    }

    fn check_end(&self, minter: Option<Timestamp>, wanted: Option<Timestamp>) -> Result<()> {
        if wanted.is_some_and(|end| end <= self.parts.now()) {
            return Err(Error::invalid_field("/expiresAt", "the end lies ahead"));
        }
        match minter {
            Some(end) if wanted.is_none_or(|wanted| wanted > end) => Err(Error::Forbidden {
                detail: format!(
                    "a key mints none that outlives it, and this one ends at {end}: set expiresAt \
                     to that or earlier"
                ),
            }),
            _ => Ok(()),
        }
    }

    async fn replayed(
        &self,
        owner: KeyOwner,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<ApiKey>> {
        let Some(resource) = self.parts.replay(request).await? else {
            return Ok(None);
        };
        let id = ApiKeyId::from_uuid(resource);
        let found = self.parts.storage.api_key(owner, id).await?;
        found.map(Some).ok_or_else(resource_gone)
    }
}

fn check_scopes(owner: KeyOwner, minter: &BTreeSet<Scope>, wanted: &BTreeSet<Scope>) -> Result<()> {
    if wanted.is_empty() {
        return Err(Error::invalid_field(
            "/scopes",
            "a key has at least one scope",
        ));
    }
    let is_server = owner == KeyOwner::Server;
    if wanted
        .iter()
        .any(|scope| (*scope == Scope::Server) != is_server)
    {
        let detail = "a key of an organization has no scope `server`, one of the server no other";
        return Err(Error::invalid_field("/scopes", detail));
    }
    match wanted.difference(minter).next() {
        None => Ok(()),
        Some(scope) => Err(Error::Forbidden {
            detail: format!(
                "a key mints only a subset of its own scopes, and this one lacks {scope}"
            ),
        }),
    }
}

/// Makes a key and its text; stores nothing.
pub(crate) fn make_key(
    parts: &Parts,
    owner: KeyOwner,
    name: Name,
    scopes: BTreeSet<Scope>,
    expires_at: Option<Timestamp>,
) -> Result<(ApiKey, SecretText)> {
    let prefix = KeyPrefix::from_random(u64::from_be_bytes(random_array(&*parts.random)?));
    let secret = Secret::from_random(random_array(&*parts.random)?);
    let now = parts.now();
    let key = ApiKey {
        id: ApiKeyId::new(now, parts.id_octets()?),
        owner,
        name,
        prefix,
        secret_hash: secret.hash(),
        scopes,
        created_at: now,
        expires_at,
        last_used_at: None,
        revision: Revision::FIRST,
    };
    Ok((key, ApiKeyText { prefix, secret }.expose()))
}

fn last_admin_key() -> Error {
    Error::conflict(
        "last_admin_key",
        "no other key can make keys: mint another one with this scope first",
    )
}

fn key_invalid() -> Error {
    Error::Unauthorized {
        code: "key_invalid",
        detail: "the API key is not valid: send `Authorization: Bearer sk_…` with a key that is \
                 neither revoked nor expired"
            .to_owned(),
    }
}

/// No secret has this hash, as far as anybody knows.
const NO_SECRET: SecretHash = SecretHash::from_bytes([0; 32]);

const LAST_USED_RESOLUTION: Duration = Duration::from_secs(60);
