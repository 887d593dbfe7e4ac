//! The root and the issuing CA below it: how they are made, written and read.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyIdMethod,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

use crate::ca::error::IssueError;
use crate::ca::key_store::KeyMaterial;
use crate::ca::pem;
use crate::ca::signature::Signed;
use crate::ca::signer::{SignatureAlgorithm, Signer, SigningKey, SoftwareSigner};
use crate::model::certificate::{IssuerKeyId, Sha256Digest};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::random::{Random, random_array};

/// The certificate of a CA, with what is needed of it.
#[derive(Clone)]
pub(super) struct CaCertificate {
    pub(super) der: CertificateDer<'static>,
    pub(super) key_id: IssuerKeyId,
    pub(super) public_key_sha256: Sha256Digest,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// A CA that can sign: its certificate and its key.
#[derive(Clone)]
pub(super) struct KeyedCa {
    pub(super) certificate: CaCertificate,
    pub(super) signer: Arc<dyn Signer>,
}

/// How a CA is to be made.
pub(super) struct NewCa<'a> {
    pub(super) name: &'static str,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) path_len: Option<u8>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// Who signs it; none signs itself.
    pub(super) parent: Option<&'a KeyedCa>,
}

impl CaCertificate {
    /// Reads a certificate that may sign certificates and CRLs; else says what it lacks.
    pub(super) fn from_der(der: CertificateDer<'static>) -> Result<Self, &'static str> {
        let certificate = parse(&der).ok_or("a certificate is malformed")?;
        let is_ca = certificate
            .basic_constraints()
            .is_ok_and(|found| found.is_some_and(|extension| extension.value.ca));
        let may_sign = certificate.key_usage().is_ok_and(|found| {
            found.is_some_and(|extension| {
                extension.value.key_cert_sign() && extension.value.crl_sign()
            })
        });
        if !is_ca || !may_sign {
            return Err("a certificate is not that of a CA that signs certificates and CRLs");
        }
        let key_id = subject_key_id(&certificate)
            .ok_or("a certificate has no subject key identifier of 20 octets")?;
        let validity = certificate.validity();
        let time = |at: x509_parser::time::ASN1Time| {
            Timestamp::try_from(at.to_datetime())
                .map_err(|_| "a certificate has no usable validity")
        };
        Ok(Self {
            key_id,
            public_key_sha256: Sha256Digest::of(certificate.public_key().raw),
            not_before: time(validity.not_before)?,
            not_after: time(validity.not_after)?,
            der,
        })
    }

    /// Reads the certificates in a PEM text.
    pub(super) fn chain_from_pem(text: &str) -> Result<Vec<Self>, &'static str> {
        certificates(pem::decode(text).ok_or("they are not PEM")?)?
            .into_iter()
            .map(Self::from_der)
            .collect()
    }

    /// Reads the one certificate in a PEM text.
    pub(super) fn from_pem(text: &str) -> Result<Self, &'static str> {
        let [certificate] = <[Self; 1]>::try_from(Self::chain_from_pem(text)?)
            .map_err(|_| "it is not one certificate")?;
        Ok(certificate)
    }

    pub(super) fn pem(&self) -> String {
        pem::encode(pem::CERTIFICATE, &self.der).to_string()
    }

    /// Whether `issuer` (possibly itself) has signed this certificate.
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Some(certificate), Some(issuer)) = (parse(&self.der), parse(&issuer.der)) else {
            return false;
        };
        let names_match = certificate.issuer().as_raw() == issuer.subject().as_raw();
        let verified = Signed::from_der(&self.der)
            .is_ok_and(|signed| signed.verify(issuer.public_key().raw).is_ok());
        names_match && verified
    }

    /// Whether the signer's key is the one in this certificate.
    pub(super) fn belongs_to(&self, signer: &Arc<dyn Signer>) -> bool {
        use rcgen::PublicKeyData as _;

        let spki = SigningKey(Arc::clone(signer)).subject_public_key_info();
        Sha256Digest::of(&spki) == self.public_key_sha256
    }
}

