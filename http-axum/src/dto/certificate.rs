//! Certificates in JSON.

use fieldgate_core::model::certificate as model;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dto::enums::{CertificateState, RevocationReason};
use crate::dto::page::page;

/// A certificate that was issued to a device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Certificate {
    /// Its serial number in lower-case hexadecimal.
    serial_number: String,
    /// The device that it names.
    #[schema(format = "uuid")]
    device_id: String,
    /// Its subject (RFC 4514).
    subject: String,
    /// The SHA-256 of its DER, in lower-case hexadecimal.
    fingerprint_sha256: String,
    /// The key that signed it.
    issuer_key_id: String,
    /// Its beginning.
    #[schema(format = "date-time")]
    not_before: String,
    /// Its end.
    #[schema(format = "date-time")]
    not_after: String,
    /// Counts the device's certificates; a higher one is newer.
    issue_sequence: u64,
    /// What has become of it.
    state: CertificateState,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    revoked_at: Option<String>,
    /// Why it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    revocation_reason: Option<RevocationReason>,
    /// The certificate in PEM.
    pem: String,
}

impl From<(model::Certificate, model::CertificateState)> for Certificate {
    fn from((certificate, state): (model::Certificate, model::CertificateState)) -> Self {
        let revoked = match certificate.fate {
            model::CertificateFate::Revoked { at, reason } => Some((at, reason)),
            model::CertificateFate::Good | model::CertificateFate::Superseded => None,
        };
        Self {
            serial_number: certificate.serial_number.to_string(),
            device_id: certificate.device_id.to_string(),
            subject: certificate.subject,
            fingerprint_sha256: certificate.fingerprint_sha256.to_string(),
            issuer_key_id: certificate.issuer_key_id.to_string(),
            not_before: certificate.not_before.to_string(),
            not_after: certificate.not_after.to_string(),
            issue_sequence: certificate.issue_sequence,
            state: state.into(),
            revoked_at: revoked.map(|(at, _)| at.to_string()),
            revocation_reason: revoked.map(|(_, reason)| reason.into()),
            pem: certificate.pem,
        }
    }
}

page! {
    /// A page of certificates.
    CertificatePage of Certificate
}

#[cfg(test)]
mod tests {
    use fieldgate_core::model::certificate::{CertificateFate, CertificateState, RevocationReason};
    use fieldgate_core::model::id::OrganizationId;
    use fieldgate_core::testing::fixtures;

    use super::Certificate;

    #[test]
    fn a_revoked_certificate_says_when_and_why_and_another_one_nothing_of_it() {
        let organization = OrganizationId::new(fixtures::noon(), fixtures::unique());
        let device = fixtures::device(organization, "one");
        let good = fixtures::certificate(&device);
        let mut revoked = good.clone();
        revoked.fate = CertificateFate::Revoked {
            at: fixtures::noon(),
            reason: RevocationReason::CessationOfOperation,
        };
        let written = |certificate, state| {
            let certificate = Certificate::from((certificate, state));
            serde_json::to_value(certificate).unwrap()
        };
        let revoked = written(revoked, CertificateState::Revoked);
        assert_eq!(revoked["state"], "REVOKED");
        assert_eq!(revoked["revokedAt"], fixtures::noon().to_string());
        assert_eq!(revoked["revocationReason"], "cessationOfOperation");
        let good = written(good, CertificateState::Active);
        assert!(good.get("revokedAt").is_none(), "{good}");
        assert!(good.get("revocationReason").is_none(), "{good}");
    }
}
