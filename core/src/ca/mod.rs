//! The CA: it certifies the keys of devices, says which certificates are revoked, and gives the
//! servers theirs.
//!
//! Of a request only the public key is taken. What a certificate says is decided in one place,
//! and each one is read again and checked before it leaves.

pub mod csr;
pub mod identity;
pub mod key_store;
pub mod policy;
pub mod server_certificate;
pub mod signer;

mod crl;
mod der;
mod error;
mod hierarchy;
mod leaf;
mod lint;
mod opening;
mod pem;
mod public_key;
mod signature;
mod weak_key;

pub use error::{IssueError, OpenCaError};

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::ca::crl::Crl;
use crate::ca::csr::InvalidCsr;
use crate::ca::hierarchy::{BACKDATED, CaCertificate, KeyedCa, serial_number};
use crate::ca::key_store::KeyStore;
use crate::ca::leaf::{Leaf, Name, Purpose};
use crate::ca::opening::{Hierarchy, Maker, check_chain};
use crate::ca::policy::CertificatePolicy;
use crate::ca::server_certificate::{SERVER_VALIDITY, ServerCertificate, common_name, parse_names};
use crate::ca::signer::{SignatureAlgorithm, Signer, SigningKey, SoftwareSigner};
use crate::clock::Clock;
use crate::model::certificate::{
    Certificate, CertificateFate, Issuer, RevokedCertificate, Sha256Digest,
};
use crate::model::csr::PublicKey;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::timestamp::Timestamp;
use crate::random::Random;

/// The CA of an installation: an issuing CA below a root. Cheap to clone.
#[derive(Clone)]
pub struct CertificateAuthority {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: Issuer,
    chain_pem: String,
    root: CaCertificate,
    issuing: CaCertificate,
    signing: rcgen::Issuer<'static, SigningKey>,
    policy: CertificatePolicy,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Public keys that are this installation's own, and no device's.
    own_keys: Mutex<HashSet<Sha256Digest>>,
}

impl CertificateAuthority {
    /// Opens the CA whose keys lie in `key_store`, or makes it on the first start.
    ///
    /// `known` are the issuers that the storage has on record, oldest first. While there is none,
    /// what is missing in the key store is made; a start that was cut off in the middle of that
    /// goes on with what it had made. Once there is one, its keys must be there. The root's own
    /// key may be kept elsewhere. The caller puts [`CertificateAuthority::issuer`] on record
    /// before it issues anything.
    ///
    /// # Errors
    ///
    /// [`OpenCaError`], which says what to do; above all where keys are missing, damaged or those
    /// of another CA. No key material is ever replaced.
    pub async fn open(
        key_store: Arc<dyn KeyStore>,
        policy: CertificatePolicy,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        known: &[Issuer],
    ) -> Result<Self, OpenCaError> {
        policy
            .check()
            .map_err(|reason| OpenCaError::InvalidPolicy { reason })?;
        let maker = Maker {
            key_store: &*key_store,
            policy: &policy,
            now: clock.now(),
            random: &*random,
        };
        let hierarchy = maker.open(known).await?;
        Self::assemble(hierarchy, policy, clock, random, known)
    }

    /// Opens a CA whose issuing key is in a signer of the host's own, for example in hardware.
    ///
    /// `chain_pem` is the certificate of the issuing CA, then that of the root; `known` are the
    /// issuers that the storage has on record, oldest first.
    ///
    /// # Errors
    ///
    /// [`OpenCaError`] where signer, certificates and records do not belong together.
    pub fn with_signer(
        signer: Arc<dyn Signer>,
        chain_pem: &str,
        policy: CertificatePolicy,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        known: &[Issuer],
    ) -> Result<Self, OpenCaError> {
        let unusable = |reason: &str| OpenCaError::UnusableChain {
            reason: reason.to_owned(),
        };
        policy
            .check()
            .map_err(|reason| OpenCaError::InvalidPolicy { reason })?;
        let chain = CaCertificate::chain_from_pem(chain_pem).map_err(unusable)?;
        let [issuing, root] = <[CaCertificate; 2]>::try_from(chain).map_err(|_| {
            unusable("there must be two, that of the issuing CA and that of the root")
        })?;
        check_chain(&issuing, &root).map_err(unusable)?;
        if !issuing.belongs_to(&signer) {
            return Err(unusable("the signer's key is not that of the issuing CA"));
        }
        let hierarchy = Hierarchy {
            issuing: KeyedCa {
                certificate: issuing,
                signer,
            },
            root,
        };
        Self::assemble(hierarchy, policy, clock, random, known)
    }

