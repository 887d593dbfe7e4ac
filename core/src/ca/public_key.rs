//! Which public keys the CA certifies.

use rustls_pki_types::alg_id;

use crate::ca::csr::InvalidCsr;
use crate::ca::der::{self, Malformed, Reader};
use crate::ca::signature::split_public_key;
use crate::ca::weak_key::{is_small_order_ed25519, rsa_weakness};
use crate::model::csr::{KeyKind, PublicKey};

/// Reads a SubjectPublicKeyInfo.
///
/// Each key has exactly one form that is accepted, so keys are equal if their DER is. Whether a
/// point lies on its curve shows when a signature is verified with it.
pub(super) fn parse_public_key(spki: &[u8]) -> Result<PublicKey, InvalidCsr> {
    let (algorithm, bits) = split_public_key(spki)
        .map_err(|_| InvalidCsr::new("the public key of the request is malformed"))?;
    let kind = match algorithm {
        algorithm if algorithm == alg_id::ECDSA_P256.as_ref() => {
            check_point(bits, 32).map(|()| KeyKind::EcdsaP256)
        }
        algorithm if algorithm == alg_id::ECDSA_P384.as_ref() => {
            check_point(bits, 48).map(|()| KeyKind::EcdsaP384)
        }
        algorithm if algorithm == alg_id::ED25519.as_ref() => {
            check_ed25519(bits).map(|()| KeyKind::Ed25519)
        }
        algorithm if algorithm == alg_id::RSA_ENCRYPTION.as_ref() => {
            check_rsa(bits).map(KeyKind::Rsa)
        }
        algorithm => Err(not_allowed(algorithm)),
    }?;
    Ok(PublicKey::new(kind, spki))
}

fn check_point(bits: &[u8], coordinate_len: usize) -> Result<(), InvalidCsr> {
    if bits.len() == 1 + 2 * coordinate_len && bits.first() == Some(&UNCOMPRESSED) {
        return Ok(());
    }
    Err(InvalidCsr::new(
        "the point of the EC key is not in uncompressed form",
    ))
}

fn check_ed25519(bits: &[u8]) -> Result<(), InvalidCsr> {
    if bits.len() != ED25519_LEN {
        return Err(InvalidCsr::new("an Ed25519 key has 32 octets"));
    }
    if is_small_order_ed25519(bits) {
        return Err(InvalidCsr::new("the Ed25519 key is weak: make a new one"));
    }
    Ok(())
}

fn check_rsa(bits: &[u8]) -> Result<u16, InvalidCsr> {
    let malformed = |_: Malformed| InvalidCsr::new("the RSA key of the request is malformed");
    let mut outer = Reader::new(bits);
    let mut fields = outer.enter(der::SEQUENCE).map_err(malformed)?;
    outer.end().map_err(malformed)?;
    let modulus = fields.unsigned().map_err(malformed)?;
    let exponent = fields.unsigned().map_err(malformed)?;
    fields.end().map_err(malformed)?;

    let leading = modulus.first().map_or(0, |first| first.leading_zeros());
    let length = (modulus.len() * 8).saturating_sub(leading as usize);
    let length = u16::try_from(length)
        .ok()
        .filter(|bits| (2048..=4096).contains(bits) && bits % 8 == 0)
        .ok_or_else(|| {
            InvalidCsr::new(format!(
                "the RSA key has {length} bits: 2048 to 4096 are accepted, in whole octets"
            ))
        })?;
    if exponent != EXPONENT_65537 {
        return Err(InvalidCsr::new(
            "the exponent of the RSA key is not 65537, the only one accepted",
        ));
    }
    if let Some(weakness) = rsa_weakness(modulus) {
        return Err(InvalidCsr::new(format!("{weakness}: make a new key")));
    }
    Ok(length)
}

fn not_allowed(algorithm: &[u8]) -> InvalidCsr {
    let mut fields = Reader::new(algorithm);
    let explicit = fields.oid() == Ok(EC_PUBLIC_KEY)
        && fields.any().is_ok_and(|value| value.tag == der::SEQUENCE);
    if explicit {
        return InvalidCsr::new(
            "the curve of the EC key is written out in parameters: name it (P-256 or P-384)",
        );
    }
    InvalidCsr::new(
        "the kind of the key is not accepted: use P-256, P-384, Ed25519 or RSA of 2048 to 4096 bits",
    )
}

const UNCOMPRESSED: u8 = 4;

const ED25519_LEN: usize = 32;

const EXPONENT_65537: &[u8] = &[1, 0, 1];

/// 1.2.840.10045.2.1, RFC 5480, section 2.1.1.
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
