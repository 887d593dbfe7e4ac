//! Certificate revocation lists (RFC 5280, section 5).

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::ca::error::IssueError;
use crate::ca::hierarchy::{CaCertificate, parse};
use crate::ca::signature::Signed;
use crate::ca::signer::SigningKey;
use crate::model::certificate::{RevocationReason, RevokedCertificate};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;

/// What a CRL says.
pub(super) struct Crl<'a> {
    pub(super) number: u64,
    pub(super) revoked: &'a [RevokedCertificate],
    pub(super) this_update: Timestamp,
    pub(super) next_update: Timestamp,
}

impl Crl<'_> {
    /// Has it signed and checked.
    pub(super) fn sign(
        &self,
        issuing: &CaCertificate,
        issuer: &rcgen::Issuer<'_, SigningKey>,
    ) -> Result<Vec<u8>, IssueError> {
        let params = CertificateRevocationListParams {
            this_update: self.this_update.whole_seconds().into(),
            next_update: self.next_update.whole_seconds().into(),
            crl_number: self.number.into(),
            issuing_distribution_point: None,
            revoked_certs: self.revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::PreSpecified(issuing.key_id.as_bytes().to_vec()),
        };
        let der = params.signed_by(issuer)?.der().to_vec();
        self.check(&der, issuing)
            .map_err(|reason| IssueError::SelfCheck { reason })?;
        Ok(der)
    }

    fn check(&self, der: &[u8], issuing: &CaCertificate) -> Result<(), String> {
        let issuer = parse(&issuing.der).ok_or("the issuer is malformed")?;
        let Ok(([], crl)) = CertificateRevocationList::from_der(der) else {
            return Err("the CRL is malformed".to_owned());
        };
        Signed::from_der(der)
            .is_ok_and(|signed| signed.verify(issuer.public_key().raw).is_ok())
            .then_some(())
            .ok_or("the signature of the CRL does not verify")?;
        let same_serials = crl
            .iter_revoked_certificates()
            .map(|entry| SerialNumber::from_be_bytes(entry.raw_serial()).ok())
            .eq(self
                .revoked
                .iter()
                .map(|certificate| Some(certificate.serial_number.clone())));
        if !same_serials || crl.issuer().as_raw() != issuer.subject().as_raw() {
            return Err("the CRL is not the one that was to be signed".to_owned());
        }
        webpki::BorrowedCertRevocationList::from_der(der)
            .map(|_| ())
            .map_err(|error| format!("the CRL is refused: {error}"))
    }
}

fn entry(certificate: &RevokedCertificate) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: certificate.serial_number.as_be_bytes().to_vec().into(),
        revocation_time: certificate.revoked_at.whole_seconds().into(),
        reason_code: match certificate.reason {
            RevocationReason::AffiliationChanged => {
                Some(rcgen::RevocationReason::AffiliationChanged)
            }
            RevocationReason::CessationOfOperation => {
                Some(rcgen::RevocationReason::CessationOfOperation)
            }
            RevocationReason::KeyCompromise => Some(rcgen::RevocationReason::KeyCompromise),
            RevocationReason::PrivilegeWithdrawn => {
                Some(rcgen::RevocationReason::PrivilegeWithdrawn)
            }
            RevocationReason::Superseded => Some(rcgen::RevocationReason::Superseded),
            // Absent rather than written (section 5.3.1).
            RevocationReason::Unspecified => None,
        },
        invalidity_date: None,
    }
}