    fn assemble(
        hierarchy: Hierarchy,
        policy: CertificatePolicy,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        known: &[Issuer],
    ) -> Result<Self, OpenCaError> {
        let Hierarchy { issuing, root } = hierarchy;
        let signing = issuing.rcgen_issuer().map_err(IssueError::from)?;
        let issuing = issuing.certificate;
        let mut own_keys = HashSet::from([issuing.public_key_sha256, root.public_key_sha256]);
        let mut newest = None;
        for issuer in known {
            let damaged = |_| OpenCaError::Record {
                key_id: issuer.key_id,
            };
            let recorded = CaCertificate::from_pem(&issuer.certificate_pem).map_err(damaged)?;
            let above = CaCertificate::from_pem(&issuer.root_pem).map_err(damaged)?;
            own_keys.extend([recorded.public_key_sha256, above.public_key_sha256]);
            newest = Some((issuer, recorded, above));
        }
        let (issuing_pem, root_pem) = (issuing.pem(), root.pem());
        let chain_pem = format!("{issuing_pem}{root_pem}");
        let issuer = match newest {
            Some((issuer, recorded, above))
                if recorded.der == issuing.der && above.der == root.der =>
            {
                issuer.clone()
            }
            Some((issuer, ..)) => {
                return Err(OpenCaError::Mismatch {
                    found: issuing.key_id,
                    recorded: issuer.key_id,
                });
            }
            None => Issuer {
                key_id: issuing.key_id,
                certificate_pem: issuing_pem,
                root_pem,
                created_at: clock.now(),
            },
        };
        Ok(Self {
            inner: Arc::new(Inner {
                issuer,
                chain_pem,
                root,
                issuing,
                signing,
                policy,
                clock,
                random,
                own_keys: Mutex::new(own_keys),
            }),
        })
    }

