//! The port to the key that signs for the CA, and the key in software.

use std::fmt::{self, Debug};

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _,
};
use zeroize::Zeroizing;

/// Signs with a private key that never leaves it: in software, or in a module of hardware.
///
/// # Contract
///
/// * The key never changes during the life of the signer.
/// * A signature verifies by [`Signer::public_key`] and [`Signer::algorithm`].
/// * Nothing that the signer writes, returns or prints tells of the private key.
pub trait Signer: Debug + Send + Sync + 'static {
    /// The public key: for ECDSA the point in uncompressed form (SEC 1, section 2.3.3).
    fn public_key(&self) -> &[u8];

    /// How it signs.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs a message (which it hashes itself); for ECDSA the signature is the DER of
    /// Ecdsa-Sig-Value (RFC 3279, section 2.2.3).
    ///
    /// # Errors
    ///
    /// [`SignerError`] if the key cannot sign now.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError>;
}

/// How a CA signs.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384Sha384,
}

/// The key of the CA cannot sign.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the key of the CA cannot sign: {reason}")]
pub struct SignerError {
    reason: String,
}

impl SignerError {
    /// A failure with its reason, which tells nothing of the key.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// A [`Signer`] with the private key in the memory of this process.
pub struct SoftwareSigner {
    algorithm: SignatureAlgorithm,
    key: EcdsaKeyPair,
    // Draws the nonces of signatures. The library takes no other source than its own.
    random: SystemRandom,
}

impl SoftwareSigner {
    /// Makes a new key; gives also its PKCS #8, for the key store.
    ///
    /// # Errors
    ///
    /// [`SignerError`] if the operating system gives no random octets.
    pub fn generate(
        algorithm: SignatureAlgorithm,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), SignerError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(ring_algorithm(algorithm), &SystemRandom::new())
                .map_err(|_| SignerError::new("no key could be made"))?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        Ok((Self::with_algorithm(algorithm, &pkcs8)?, pkcs8))
    }

    /// Takes a key on P-256 or P-384 in PKCS #8, with its public key in it.
    ///
    /// # Errors
    ///
    /// [`SignerError`] for anything else, and where the two halves do not belong together.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SignerError> {
        Self::with_algorithm(SignatureAlgorithm::EcdsaP256Sha256, pkcs8)
            .or_else(|_| Self::with_algorithm(SignatureAlgorithm::EcdsaP384Sha384, pkcs8))
    }

    fn with_algorithm(algorithm: SignatureAlgorithm, pkcs8: &[u8]) -> Result<Self, SignerError> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(ring_algorithm(algorithm), pkcs8, &random)
            .map_err(|_| SignerError::new("it is no P-256 or P-384 key in PKCS #8"))?;
        Ok(Self {
            algorithm,
            key,
            random,
        })
    }
}

impl Signer for SoftwareSigner {
    fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.key
            .sign(&self.random, message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| SignerError::new("the operating system gave no random octets"))
    }
}

impl Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareSigner({:?}, ***)", self.algorithm)
    }
}

/// A signer as rcgen wants it.
#[derive(Clone, Debug)]
pub(super) struct SigningKey(pub(super) std::sync::Arc<dyn Signer>);

impl rcgen::PublicKeyData for SigningKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.0.algorithm() {
            SignatureAlgorithm::EcdsaP256Sha256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            SignatureAlgorithm::EcdsaP384Sha384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        }
    }
}

impl rcgen::SigningKey for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).map_err(|error| {
            // rcgen has no room for the cause.
            tracing::error!(%error, "the CA cannot sign");
            rcgen::Error::RemoteKeyError
        })
    }
}

const fn ring_algorithm(algorithm: SignatureAlgorithm) -> &'static EcdsaSigningAlgorithm {
    match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        SignatureAlgorithm::EcdsaP384Sha384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_pkcs8() {
        for algorithm in [
            SignatureAlgorithm::EcdsaP256Sha256,
            SignatureAlgorithm::EcdsaP384Sha384,
        ] {
            let (signer, pkcs8) = SoftwareSigner::generate(algorithm).unwrap();
            let again = SoftwareSigner::from_pkcs8(&pkcs8).unwrap();
            assert_eq!(again.public_key(), signer.public_key());
            assert_eq!(again.algorithm(), algorithm);
            assert!(format!("{signer:?}").ends_with("***)"));
        }
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let (_, pkcs8) = SoftwareSigner::generate(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
        for at in 0..pkcs8.len() {
            let mut damaged = pkcs8.clone();
            damaged[at] ^= 1;
            assert!(SoftwareSigner::from_pkcs8(&damaged).is_err(), "octet {at}");
        }
    }
}
