//! Certificate signing requests (PKCS #10, RFC 2986), of which only the public key is taken.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::ca::der::{self, Malformed, Reader};
use crate::ca::pem;
use crate::ca::public_key::parse_public_key;
use crate::ca::signature::{NotVerified, Signed};
use crate::model::csr::PublicKey;

/// Reads a request, in PEM or in base64 of its DER, and gives the public key that it proves to
/// hold.
///
/// The subject, the names and the extensions that it asks for are not looked at, beyond their
/// being well-formed.
///
/// # Errors
///
/// [`InvalidCsr`] unless the text is one request of at most 16 KB and nothing else, its key is of
/// an allowed kind and not known to be weak, and its signature was made with that key.
pub fn parse_csr(text: &str) -> Result<PublicKey, InvalidCsr> {
    let der = decode(text)?;
    let request = Signed::from_der(&der)
        .map_err(|_| InvalidCsr::malformed("it is cut off, or has something after it"))?;
    let public_key = check_info(request.content)?;
    let key = parse_public_key(public_key)?;
    request.verify(public_key).map_err(|cause| match cause {
        NotVerified::Algorithm => InvalidCsr::new(
            "the request is signed by an algorithm that is not accepted: sign it with SHA-256 or \
             SHA-384 (an Ed25519 key needs no choice)",
        ),
        NotVerified::Signature => InvalidCsr::new(
            "the signature of the request does not match its public key: make the request anew \
             with the private key of the device",
        ),
    })?;
    Ok(key)
}

/// Why a certificate signing request was refused, in words that say what would be accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidCsr {
    reason: Cow<'static, str>,
}

impl InvalidCsr {
    pub(super) fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    fn malformed(what: &str) -> Self {
        Self::new(format!(
            "the request is not well-formed PKCS #10 in DER: {what}"
        ))
    }

