//! Secrets that are shown once: of which only a hash is kept.

use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// 32 random octets that prove who holds them. Never printed; wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret {
    octets: Zeroizing<[u8; SECRET_LEN]>,
}

impl Secret {
    /// How many octets a secret has.
    pub const LEN: usize = SECRET_LEN;

    /// Takes random octets.
    #[must_use]
    pub fn from_random(octets: [u8; Self::LEN]) -> Self {
        Self {
            octets: Zeroizing::new(octets),
        }
    }

    /// Reads the text form, base64url without padding; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut octets = Zeroizing::new([0; SECRET_LEN]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(text, octets.as_mut_slice())
            .ok()?;
        (length == Self::LEN).then_some(Self { octets })
    }

    /// The text form, for the one time that it is shown.
    #[must_use]
    pub fn expose(&self) -> SecretText {
        SecretText::new(URL_SAFE_NO_PAD.encode(self.octets.as_slice()))
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        let digest = digest::digest(&digest::SHA256, self.octets.as_slice());
        let mut octets = [0; 32];
        octets.copy_from_slice(digest.as_ref());
        SecretHash(octets)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A text that holds a secret, on its way to the one who may see it. Never printed by `Debug`;
/// wiped from memory when dropped.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(***)")
    }
}

/// The SHA-256 of a [`Secret`]. With 256 random bits behind it, no slow hash is needed.
///
/// There is no `==`: hashes are compared in constant time by [`SecretHash::matches`].
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Takes a hash as it is stored.
    #[must_use]
    pub const fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The octets, for the store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the hash of `secret`; takes the same time either way.
    #[must_use]
    pub fn matches(&self, secret: &Secret) -> bool {
        self.0.ct_eq(&secret.hash().0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(***)")
    }
}

const SECRET_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::from_random([200; 32])
    }

    #[test]
    fn text_and_back() {
        let text = secret().expose();
        assert_eq!((text.as_str().len(), &*text), (43, text.as_str()));
        let read = Secret::parse(&text).unwrap();
        assert!(secret().hash().matches(&read));
    }

    #[test]
    fn other_lengths_are_no_secret() {
        let text = secret().expose();
        for other in ["", "AAAA", &text[..42], &format!("{}A", text.as_str())] {
            assert!(Secret::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        let hash = Secret::from_random([0; 32]).hash();
        let hex: String = hash
            .as_bytes()
            .iter()
            .map(|it| format!("{it:02x}"))
            .collect();
        // printf '\0%.0s' {1..32} | sha256sum
        let expected = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(hex, expected);
        let stored = SecretHash::from_bytes(*hash.as_bytes());
        assert!(stored.matches(&Secret::from_random([0; 32])));
        assert!(!stored.matches(&secret()));
    }

    #[test]
    fn debug_says_that_there_is_a_secret_and_not_which() {
        assert_eq!(format!("{:?}", secret()), "Secret(***)");
        assert_eq!(format!("{:?}", secret().expose()), "SecretText(***)");
        assert_eq!(format!("{:?}", secret().hash()), "SecretHash(***)");
    }
}
