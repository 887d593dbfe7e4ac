//! Faults of the records of certificates, and of what a CRL is made of.

use super::{Fault, FaultyStorage};
use crate::model::certificate::{IssuerKeyId, RevokedCertificate};
use crate::model::page::{Page, PageRequest};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::storage::{CertificateStore, StorageError};
use crate::testing::clauses::assert_caught;
use crate::testing::storage::{StorageFixture, certificate, deletion};

impl FaultyStorage {
    pub(super) async fn revoked_certificates(
        &self,
        issuer: IssuerKeyId,
        mut now: Timestamp,
        page: PageRequest<SerialNumber>,
    ) -> Result<Page<RevokedCertificate>, StorageError> {
        if self.has(Fault::ListsTheExpired) {
            now = Timestamp::UNIX_EPOCH;
        }
        let listed = self.inner.revoked_certificates(issuer, now, page);
        let mut listed = listed.await?;
        if self.has(Fault::DropsSomeSeconds) {
            for revoked in &mut listed.items {
                revoked.revoked_at = revoked.revoked_at.whole_seconds();
            }
        }
        Ok(listed)
    }

    pub(super) async fn next_crl_number(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        let number = self.inner.next_crl_number(issuer).await?;
        let restarted_at = self.noted().restarted_at;
        Ok(match self.fault {
            Fault::GivesNumbersTwice => number.div_ceil(2),
            _ => number - restarted_at,
        })
    }
}

#[tokio::test]
async fn faults_of_certificates_are_caught() {
    assert_catches!(
        certificate::expired_ones_leave_the_list,
        ListsTheExpired,
        "is_empty()"
    );
    assert_catches!(
        deletion::certificates_are_revoked,
        DropsSomeSeconds,
        "unix_millis: 1781524860000"
    );
    assert_catches!(
        certificate::crl_numbers_are_never_given_twice,
        GivesNumbersTwice,
        "left: {"
    );
}
