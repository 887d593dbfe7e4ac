//! Keeps certificates and issuers.

use async_trait::async_trait;
use fieldgate_core::model::certificate::{Certificate, Issuer, IssuerKeyId, RevokedCertificate};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{CertificateStore, ServerProof, StorageError};

use crate::JournalStorage;

#[async_trait]
impl CertificateStore for JournalStorage {
    async fn certificate(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
    ) -> Result<Option<Certificate>, StorageError> {
        self.look(
            self.memory()
                .certificate(organization, device, serial_number),
        )
        .await
    }

    async fn certificates(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        page: PageRequest<u64>,
    ) -> Result<Page<Certificate>, StorageError> {
        self.look(self.memory().certificates(organization, device, page))
            .await
    }

    async fn revoked_certificates(
        &self,
        issuer: IssuerKeyId,
        now: Timestamp,
        page: PageRequest<SerialNumber>,
    ) -> Result<Page<RevokedCertificate>, StorageError> {
        self.look(self.memory().revoked_certificates(issuer, now, page))
            .await
    }

    async fn revocation_count(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        self.look(self.memory().revocation_count(issuer)).await
    }

    async fn next_crl_number(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        self.change(self.memory().next_crl_number(issuer)).await
    }

    async fn issuers(&self) -> Result<Vec<Issuer>, StorageError> {
        self.look(self.memory().issuers()).await
    }

    async fn create_issuer(
        &self,
        server: ServerProof,
        issuer: &Issuer,
    ) -> Result<(), StorageError> {
        self.change(self.memory().create_issuer(server, issuer))
            .await
    }
}
