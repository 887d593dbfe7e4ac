//! Public keys, the only thing that is taken from a certificate signing request.

use std::fmt;

use crate::model::certificate::Sha256Digest;

/// A public key that the CA will certify: of an allowed kind and well-formed.
///
/// Made by [`ca::csr`](crate::ca::csr) out of a request whose signature it has verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    kind: KeyKind,
    spki_der: Box<[u8]>,
}

impl PublicKey {
    pub(crate) fn new(kind: KeyKind, spki_der: &[u8]) -> Self {
        Self {
            kind,
            spki_der: spki_der.into(),
        }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The DER of its SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// The SHA-256 of its SubjectPublicKeyInfo, by which keys are told apart.
    #[must_use]
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.spki_der)
    }
}

/// The kinds of keys that the CA certifies.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA of so many bits, 2048 to 4096, with the exponent 65537.
    Rsa(u16),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("P-256"),
            Self::EcdsaP384 => f.write_str("P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
        }
    }
}