    /// The reason: lower-case, no full stop.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Reads CertificationRequestInfo, all of it; gives the SubjectPublicKeyInfo.
fn check_info(info: &[u8]) -> Result<&[u8], InvalidCsr> {
    let mut fields = Reader::new(info);
    if fields.unsigned() != Ok(&[]) {
        return Err(InvalidCsr::malformed("its version is not 0"));
    }
    check_subject(&mut fields)?;
    let public_key = fields
        .value(der::SEQUENCE)
        .map_err(|_| InvalidCsr::malformed("its public key"))?
        .raw;
    check_attributes(&mut fields)?;
    Ok(public_key)
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidCsr> {
    if text.len() > CSR_LEN_MAX {
        return Err(InvalidCsr::new("a request takes no more than 16 KB"));
    }
    if text.trim_ascii().is_empty() {
        return Err(InvalidCsr::new(
            "the request is empty: send a PKCS #10 request in PEM",
        ));
    }
    if !text.contains("-----") {
        return pem::decode_base64(text).ok_or_else(|| {
            InvalidCsr::new("the request is neither PEM nor base64: send a PKCS #10 request in PEM")
        });
    }
    let blocks = pem::decode(text).ok_or_else(|| {
        InvalidCsr::new(
            "the request is not well-formed PEM, or has something beside its block: send the block \
             from -----BEGIN to -----END and nothing else",
        )
    })?;
    match <[pem::Block<'_>; 1]>::try_from(blocks) {
        Ok([block]) if CSR_LABELS.contains(&block.label) => Ok(block.der),
        Ok(_) => Err(InvalidCsr::new(
            "the PEM block is no CERTIFICATE REQUEST: send the request, not the key and not a \
             certificate",
        )),
        Err(_) => Err(InvalidCsr::new(
            "there is more than one PEM block: send one CERTIFICATE REQUEST",
        )),
    }
}

/// Subject: `SEQUENCE OF SET OF SEQUENCE { type, value }`.
fn check_subject(fields: &mut Reader<'_>) -> Result<(), InvalidCsr> {
    let malformed = |_: Malformed| InvalidCsr::malformed("its subject");
    let mut subject = fields.enter(der::SEQUENCE).map_err(malformed)?;
    while !subject.is_empty() {
        let mut names = subject.enter(der::SET).map_err(malformed)?;
        loop {
            let mut name = names.enter(der::SEQUENCE).map_err(malformed)?;
            name.oid().map_err(malformed)?;
            let value = name.any().map_err(malformed)?;
            name.end().map_err(malformed)?;
            check_string(value)?;
            if names.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

fn check_string(value: der::Value<'_>) -> Result<(), InvalidCsr> {
    let well_formed = match value.tag {
        UTF8_STRING => {
            std::str::from_utf8(value.content).is_ok_and(|text| !text.chars().any(char::is_control))
        }
        NUMERIC_STRING | PRINTABLE_STRING | IA5_STRING | VISIBLE_STRING => value
            .content
            .iter()
            .all(|octet| octet.is_ascii() && !octet.is_ascii_control()),
        TELETEX_STRING | UNIVERSAL_STRING | BMP_STRING => false,
        // No string; as it is ignored, it may be anything.
        _ => true,
    };
    if well_formed {
        return Ok(());
    }
    Err(InvalidCsr::new(
        "the subject has control characters or an outdated kind of string: write it in UTF-8 or \
         leave it empty, for it is ignored",
    ))
}

/// Attributes: `[0] SET OF SEQUENCE { type, values SET OF ANY }`; no type comes twice.
fn check_attributes(fields: &mut Reader<'_>) -> Result<(), InvalidCsr> {
    let malformed = |_: Malformed| InvalidCsr::malformed("its attributes");
    // Some tools leave an empty set out.
    let attributes = fields.optional(der::CONTEXT_0).map_err(malformed)?;
    fields.end().map_err(malformed)?;
    let mut attributes = Reader::new(attributes.map_or(&[], |value| value.content));
    let mut types = Vec::new();
    while !attributes.is_empty() {
        let mut attribute = attributes.enter(der::SEQUENCE).map_err(malformed)?;
        let attribute_type = attribute.oid().map_err(malformed)?;
        let mut values = attribute.enter(der::SET).map_err(malformed)?;
        attribute.end().map_err(malformed)?;
        if types.contains(&attribute_type) {
            return Err(InvalidCsr::malformed("an attribute stands in it twice"));
        }
        types.push(attribute_type);
        if attribute_type == EXTENSION_REQUEST {
            check_extensions(&mut values)?;
        }
        while !values.is_empty() {
            values.any().map_err(malformed)?;
        }
    }
    Ok(())
}

/// Extensions: `SEQUENCE OF SEQUENCE { type, critical BOOLEAN?, value OCTET STRING }`; no type
/// comes twice.
fn check_extensions(values: &mut Reader<'_>) -> Result<(), InvalidCsr> {
    let malformed = |_: Malformed| InvalidCsr::malformed("the extensions that it asks for");
    let mut extensions = values.enter(der::SEQUENCE).map_err(malformed)?;
    values.end().map_err(malformed)?;
    let mut types = Vec::new();
    while !extensions.is_empty() {
        let mut extension = extensions.enter(der::SEQUENCE).map_err(malformed)?;
        let extension_type = extension.oid().map_err(malformed)?;
        extension.optional(der::BOOLEAN).map_err(malformed)?;
        extension.value(der::OCTET_STRING).map_err(malformed)?;
        extension.end().map_err(malformed)?;
        if types.contains(&extension_type) {
            return Err(InvalidCsr::malformed("an extension stands in it twice"));
        }
        types.push(extension_type);
    }
    Ok(())
}

/// The longest text of a request that is looked at.
pub const CSR_LEN_MAX: usize = 16 * 1024;

const CSR_LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// 1.2.840.113549.1.9.14, RFC 2985, section 5.4.2.
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

#[cfg(test)]
mod tests;
