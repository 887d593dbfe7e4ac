//! The certificates at the end of the chain: all that stands in them is decided here.

use std::net::IpAddr;

use rcgen::{
    CertificateParams, CrlDistributionPoint, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyIdMethod, KeyUsagePurpose, SanType, SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;

use crate::ca::error::IssueError;
use crate::ca::hierarchy::key_id;
use crate::ca::signer::SigningKey;
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;

/// What a leaf certificate says.
pub(super) struct Leaf {
    pub(super) common_name: String,
    pub(super) organization: Option<String>,
    pub(super) names: Vec<Name>,
    pub(super) purpose: Purpose,
    /// The DER of the SubjectPublicKeyInfo.
    pub(super) public_key: Vec<u8>,
    pub(super) serial_number: SerialNumber,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) crl_url: Option<String>,
}

/// What the certificate is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    Client,
    Server,
}

/// A subject alternative name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Name {
    Dns(String),
    Ip(IpAddr),
}

impl Leaf {
    /// Has it signed. The result still wants checking.
    pub(super) fn sign(
        &self,
        issuer: &rcgen::Issuer<'_, SigningKey>,
    ) -> Result<CertificateDer<'static>, IssueError> {
        let key = SubjectPublicKeyInfo::from_der(&self.public_key)?;
        let certificate = self.params()?.signed_by(&key, issuer)?;
        Ok(certificate.into())
    }

    pub(super) fn params(&self) -> Result<CertificateParams, IssueError> {
        use rcgen::PublicKeyData as _;

        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, self.common_name.as_str());
        if let Some(organization) = &self.organization {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organization.as_str());
        }
        params.serial_number = Some(self.serial_number.as_be_bytes().to_vec().into());
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
        params.subject_alt_names = self
            .names
            .iter()
            .map(|name| match name {
                Name::Dns(name) => name.as_str().try_into().map(SanType::DnsName),
                Name::Ip(address) => Ok(SanType::IpAddress(*address)),
            })
            .collect::<Result<_, _>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match self.purpose {
            Purpose::Client => ExtendedKeyUsagePurpose::ClientAuth,
            Purpose::Server => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        params.use_authority_key_identifier_extension = true;
        let key = SubjectPublicKeyInfo::from_der(&self.public_key)?;
        let key_id = key_id(key.der_bytes());
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id.as_bytes().to_vec());
        if let Some(url) = &self.crl_url {
            params.crl_distribution_points = vec![CrlDistributionPoint {
                uris: vec![url.clone()],
            }];
        }
        Ok(params)
    }
}
