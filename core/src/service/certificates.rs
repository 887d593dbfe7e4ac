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

/// What is known of the CRL of the current issuer.
#[derive(Debug, Default)]
pub(crate) struct CrlState {
    newest: Option<SignedCrl>,
    /// When signing may be tried again after it has failed.
    retry_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct SignedCrl {
    der: Arc<[u8]>,
    revocations: u64,
    renew_at: Timestamp,
    next_update: Timestamp,
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
    /// day. A new one is made when a certificate has been revoked, or half of the time is over;
    /// where none can be made in the second half, the one that is there has to do.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a key that is not the current issuer's; [`Error::Unavailable`] where
    /// none can be made. Whoever asks within the next seconds is told the same, untried.
    pub async fn crl(&self, issuer: IssuerKeyId) -> Result<Arc<[u8]>> {
        if issuer != self.issuer_key_id() {
            return Err(Error::NotFound { what: "issuer" });
        }
        let storage = &self.parts.storage;
        let now = self.parts.now();
        // One at a time: a list that was read earlier must not get the later number. Counted
        // first: what is revoked while the list is read makes it out of date again.
        let mut state = self.parts.crl.lock().await;
        let revocations = storage.revocation_count(issuer).await?;
        let complete = state.newest.clone();
        let complete =
            complete.filter(|crl| crl.revocations == revocations && now < crl.next_update);
        if let Some(crl) = complete.as_ref().filter(|crl| now < crl.renew_at) {
            return Ok(Arc::clone(&crl.der));
        }
        let complete = complete.map(|crl| crl.der);
        let pause = state.retry_at.map_or(Duration::ZERO, |at| at.since(now));
        // A clock that was set back does not make it longer.
        if !pause.is_zero() && pause <= CRL_PAUSE {
            return complete.ok_or_else(|| Error::Unavailable {
                retry_after: pause,
                source: "the CRL could not be made a moment ago".into(),
            });
        }
        let next_update = now.plus(CRL_LIFE);
        match self.make_crl(issuer, now, next_update).await {
            Ok(der) => {
                *state = CrlState {
                    newest: Some(SignedCrl {
                        der: Arc::clone(&der),
                        revocations,
                        renew_at: now.plus(CRL_LIFE / 2),
                        next_update,
                    }),
                    retry_at: None,
                };
                Ok(der)
            }
            Err(error) => {
                state.retry_at = Some(now.plus(CRL_PAUSE));
                complete.ok_or(error)
            }
        }
    }

    async fn make_crl(
        &self,
        issuer: IssuerKeyId,
        now: Timestamp,
        next_update: Timestamp,
    ) -> Result<Arc<[u8]>> {
        let revoked = self.revoked(issuer, now).await?;
        let number = self.parts.storage.next_crl_number(issuer).await?;
        let der = self.parts.ca.crl(number, &revoked, now, next_update)?;
        Ok(der.into())
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

/// How long no CRL is tried again after one could not be made: anybody may ask for the CRL, and each
/// attempt reads all revoked certificates.
const CRL_PAUSE: Duration = Duration::from_secs(10);
