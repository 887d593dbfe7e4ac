//! The stored forms of certificates, of what a CRL has to know of them, and of issuers.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::certificate::{
    Certificate, CertificateFate, Issuer, IssuerKeyId, RevocationReason, RevokedCertificate,
    Sha256Digest,
};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{millis, optional_millis, text};

#[derive(Deserialize, Serialize)]
pub(super) struct CertificateJson {
    #[serde(with = "text")]
    serial_number: SerialNumber,
    #[serde(with = "text")]
    organization_id: OrganizationId,
    #[serde(with = "text")]
    device_id: DeviceId,
    subject: String,
    #[serde(with = "text")]
    fingerprint_sha256: Sha256Digest,
    #[serde(with = "text")]
    public_key_sha256: Sha256Digest,
    #[serde(with = "text")]
    issuer_key_id: IssuerKeyId,
    #[serde(with = "millis")]
    not_before: Timestamp,
    #[serde(with = "millis")]
    not_after: Timestamp,
    #[serde(with = "millis")]
    issued_at: Timestamp,
    issue_sequence: u64,
    #[serde(with = "optional_millis")]
    first_used_at: Option<Timestamp>,
    fate: FateJson,
    pem: String,
}

#[derive(Deserialize, Serialize)]
enum FateJson {
    Good,
    Revoked {
        #[serde(with = "millis")]
        at: Timestamp,
        #[serde(with = "text")]
        reason: RevocationReason,
    },
    Superseded,
}

impl JsonRecord for Certificate {
    const WHAT: &'static str = "certificate";

    type Json = CertificateJson;

    fn to_json(&self) -> CertificateJson {
        CertificateJson {
            serial_number: self.serial_number.clone(),
            organization_id: self.organization_id,
            device_id: self.device_id,
            subject: self.subject.clone(),
            fingerprint_sha256: self.fingerprint_sha256,
            public_key_sha256: self.public_key_sha256,
            issuer_key_id: self.issuer_key_id,
            not_before: self.not_before,
            not_after: self.not_after,
            issued_at: self.issued_at,
            issue_sequence: self.issue_sequence,
            first_used_at: self.first_used_at,
            fate: match self.fate {
                CertificateFate::Good => FateJson::Good,
                CertificateFate::Revoked { at, reason } => FateJson::Revoked { at, reason },
                CertificateFate::Superseded => FateJson::Superseded,
            },
            pem: self.pem.clone(),
        }
    }

    fn from_json(json: CertificateJson) -> Result<Self, Invalid> {
        Ok(Self {
            serial_number: json.serial_number,
            organization_id: json.organization_id,
            device_id: json.device_id,
            subject: json.subject,
            fingerprint_sha256: json.fingerprint_sha256,
            public_key_sha256: json.public_key_sha256,
            issuer_key_id: json.issuer_key_id,
            not_before: json.not_before,
            not_after: json.not_after,
            issued_at: json.issued_at,
            issue_sequence: json.issue_sequence,
            first_used_at: json.first_used_at,
            fate: match json.fate {
                FateJson::Good => CertificateFate::Good,
                FateJson::Revoked { at, reason } => CertificateFate::Revoked { at, reason },
                FateJson::Superseded => CertificateFate::Superseded,
            },
            pem: json.pem,
        })
    }
}

#[derive(Deserialize, Serialize)]
pub(super) struct RevokedJson {
    #[serde(with = "text")]
    serial_number: SerialNumber,
    #[serde(with = "millis")]
    revoked_at: Timestamp,
    #[serde(with = "text")]
    reason: RevocationReason,
    #[serde(with = "millis")]
    not_after: Timestamp,
}

impl JsonRecord for RevokedCertificate {
    const WHAT: &'static str = "revoked certificate";

    type Json = RevokedJson;

    fn to_json(&self) -> RevokedJson {
        RevokedJson {
            serial_number: self.serial_number.clone(),
            revoked_at: self.revoked_at,
            reason: self.reason,
            not_after: self.not_after,
        }
    }

    fn from_json(json: RevokedJson) -> Result<Self, Invalid> {
        Ok(Self {
            serial_number: json.serial_number,
            revoked_at: json.revoked_at,
            reason: json.reason,
            not_after: json.not_after,
        })
    }
}

#[derive(Deserialize, Serialize)]
pub(super) struct IssuerJson {
    #[serde(with = "text")]
    key_id: IssuerKeyId,
    certificate_pem: String,
    root_pem: String,
    #[serde(with = "millis")]
    created_at: Timestamp,
}

impl JsonRecord for Issuer {
    const WHAT: &'static str = "issuer";

    type Json = IssuerJson;

    fn to_json(&self) -> IssuerJson {
        IssuerJson {
            key_id: self.key_id,
            certificate_pem: self.certificate_pem.clone(),
            root_pem: self.root_pem.clone(),
            created_at: self.created_at,
        }
    }

    fn from_json(json: IssuerJson) -> Result<Self, Invalid> {
        Ok(Self {
            key_id: json.key_id,
            certificate_pem: json.certificate_pem,
            root_pem: json.root_pem,
            created_at: json.created_at,
        })
    }
}
