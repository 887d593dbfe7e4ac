//! Looking certificates up, and the public documents of the CA.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::model::certificate::{
    Certificate, CertificateState, IssuerKeyId, RevokedCertificate, Sha256Digest,
};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageLimit, PageRequest};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::service::service;

service! {
    /// Looking certificates up, and the public documents of the CA.
    Certificates
}

/// A CRL that is still good.
#[derive(Clone, Debug)]
pub(crate) struct CachedCrl {
    der: Arc<[u8]>,
    revocations: u64,
    renew_at: Timestamp,
}

impl Certificates {
    /// Looks one of a device's certificates up, with its state.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn certificate(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
    ) -> Result<(Certificate, CertificateState)> {
        let storage = &self.parts.storage;
        let found = storage
            .certificate(organization, device, serial_number)
            .await?;
        let certificate = found.ok_or(Error::NotFound {
            what: "certificate",
        })?;
        let state = certificate.state(self.parts.now());
        Ok((certificate, state))
    }

    /// Lists a device's certificates with their states, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for the device.
    pub async fn list(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        page: PageRequest<u64>,
    ) -> Result<Page<(Certificate, CertificateState)>> {
        let storage = &self.parts.storage;
        if storage.device(organization, device).await?.is_none() {
            return Err(Error::NotFound { what: "device" });
        }
        let page = storage.certificates(organization, device, page).await?;
        let now = self.parts.now();
        let items = page.items.into_iter().map(|certificate| {
            let state = certificate.state(now);
            (certificate, state)
        });
        Ok(Page {
            items: items.collect(),
            more: page.more,
        })
    }

    /// The chain of the current issuer in PEM: issuing certificate first, root last.
    #[must_use]
    pub fn ca_chain_pem(&self) -> &str {
        self.parts.ca.chain_pem()
    }

    /// The SHA-256 of the root's DER: what a device checks before it trusts.
    #[must_use]
    pub fn root_fingerprint(&self) -> Sha256Digest {
        self.parts.ca.root_fingerprint()
    }

    /// The key of the current issuer.
    #[must_use]
    pub fn issuer_key_id(&self) -> IssuerKeyId {
        self.parts.ca.issuer().key_id
    }

    /// The CRL of an issuer in DER (RFC 5280, section 5): complete, numbered, signed, good for a
    /// day. A new one is made when a certificate has been revoked, or half of the time is over.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a key that is not the current issuer's.
    pub async fn crl(&self, issuer: IssuerKeyId) -> Result<Arc<[u8]>> {
        if issuer != self.issuer_key_id() {
            return Err(Error::NotFound { what: "issuer" });
        }
        let storage = &self.parts.storage;
        let now = self.parts.now();
        // One at a time: a list that was read earlier must not get the later number. Counted
        // first: what is revoked while the list is read makes it out of date again.
        let mut cached = self.parts.crl.lock().await;
        let revocations = storage.revocation_count(issuer).await?;
        let is_good =
            |cached: &&CachedCrl| cached.revocations == revocations && now < cached.renew_at;
        if let Some(cached) = cached.as_ref().filter(is_good) {
            return Ok(Arc::clone(&cached.der));
        }
        let revoked = self.revoked(issuer, now).await?;
        let number = storage.next_crl_number(issuer).await?;
        let signed = self.parts.ca.crl(number, &revoked, now, now.plus(CRL_LIFE));
        let der: Arc<[u8]> = signed?.into();
        *cached = Some(CachedCrl {
            der: Arc::clone(&der),
            revocations,
            renew_at: now.plus(CRL_LIFE / 2),
        });
        Ok(der)
    }

    async fn revoked(
        &self,
        issuer: IssuerKeyId,
        now: Timestamp,
    ) -> Result<Vec<RevokedCertificate>> {
        let mut revoked: Vec<RevokedCertificate> = Vec::new();
        loop {
            let page = PageRequest {
                after: revoked.last().map(|last| last.serial_number.clone()),
                limit: PageLimit::MAX,
            };
            let storage = &self.parts.storage;
            let found = storage.revoked_certificates(issuer, now, page).await?;
            revoked.extend(found.items);
            if !found.more {
                return Ok(revoked);
            }
        }
    }
}

const CRL_LIFE: Duration = Duration::from_secs(24 * 3600);
