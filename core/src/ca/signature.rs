//! Verifying the signatures of requests and certificates.

use crate::ca::der::{self, Malformed, Reader};

/// Something signed: `SEQUENCE { signed SEQUENCE, algorithm SEQUENCE, signature BIT STRING }`, the
/// form of requests, certificates and CRLs.
pub(super) struct Signed<'a> {
    /// What is signed, with its tag and length.
    pub(super) raw: &'a [u8],
    /// The same without them.
    pub(super) content: &'a [u8],
    /// The content of the AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    signature: &'a [u8],
}

/// Why a signature does not verify.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotVerified {
    /// Keys of this kind do not sign by this algorithm, or not by one that is accepted.
    Algorithm,
    /// It is not the key's signature.
    Signature,
}

impl<'a> Signed<'a> {
    pub(super) fn from_der(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Reader::new(octets);
        let mut fields = outer.enter(der::SEQUENCE)?;
        outer.end()?;
        let signed = fields.value(der::SEQUENCE)?;
        let algorithm = fields.value(der::SEQUENCE)?.content;
        let signature = fields.bit_string()?;
        fields.end()?;
        Ok(Self {
            raw: signed.raw,
            content: signed.content,
            algorithm,
            signature,
        })
    }

    /// Verifies the signature by a SubjectPublicKeyInfo.
    pub(super) fn verify(&self, public_key: &[u8]) -> Result<(), NotVerified> {
        let (key_algorithm, bits) =
            split_public_key(public_key).map_err(|_| NotVerified::Algorithm)?;
        webpki::ALL_VERIFICATION_ALGS
            .iter()
            .find(|algorithm| {
                algorithm.public_key_alg_id().as_ref() == key_algorithm
                    && algorithm.signature_alg_id().as_ref() == self.algorithm
            })
            .ok_or(NotVerified::Algorithm)?
            .verify_signature(bits, self.raw, self.signature)
            .map_err(|_| NotVerified::Signature)
    }
}

/// Splits a SubjectPublicKeyInfo into the content of its AlgorithmIdentifier and its bits.
pub(super) fn split_public_key(spki: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut outer = Reader::new(spki);
    let mut fields = outer.enter(der::SEQUENCE)?;
    outer.end()?;
    let algorithm = fields.value(der::SEQUENCE)?.content;
    let bits = fields.bit_string()?;
    fields.end()?;
    Ok((algorithm, bits))
}
