//! The check of what has been signed, before anybody sees it.
//!
//! It reads the certificate with other libraries than the one that wrote it.

use std::net::IpAddr;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::x509::X509Version;

use crate::ca::hierarchy::{CaCertificate, key_id, parse};
use crate::ca::leaf::{Leaf, Name, Purpose};
use crate::model::timestamp::Timestamp;

/// Says in what a signed certificate differs from what was to be signed, if in anything.
pub(super) fn check_leaf(
    der: &CertificateDer<'_>,
    leaf: &Leaf,
    issuing: &CaCertificate,
    root: &CaCertificate,
    now: Timestamp,
) -> Result<(), String> {
    let certificate = parse(der).ok_or("it is malformed")?;
    check_fields(&certificate, leaf, issuing)?;
    check_subject(&certificate, leaf)?;
    check_extensions(&certificate, leaf, issuing)?;
    check_path(der, leaf.purpose, issuing, root, now)
}

fn check_fields(
    certificate: &X509Certificate<'_>,
    leaf: &Leaf,
    issuing: &CaCertificate,
) -> Result<(), String> {
    let issuer = parse(&issuing.der).ok_or("its issuer is malformed")?;
    let validity = certificate.validity();
    let is_at = |at: &x509_parser::time::ASN1Time, wanted: Timestamp| {
        Timestamp::try_from(at.to_datetime()) == Ok(wanted)
    };
    for (holds, what) in [
        (certificate.version() == X509Version::V3, "version"),
        (
            certificate.raw_serial() == leaf.serial_number.as_be_bytes(),
            "serial number",
        ),
        (
            certificate.issuer().as_raw() == issuer.subject().as_raw(),
            "issuer",
        ),
        (is_at(&validity.not_before, leaf.not_before), "notBefore"),
        (is_at(&validity.not_after, leaf.not_after), "notAfter"),
        (leaf.not_before < leaf.not_after, "validity"),
        (
            leaf.not_after <= issuing.not_after,
            "end after its issuer's",
        ),
        (
            certificate.public_key().raw == leaf.public_key,
            "public key",
        ),
    ] {
        if !holds {
            return Err(format!("its {what} is wrong"));
        }
    }
    Ok(())
}

fn check_subject(certificate: &X509Certificate<'_>, leaf: &Leaf) -> Result<(), String> {
    let found: Vec<_> = certificate
        .subject()
        .iter_attributes()
        .map(|attribute| (attribute.attr_type().to_id_string(), attribute.as_str()))
        .collect();
    let mut wanted = vec![(COMMON_NAME.to_owned(), Ok(leaf.common_name.as_str()))];
    if let Some(organization) = &leaf.organization {
        wanted.push((ORGANIZATION_NAME.to_owned(), Ok(organization.as_str())));
    }
    if found == wanted {
        return Ok(());
    }
    Err("its subject is wrong".to_owned())
}

/// Each extension must be there once and as it should be, and no other.
fn check_extensions(
    certificate: &X509Certificate<'_>,
    leaf: &Leaf,
    issuing: &CaCertificate,
) -> Result<(), String> {
    let mut found = Vec::new();
    for extension in certificate.extensions() {
        let parsed = extension.parsed_extension();
        let holds = match parsed {
            ParsedExtension::BasicConstraints(value) => {
                extension.critical && !value.ca && value.path_len_constraint.is_none()
            }
            // The bit of digitalSignature and no other.
            ParsedExtension::KeyUsage(value) => extension.critical && value.flags == 1,
            ParsedExtension::ExtendedKeyUsage(value) => {
                let clear = !value.any
                    && !value.code_signing
                    && !value.email_protection
                    && !value.time_stamping
                    && !value.ocsp_signing
                    && value.other.is_empty();
                clear
                    && value.client_auth == (leaf.purpose == Purpose::Client)
                    && value.server_auth == (leaf.purpose == Purpose::Server)
            }
            ParsedExtension::SubjectAlternativeName(value) => value
                .general_names
                .iter()
                .map(name)
                .eq(leaf.names.iter().cloned().map(Some)),
            ParsedExtension::SubjectKeyIdentifier(id) => {
                id.0 == key_id(&certificate.public_key().subject_public_key.data).as_bytes()
            }
            ParsedExtension::AuthorityKeyIdentifier(value) => {
                value
                    .key_identifier
                    .as_ref()
                    .is_some_and(|id| id.0 == issuing.key_id.as_bytes())
                    && value.authority_cert_issuer.is_none()
                    && value.authority_cert_serial.is_none()
            }
            ParsedExtension::CRLDistributionPoints(value) => {
                let urls: Vec<_> = value
                    .points
                    .iter()
                    .map(|point| match point.distribution_point.as_ref()? {
                        DistributionPointName::FullName(names) => match names.as_slice() {
                            [GeneralName::URI(url)] => Some((*url).to_owned()),
                            _ => None,
                        },
                        _ => None,
                    })
                    .collect();
                urls == [leaf.crl_url.clone()] && leaf.crl_url.is_some()
            }
            _ => false,
        };
        let oid = extension.oid.to_id_string();
        if !holds {
            return Err(format!("its extension {oid} is wrong"));
        }
        if found.contains(&oid) {
            return Err(format!("its extension {oid} stands in it twice"));
        }
        found.push(oid);
    }
    let wanted = MANDATORY_EXTENSIONS + usize::from(leaf.crl_url.is_some());
    if found.len() == wanted {
        return Ok(());
    }
    Err("it lacks an extension".to_owned())
}

/// The path as the library sees it that will verify it in TLS.
///
/// The one of a server, made at each start, goes up to the root. For devices the issuing CA is the
/// end of it: that the root has signed that one has been checked when the CA was opened, and
/// takes more time than all the rest.
fn check_path(
    der: &CertificateDer<'_>,
    purpose: Purpose,
    issuing: &CaCertificate,
    root: &CaCertificate,
    now: Timestamp,
) -> Result<(), String> {
    let failed = |error: webpki::Error| format!("its path does not verify: {error}");
    let (anchor, between) = match purpose {
        Purpose::Client => (&issuing.der, [].as_slice()),
        Purpose::Server => (&root.der, std::slice::from_ref(&issuing.der)),
    };
    let anchor = webpki::anchor_from_trusted_cert(anchor).map_err(failed)?;
    let end = webpki::EndEntityCert::try_from(der).map_err(failed)?;
    let millis = u64::try_from(now.unix_millis()).unwrap_or(0);
    end.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        between,
        UnixTime::since_unix_epoch(Duration::from_millis(millis)),
        match purpose {
            Purpose::Client => webpki::KeyUsage::client_auth(),
            Purpose::Server => webpki::KeyUsage::server_auth(),
        },
        None,
        None,
    )
    .map(|_| ())
    .map_err(failed)
}

fn name(name: &GeneralName<'_>) -> Option<Name> {
    match name {
        GeneralName::DNSName(name) => Some(Name::Dns((*name).to_owned())),
        GeneralName::IPAddress(octets) => <[u8; 4]>::try_from(*octets)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from))
            .ok()
            .map(Name::Ip),
        _ => None,
    }
}

/// BasicConstraints, KeyUsage, ExtendedKeyUsage, SubjectAltName and the two key identifiers.
const MANDATORY_EXTENSIONS: usize = 6;

const COMMON_NAME: &str = "2.5.4.3";

const ORGANIZATION_NAME: &str = "2.5.4.10";