impl KeyedCa {
    /// Makes a key and a certificate; gives also the PKCS #8 of the key.
    pub(super) fn make(
        new: &NewCa<'_>,
        random: &dyn Random,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), IssueError> {
        let (signer, pkcs8) = SoftwareSigner::generate(new.algorithm)?;
        let key_id = key_id(signer.public_key());
        let signer: Arc<dyn Signer> = Arc::new(signer);
        let key = SigningKey(Arc::clone(&signer));

        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let suffix: String = key_id.to_string().chars().take(8).collect();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("{} {suffix}", new.name));
        params.serial_number = Some(serial_number(random)?.as_be_bytes().to_vec().into());
        params.not_before = new.not_before.into();
        params.not_after = new.not_after.into();
        params.is_ca = IsCa::Ca(match new.path_len {
            None => BasicConstraints::Unconstrained,
            Some(length) => BasicConstraints::Constrained(length),
        });
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id.as_bytes().to_vec());

        let certificate = match new.parent {
            None => params.self_signed(&key)?,
            Some(parent) => params.signed_by(&key, &parent.rcgen_issuer()?)?,
        };
        let certificate = CaCertificate::from_der(certificate.into()).map_err(self_check)?;
        let parent = new
            .parent
            .map_or(&certificate, |parent| &parent.certificate);
        if !certificate.is_signed_by(parent) || !certificate.belongs_to(&signer) {
            return Err(self_check("its signature does not verify"));
        }
        Ok((
            Self {
                certificate,
                signer,
            },
            pkcs8,
        ))
    }

    /// Reads a key with its certificate and those above it.
    pub(super) fn from_material(
        material: &KeyMaterial,
    ) -> Result<(Self, Vec<CaCertificate>), &'static str> {
        let mut blocks = pem::decode(material.expose_pem()).ok_or("it is not PEM")?;
        if blocks
            .first()
            .is_none_or(|block| block.label != pem::PRIVATE_KEY)
        {
            return Err("it does not begin with a private key");
        }
        let key = blocks.remove(0);
        let signer = SoftwareSigner::from_pkcs8(&key.der)
            .map_err(|_| "its private key is no P-256 or P-384 key in PKCS #8")?;
        let mut chain = certificates(blocks)?
            .into_iter()
            .map(CaCertificate::from_der)
            .collect::<Result<Vec<_>, _>>()?;
        if chain.is_empty() {
            return Err("it has no certificate");
        }
        let ca = Self {
            certificate: chain.remove(0),
            signer: Arc::new(signer),
        };
        if !ca.certificate.belongs_to(&ca.signer) {
            return Err("its private key is not that of its certificate");
        }
        Ok((ca, chain))
    }

    pub(super) fn rcgen_issuer(&self) -> Result<rcgen::Issuer<'static, SigningKey>, rcgen::Error> {
        let key = SigningKey(Arc::clone(&self.signer));
        rcgen::Issuer::from_ca_cert_der(&self.certificate.der, key)
    }
}

/// Puts a key and certificates together.
pub(super) fn material(pkcs8: &[u8], chain: &[&CaCertificate]) -> KeyMaterial {
    let key = pem::encode(pem::PRIVATE_KEY, pkcs8);
    let chain: String = chain.iter().map(|certificate| certificate.pem()).collect();
    // With all its room from the start, the text is never moved and leaves no copy behind.
    let mut text = Zeroizing::new(String::with_capacity(key.len() + chain.len()));
    text.push_str(&key);
    text.push_str(&chain);
    KeyMaterial::from_pem(text)
}

/// The subject key identifier of a key by the first method of RFC 7093, section 2.
pub(super) fn key_id(public_key: &[u8]) -> IssuerKeyId {
    let digest = Sha256Digest::of(public_key);
    let mut octets = [0; 20];
    octets.copy_from_slice(&digest.as_bytes()[..20]);
    IssuerKeyId::from_bytes(octets)
}

pub(super) fn serial_number(random: &dyn Random) -> Result<SerialNumber, IssueError> {
    Ok(SerialNumber::from_random(random_array(random)?))
}

/// Reads a certificate with nothing after it.
pub(super) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

fn certificates(blocks: Vec<pem::Block<'_>>) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    blocks
        .into_iter()
        .map(|block| match block.label {
            pem::CERTIFICATE => Ok(CertificateDer::from(block.der.to_vec())),
            _ => Err("it has a PEM block that is no certificate"),
        })
        .collect()
}

fn subject_key_id(certificate: &X509Certificate<'_>) -> Option<IssuerKeyId> {
    use x509_parser::extensions::ParsedExtension;

    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => id.0.try_into().ok(),
            _ => None,
        })
        .map(IssuerKeyId::from_bytes)
}

fn self_check(reason: &str) -> IssueError {
    IssueError::SelfCheck {
        reason: reason.to_owned(),
    }
}

/// How far back certificates begin, for peers whose clocks are late.
pub(super) const BACKDATED: Duration = Duration::from_secs(5 * 60);

pub(super) const ROOT_NAME: &str = "Fieldgate Root CA";

pub(super) const ISSUING_NAME: &str = "Fieldgate Issuing CA";
