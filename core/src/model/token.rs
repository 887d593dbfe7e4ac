//! Registration tokens: the one-time credential of a device's first boot.

use std::fmt;
use std::time::Duration;

use crate::model::Invalid;
use crate::model::id::{DeviceId, OrganizationId, TokenId};
use crate::model::secret::{Secret, SecretHash, SecretText};
use crate::model::serial::SerialNumber;
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// A token as the registry keeps it: everything but the secret.
#[derive(Clone, Debug)]
pub struct RegistrationToken {
    /// Its identifier, which is part of the token's text.
    pub id: TokenId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The one device that it provisions.
    pub device_id: DeviceId,
    /// The device's name when the token was minted.
    pub device_name: Name,
    /// When it was minted.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// What is kept of the secret.
    pub secret_hash: SecretHash,
    /// What has become of it.
    pub fate: TokenFate,
}

impl RegistrationToken {
    /// Its state at a time. What has been recorded stays, even when the clock runs backwards.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TokenState {
        match self.fate {
            TokenFate::Open if now >= self.expires_at => TokenState::Expired,
            TokenFate::Open => TokenState::Pending,
            TokenFate::Expired => TokenState::Expired,
            TokenFate::Revoked { .. } => TokenState::Revoked,
            TokenFate::Used { .. } => TokenState::Used,
        }
    }
}

/// What has been recorded of a token. All but `Open` are final.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokenFate {
    /// It was seen to have expired.
    Expired,
    /// Nothing yet.
    Open,
    /// An operator withdrew it, or a newer one replaced it.
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// It was redeemed for a certificate.
    Used {
        /// When.
        at: Timestamp,
        /// For which certificate.
        serial_number: SerialNumber,
    },
}

/// The state of a token.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TokenState {
    /// Too late.
    Expired,
    /// It can be redeemed.
    Pending,
    /// It was withdrawn.
    Revoked,
    /// It was redeemed.
    Used,
}

/// How long a token lives: from 1 minute to 30 days, 24 hours unless said otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenLife(Duration);

impl TokenLife {
    /// Takes whole seconds.
    ///
    /// # Errors
    ///
    /// [`Invalid`] outside 1 minute to 30 days.
    pub fn from_secs(secs: u64) -> Result<Self, Invalid> {
        if !(60..=30 * 24 * 3600).contains(&secs) {
            return Err(Invalid::new("a token lives between 60 and 2592000 seconds"));
        }
        Ok(Self(Duration::from_secs(secs)))
    }

    /// The length of the life.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

impl Default for TokenLife {
    fn default() -> Self {
        Self(Duration::from_secs(24 * 3600))
    }
}

/// A token as a device holds it: `fgt1.<tokenId>.<secret>`, where the id is the UUID's 16 octets
/// in base64url (22 characters) and the secret 32 octets in base64url (43 characters).
#[derive(Clone, Debug)]
pub struct TokenText {
    /// Which token.
    pub id: TokenId,
    /// The proof.
    pub secret: Secret,
}

impl TokenText {
    /// Reads the text form; `None` for anything else, without saying why.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix("fgt1.")?.split_once('.')?;
        let mut octets = [0; 16];
        if URL_SAFE_NO_PAD.decode_slice(id, &mut octets).ok()? != 16 {
            return None;
        }
        Some(Self {
            id: TokenId::from_uuid(Uuid::from_bytes(octets)),
            secret: Secret::parse(secret)?,
        })
    }

    /// The text form, for the one time that it is shown.
    #[must_use]
    pub fn expose(&self) -> SecretText {
        let id = URL_SAFE_NO_PAD.encode(self.id.as_bytes());
        SecretText::new(format!("fgt1.{id}.{}", self.secret.expose().as_str()))
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "EXPIRED",
            Self::Pending => "PENDING",
            Self::Revoked => "REVOKED",
            Self::Used => "USED",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> TokenText {
        TokenText {
            id: TokenId::new(Timestamp::UNIX_EPOCH, [9; 10]),
            secret: Secret::from_random([200; 32]),
        }
    }

    #[test]
    fn text_and_back() {
        let shown = text().expose();
        let (id, secret) = shown
            .strip_prefix("fgt1.")
            .and_then(|rest| rest.split_once('.'))
            .unwrap();
        assert_eq!((id.len(), secret.len()), (22, 43));
        let read = TokenText::parse(&shown).unwrap();
        assert_eq!(read.id, text().id);
        assert!(text().secret.hash().matches(&read.secret));
    }

    #[test]
    fn other_forms_are_no_token() {
        let shown = text().expose();
        let longer = format!("{}A", shown.as_str());
        for other in ["", "fgt1", "fgt1..", "fgt2.x.y", &shown[1..], &longer] {
            assert!(TokenText::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_life_has_its_ends() {
        for (secs, fits) in [
            (0, false),
            (59, false),
            (60, true),
            (2_592_000, true),
            (2_592_001, false),
        ] {
            assert_eq!(TokenLife::from_secs(secs).is_ok(), fits, "{secs}");
        }
        let life = TokenLife::from_secs(61).unwrap();
        assert_eq!(life.as_duration(), Duration::from_secs(61));
    }

    #[test]
    fn states_have_their_names() {
        let states = [
            TokenState::Expired,
            TokenState::Pending,
            TokenState::Revoked,
            TokenState::Used,
        ];
        let names = states.map(|state| state.to_string());
        assert_eq!(names, ["EXPIRED", "PENDING", "REVOKED", "USED"]);
    }

    #[test]
    fn nothing_prints_the_secret() {
        let shown = text().expose();
        let secret = shown.rsplit('.').next().unwrap();
        assert!(!format!("{:?}", text()).contains(secret));
    }
}
