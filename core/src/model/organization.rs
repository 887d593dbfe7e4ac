//! Organizations: the tenants.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::id::OrganizationId;
use crate::model::revision::Revision;
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;

/// A tenant. Everything but the CA and the server's own keys belongs to one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organization {
    /// Its identifier; the organization name (O) in its devices' certificates.
    pub id: OrganizationId,
    /// Its short name in paths; unique.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts its changes.
    pub revision: Revision,
}

/// The short name of an organization in paths: `[a-z0-9-]{2,40}`, and none of the paths that the
/// server itself answers.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Slug(Box<str>);

impl Slug {
    /// Slugs that would shadow paths of the server.
    pub const RESERVED: [&'static str; 6] =
        ["api", "docs", "console", "healthz", "readyz", "metrics"];

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fits = (2..=40).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            return Err(Invalid::new(
                "a slug has 2 to 40 characters out of a-z, 0-9 and `-`",
            ));
        }
        if Self::RESERVED.contains(&text) {
            return Err(Invalid::new(format!("the slug `{text}` is reserved")));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
