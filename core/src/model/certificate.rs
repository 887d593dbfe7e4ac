//! Certificates that the CA has issued to devices.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::serial::{SerialNumber, hex_octets};
use crate::model::timestamp::Timestamp;

/// A certificate on record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Its serial number; unique among those of the issuer.
    pub serial_number: SerialNumber,
    /// Whose device it names.
    pub organization_id: OrganizationId,
    /// The device that it names.
    pub device_id: DeviceId,
    /// Its subject, in the order of its DER: `CN=<device id>, O=<organization id>`.
    pub subject: String,
    /// The SHA-256 of its DER.
    pub fingerprint_sha256: Sha256Digest,
    /// The SHA-256 of its SubjectPublicKeyInfo.
    pub public_key_sha256: Sha256Digest,
    /// The key that signed it.
    pub issuer_key_id: IssuerKeyId,
    /// Its beginning.
    pub not_before: Timestamp,
    /// Its end.
    pub not_after: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Counts the device's certificates, from 1 on; the storage sets it. A higher one is newer.
    pub issue_sequence: u64,
    /// When a session was first accepted with it.
    pub first_used_at: Option<Timestamp>,
    /// What has been recorded of it.
    pub fate: CertificateFate,
    /// The certificate in PEM.
    pub pem: String,
}

impl Certificate {
    /// Its state at a time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> CertificateState {
        match self.fate {
            CertificateFate::Revoked { .. } => CertificateState::Revoked,
            _ if now > self.not_after => CertificateState::Expired,
            CertificateFate::Good => CertificateState::Active,
            CertificateFate::Superseded => CertificateState::Superseded,
        }
    }
}

/// What has been recorded of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateFate {
    /// Nothing bad.
    Good,
    /// It was withdrawn; final.
    Revoked {
        /// When.
        at: Timestamp,
        /// Why.
        reason: RevocationReason,
    },
    /// A newer one has taken its place; it is refused.
    Superseded,
}

/// The state of a certificate.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CertificateState {
    /// It opens a session.
    Active,
    /// Its time is over.
    Expired,
    /// It was withdrawn.
    Revoked,
    /// A newer one has taken its place.
    Superseded,
}

impl fmt::Display for CertificateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "ACTIVE",
            Self::Expired => "EXPIRED",
            Self::Revoked => "REVOKED",
            Self::Superseded => "SUPERSEDED",
        })
    }
}

/// Why a certificate was revoked (CRLReason, RFC 5280, section 5.3.1), as far as it is used.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RevocationReason {
    /// The device's affiliation has changed.
    AffiliationChanged,
    /// The device is out of service.
    CessationOfOperation,
    /// The device's key is known, or may be, to somebody else.
    KeyCompromise,
    /// It may no longer do what the certificate allows.
    PrivilegeWithdrawn,
    /// A newer one has taken its place.
    Superseded,
    /// None was given.
    Unspecified,
}

impl RevocationReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AffiliationChanged,
        Self::CessationOfOperation,
        Self::KeyCompromise,
        Self::PrivilegeWithdrawn,
        Self::Superseded,
        Self::Unspecified,
    ];

    /// The name in RFC 5280, for example `keyCompromise`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AffiliationChanged => "affiliationChanged",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::KeyCompromise => "keyCompromise",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::Superseded => "superseded",
            Self::Unspecified => "unspecified",
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RevocationReason {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| Invalid::new("no such revocation reason"))
    }
}

/// A revoked certificate, as far as a CRL has to know it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokedCertificate {
    /// Its serial number.
    pub serial_number: SerialNumber,
    /// When it was revoked.
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
    /// Its end; after it no CRL need name it.
    pub not_after: Timestamp,
}

/// A SHA-256; its text form is lower-case hexadecimal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of `octets`.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, octets);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }

    /// Takes a digest as it is.
    #[must_use]
    pub const fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for Sha256Digest {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        hex_octets(text)
            .and_then(|octets| octets.try_into().ok())
            .map(Self)
            .ok_or_else(|| Invalid::new("a SHA-256 is written in 64 hexadecimal digits"))
    }
}

/// Names the key of an issuer: its subject key identifier (RFC 5280, section 4.2.1.2) in
/// lower-case hexadecimal, 20 octets.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IssuerKeyId([u8; 20]);

impl IssuerKeyId {
    /// Takes the octets of the subject key identifier.
    #[must_use]
    pub const fn from_bytes(octets: [u8; 20]) -> Self {
        Self(octets)
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for IssuerKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for IssuerKeyId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        hex_octets(text)
            .filter(|_| text.bytes().all(|byte| !byte.is_ascii_uppercase()))
            .and_then(|octets| octets.try_into().ok())
            .map(Self)
            .ok_or_else(|| {
                Invalid::new("an issuer key id is written in 40 lower-case hexadecimal digits")
            })
    }
}

/// An issuer of this installation: its certificate, for the chain and for its CRL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    /// Names its key.
    pub key_id: IssuerKeyId,
    /// Its certificate in PEM.
    pub certificate_pem: String,
    /// The root above it in PEM.
    pub root_pem: String,
    /// When it began to issue.
    pub created_at: Timestamp,
}
