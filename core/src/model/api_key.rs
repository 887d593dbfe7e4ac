//! API keys: what operators and programs show to the API.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::id::{ApiKeyId, OrganizationId};
use crate::model::revision::Revision;
use crate::model::secret::{Secret, SecretHash, SecretText};
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;

/// A key as the registry keeps it: everything but the secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// Whose it is.
    pub owner: KeyOwner,
    /// What people call it.
    pub name: Name,
    /// The public part of its text, by which it is found; unique.
    pub prefix: KeyPrefix,
    /// What is kept of the secret.
    pub secret_hash: SecretHash,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Counts the changes to name, scopes and end.
    pub revision: Revision,
}

/// What operators say of a key: all that can be changed of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKeySettings {
    /// What people call it.
    pub name: Name,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// From when on it is worth nothing.
    pub expires_at: Option<Timestamp>,
}

/// What somebody has to pass on to a key: the key gets no more than that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// From when on it is worth nothing.
    pub expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it can make and revoke its owner's keys.
    #[must_use]
    pub fn manages_keys(&self, now: Timestamp) -> bool {
        let scope = match self.owner {
            KeyOwner::Organization(_) => Scope::Admin,
            KeyOwner::Server => Scope::Server,
        };
        self.scopes.contains(&scope) && self.expires_at.is_none_or(|end| now < end)
    }

    /// Changes it, and counts that; its secret stays.
    pub fn update(&mut self, settings: ApiKeySettings) {
        self.name = settings.name;
        self.scopes = settings.scopes;
        self.expires_at = settings.expires_at;
        self.revision = self.revision.next();
    }
}

/// Whose a key is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyOwner {
    /// An organization: the key sees nothing else.
    Organization(OrganizationId),
    /// The server itself: organizations, CA, server state; no organization's data.
    Server,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// Keys and settings of the organization.
    Admin,
    /// Send commands.
    CommandsWrite,
    /// Read readings, health, quarantine and events.
    DataRead,
    /// Read devices and what belongs to them.
    DevicesRead,
    /// Change devices, components, sensors, sites, groups, profiles and annotations.
    DevicesWrite,
    /// Organizations, CA, server state.
    Server,
    /// Mint and revoke registration tokens.
    TokensWrite,
}

impl Scope {
    /// All scopes that a key of an organization can have.
    pub const ORGANIZATION: [Self; 6] = [
        Self::Admin,
        Self::CommandsWrite,
        Self::DataRead,
        Self::DevicesRead,
        Self::DevicesWrite,
        Self::TokensWrite,
    ];

    /// The text form, for example `devices:read`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::CommandsWrite => "commands:write",
            Self::DataRead => "data:read",
            Self::DevicesRead => "devices:read",
            Self::DevicesWrite => "devices:write",
            Self::Server => "server",
            Self::TokensWrite => "tokens:write",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ORGANIZATION
            .into_iter()
            .chain([Self::Server])
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| {
                Invalid::new(
                    "a scope is one of admin, commands:write, data:read, devices:read, \
                     devices:write, tokens:write and server",
                )
            })
    }
}

/// The public part of a key's text: 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyPrefix(u64);

impl KeyPrefix {
    /// Takes a random number.
    #[must_use]
    pub const fn from_random(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for KeyPrefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::new("a key's prefix has 16 lower-case hexadecimal digits");
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(hexadecimal) {
            return Err(refused());
        }
        u64::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| refused())
    }
}

/// A key as its holder has it: `sk_<prefix>_<secret>`.
#[derive(Clone, Debug)]
pub struct ApiKeyText {
    /// Which key.
    pub prefix: KeyPrefix,
    /// The proof.
    pub secret: Secret,
}

impl ApiKeyText {
    /// Reads the text form; `None` for anything else, without saying why.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, secret) = text.strip_prefix("sk_")?.split_once('_')?;
        Some(Self {
            prefix: prefix.parse().ok()?,
            secret: Secret::parse(secret)?,
        })
    }

    /// The text form, for the one time that it is shown.
    #[must_use]
    pub fn expose(&self) -> SecretText {
        SecretText::new(format!(
            "sk_{}_{}",
            self.prefix,
            self.secret.expose().as_str()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        // A secret whose base64url text has underscores.
        let key = ApiKeyText {
            prefix: KeyPrefix::from_random(7),
            secret: Secret::from_random([255; 32]),
        };
        let shown = key.expose();
        assert!(shown.starts_with("sk_0000000000000007__"));
        let read = ApiKeyText::parse(&shown).unwrap();
        assert_eq!(read.prefix, key.prefix);
        assert!(key.secret.hash().matches(&read.secret));
    }

    #[test]
    fn scopes_have_one_text_each() {
        for scope in Scope::ORGANIZATION {
            assert_eq!(scope.as_str().parse::<Scope>().unwrap(), scope);
        }
    }
}