    /// The issuing CA, as the storage keeps it on record.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.inner.issuer
    }

    /// The certificates of the CA in PEM: the issuing one first, the root last.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.inner.chain_pem
    }

    /// The certificate of the root.
    #[must_use]
    pub fn root_der(&self) -> &CertificateDer<'static> {
        &self.inner.root.der
    }

    /// The certificate of the issuing CA.
    #[must_use]
    pub fn issuing_der(&self) -> &CertificateDer<'static> {
        &self.inner.issuing.der
    }

    /// The SHA-256 of the root's DER, by which a device knows the CA before it trusts it.
    #[must_use]
    pub fn root_fingerprint(&self) -> Sha256Digest {
        Sha256Digest::of(&self.inner.root.der)
    }

    /// Reads a request as [`csr::parse_csr`] does.
    ///
    /// # Errors
    ///
    /// [`InvalidCsr`] as there, and where the key is one of this installation itself.
    pub fn parse_csr(&self, text: &str) -> Result<PublicKey, InvalidCsr> {
        let key = csr::parse_csr(text)?;
        if self.inner.own_keys().contains(&key.sha256()) {
            return Err(InvalidCsr::new(
                "the key is one of the server itself: make a new one on the device",
            ));
        }
        Ok(key)
    }

    /// Certifies a device's key.
    ///
    /// The record is what the storage takes; its `issue_sequence` is 0 until the storage sets it.
    /// Only once it is stored may the certificate leave the server.
    ///
    /// # Errors
    ///
    /// [`IssueError`] where nothing was signed, or what was signed did not pass the CA's own
    /// check.
    pub fn issue(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        key: &PublicKey,
    ) -> Result<Certificate, IssueError> {
        let now = self.inner.clock.now();
        let (not_before, not_after) = self.inner.span(now, self.inner.policy.validity)?;
        let leaf = Leaf {
            common_name: device.to_string(),
            organization: Some(organization.to_string()),
            names: vec![Name::Dns(format!(
                "{device}.{organization}.fieldgate.internal"
            ))],
            purpose: Purpose::Client,
            public_key: key.spki_der().to_vec(),
            serial_number: serial_number(&*self.inner.random)?,
            not_before,
            not_after,
            crl_url: self.inner.policy.crl_url(self.inner.issuing.key_id),
        };
        let der = self.inner.sign(&leaf, now)?;
        Ok(Certificate {
            serial_number: leaf.serial_number,
            organization_id: organization,
            device_id: device,
            subject: format!("CN={device}, O={organization}"),
            fingerprint_sha256: Sha256Digest::of(&der),
            public_key_sha256: key.sha256(),
            issuer_key_id: self.inner.issuing.key_id,
            not_before,
            not_after,
            issued_at: now,
            issue_sequence: 0,
            first_used_at: None,
            fate: CertificateFate::Good,
            pem: pem::encode(pem::CERTIFICATE, &der).to_string(),
        })
    }

    /// Signs a CRL of the issuing CA, and gives its DER.
    ///
    /// # Errors
    ///
    /// [`IssueError`] where nothing was signed, as when `next_update` is not after `this_update`.
    pub fn crl(
        &self,
        number: u64,
        revoked: &[RevokedCertificate],
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<Vec<u8>, IssueError> {
        let crl = Crl {
            number,
            revoked,
            this_update,
            next_update,
        };
        crl.sign(&self.inner.issuing, &self.inner.signing)
    }

    /// Makes a key for a server and certifies it for these DNS names and IP addresses.
    ///
    /// # Errors
    ///
    /// [`IssueError::InvalidName`] for a name that is neither, and as in
    /// [`CertificateAuthority::issue`].
    pub fn server_certificate(&self, names: &[String]) -> Result<ServerCertificate, IssueError> {
        use rcgen::PublicKeyData as _;

        let names = parse_names(names)?;
        let now = self.inner.clock.now();
        let (not_before, not_after) = self.inner.span(now, SERVER_VALIDITY)?;
        let (signer, pkcs8) = SoftwareSigner::generate(SignatureAlgorithm::EcdsaP256Sha256)?;
        let public_key = SigningKey(Arc::new(signer)).subject_public_key_info();
        self.inner.own_keys().insert(Sha256Digest::of(&public_key));
        let leaf = Leaf {
            common_name: common_name(&names),
            organization: None,
            names,
            purpose: Purpose::Server,
            public_key,
            serial_number: serial_number(&*self.inner.random)?,
            not_before,
            not_after,
            crl_url: None,
        };
        let der = self.inner.sign(&leaf, now)?;
        Ok(ServerCertificate {
            chain: vec![der, self.issuing_der().clone(), self.root_der().clone()],
            private_key: PrivatePkcs8KeyDer::from(pkcs8.to_vec()),
            not_after,
        })
    }
}

impl Inner {
    /// From when to when a certificate that is issued now is valid: never outside of the CA's own
    /// span.
    fn span(
        &self,
        now: Timestamp,
        validity: Duration,
    ) -> Result<(Timestamp, Timestamp), IssueError> {
        let begin = self.issuing.not_before.max(self.root.not_before);
        let end = self.issuing.not_after.min(self.root.not_after);
        if now < begin {
            return Err(IssueError::ClockBehind {
                now,
                not_before: begin,
            });
        }
        if now >= end {
            return Err(IssueError::Expired { not_after: end });
        }
        let not_before = now.minus(BACKDATED).whole_seconds().max(begin);
        let not_after = now.plus(validity).whole_seconds().min(end);
        Ok((not_before, not_after))
    }

    fn sign(&self, leaf: &Leaf, now: Timestamp) -> Result<CertificateDer<'static>, IssueError> {
        let der = leaf.sign(&self.signing)?;
        lint::check_leaf(&der, leaf, &self.issuing, &self.root, now)
            .map_err(|reason| IssueError::SelfCheck { reason })?;
        Ok(der)
    }

    fn own_keys(&self) -> std::sync::MutexGuard<'_, HashSet<Sha256Digest>> {
        // A set is whole even if a holder of the lock has panicked.
        self.own_keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("issuer_key_id", &self.inner.issuer.key_id)
            .field("policy", &self.inner.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
