//! Keeps certificates and issuers.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::certificate::{Certificate, Issuer, IssuerKeyId, RevokedCertificate};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::storage::{ServerProof, StorageError};

/// Keeps [`Certificate`] and [`Issuer`] records.
///
/// A certificate comes on record by
/// [`consume_token`](crate::storage::TokenStore::consume_token) only.
#[async_trait]
pub trait CertificateStore: Debug + Send + Sync + 'static {
    /// Looks one up among those of a living device.
    async fn certificate(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
    ) -> Result<Option<Certificate>, StorageError>;

    /// Lists those of a living device, oldest first, by `issue_sequence`.
    async fn certificates(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        page: PageRequest<u64>,
    ) -> Result<Page<Certificate>, StorageError>;

    /// Lists the revoked certificates of an issuer that are not expired at `now`, by serial
    /// number, whether their devices live or not.
    async fn revoked_certificates(
        &self,
        issuer: IssuerKeyId,
        now: Timestamp,
        page: PageRequest<SerialNumber>,
    ) -> Result<Page<RevokedCertificate>, StorageError>;

    /// How many certificates of an issuer have ever been revoked: when it changes, a CRL is out of
    /// date.
    async fn revocation_count(&self, issuer: IssuerKeyId) -> Result<u64, StorageError>;

    /// The next number of an issuer's CRL, from 1 on; none is given twice.
    async fn next_crl_number(&self, issuer: IssuerKeyId) -> Result<u64, StorageError>;

    /// Lists the issuers of this installation, oldest first.
    async fn issuers(&self) -> Result<Vec<Issuer>, StorageError>;

    /// Adds an issuer.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] for its key id.
    async fn create_issuer(&self, server: ServerProof, issuer: &Issuer)
    -> Result<(), StorageError>;
}
