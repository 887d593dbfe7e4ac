//! What is remembered of a request, so that its repetition changes nothing.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::model::Invalid;
use crate::model::api_key::KeyOwner;
use crate::model::certificate::Sha256Digest;
use crate::model::timestamp::Timestamp;

/// A request that was carried out, under the key that its sender chose for it.
///
/// It names what the request created, and not the answer, so that no secret is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdempotencyRecord {
    /// Who sent it: keys of one owner never meet those of another.
    pub owner: KeyOwner,
    /// The sender's key for it.
    pub key: IdempotencyKey,
    /// The SHA-256 of method, path and body.
    pub request_sha256: Sha256Digest,
    /// The id of what it created.
    pub resource: Uuid,
    /// When it was carried out; forgotten after 24 hours.
    pub created_at: Timestamp,
}

/// The key of a request: 1 to 128 visible ASCII characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !fits {
            return Err(Invalid::new(
                "an idempotency key has 1 to 128 visible ASCII characters",
            ));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
