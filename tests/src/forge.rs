//! Certificates that nobody should accept: of a foreign CA, expired, not on record.

use std::fs;

use rcgen::{
    CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SigningKey, date_time_ymd,
};

use crate::tls::{Identity, split_pem};
use crate::{Device, Server};

/// The span of a forged certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Span {
    /// It is good now.
    Now,
    /// It was good once.
    Over,
}

/// A certificate of a CA of the test's own, which says what the device's own one says.
///
/// # Panics
///
/// Never, in practice.
#[must_use]
pub fn foreign_identity(device: &Device) -> Identity {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name = name(&[(DnType::CommonName, "Fieldgate Issuing CA")]);
    let key = KeyPair::generate().expect("a key can be made");
    let ca = CertifiedIssuer::self_signed(params, key).expect("a CA can be made");
    let purpose = ExtendedKeyUsagePurpose::ClientAuth;
    let mut identity = leaf(device, Span::Now, purpose, &ca);
    identity.certificates.push_str(&ca.pem());
    identity
}

/// A certificate that is signed by the server's own CA, with the key that lies in its data
/// directory, behind the server's back.
///
/// # Panics
///
/// Where the key is not to be found.
#[must_use]
pub fn identity_by_own_ca(server: &Server, device: &Device, span: Span) -> Identity {
    let purpose = ExtendedKeyUsagePurpose::ClientAuth;
    leaf(device, span, purpose, &own_issuer(server, device))
}

/// As [`identity_by_own_ca`], but for servers.
///
/// # Panics
///
/// As there.
#[must_use]
pub fn server_identity_by_own_ca(server: &Server, device: &Device) -> Identity {
    let purpose = ExtendedKeyUsagePurpose::ServerAuth;
    leaf(device, Span::Now, purpose, &own_issuer(server, device))
}

fn own_issuer(server: &Server, device: &Device) -> Issuer<'static, KeyPair> {
    let issuing = split_pem(&device.chain).remove(0);
    let directory = fs::read_dir(server.data_dir().join("ca")).expect("the CA's keys lie there");
    for entry in directory {
        let text = fs::read_to_string(entry.expect("an entry").path()).unwrap_or_default();
        let Some(start) = text.find("-----BEGIN PRIVATE KEY-----") else {
            continue;
        };
        let end = text
            .find("-----END PRIVATE KEY-----")
            .expect("a key in PEM");
        let key = format!("{}-----END PRIVATE KEY-----\n", &text[start..end]);
        let key = KeyPair::from_pem(&key).expect("a key");
        if text.contains(issuing.trim()) && key.algorithm() == &rcgen::PKCS_ECDSA_P256_SHA256 {
            return Issuer::from_ca_cert_pem(&issuing, key).expect("a CA certificate");
        }
    }
    panic!("the issuing key is not in the data directory")
}

fn leaf<S: SigningKey>(
    device: &Device,
    span: Span,
    purpose: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, S>,
) -> Identity {
    let mut params = CertificateParams::new(vec![format!(
        "{}.{}.fieldgate.internal",
        device.id, device.organization_id
    )])
    .expect("a name");
    params.distinguished_name = name(&[
        (DnType::CommonName, &device.id),
        (DnType::OrganizationName, &device.organization_id),
    ]);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = match span {
        Span::Now => date_time_ymd(2036, 1, 1),
        Span::Over => date_time_ymd(2026, 1, 2),
    };
    let key = KeyPair::generate().expect("a key can be made");
    let certificate = params
        .signed_by(&key, issuer)
        .expect("a certificate can be made");
    Identity {
        certificates: certificate.pem(),
        key: key.serialize_pem(),
    }
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}
