//! Finding the CA's keys, or making them on the first start.

use crate::ca::error::OpenCaError;
use crate::ca::hierarchy::{
    BACKDATED, CaCertificate, ISSUING_NAME, KeyedCa, NewCa, ROOT_NAME, material,
};
use crate::ca::key_store::{KeyName, KeyStore, KeyStoreError};
use crate::ca::policy::CertificatePolicy;
use crate::ca::signer::SignatureAlgorithm;
use crate::model::certificate::Issuer;
use crate::model::timestamp::Timestamp;
use crate::random::Random;

/// The issuing CA with its root.
pub(super) struct Hierarchy {
    pub(super) issuing: KeyedCa,
    pub(super) root: CaCertificate,
}

/// What a first start needs.
pub(super) struct Maker<'a> {
    pub(super) key_store: &'a dyn KeyStore,
    pub(super) policy: &'a CertificatePolicy,
    pub(super) now: Timestamp,
    pub(super) random: &'a dyn Random,
}

impl Maker<'_> {
    /// Loads the CA, or makes it where neither the key store nor the storage knows of one.
    ///
    /// Each piece of material is written once and is complete in itself: a start that was cut off
    /// is continued by the next one, and of two at once one takes what the other has written.
    pub(super) async fn open(&self, known: &[Issuer]) -> Result<Hierarchy, OpenCaError> {
        let root = self.load_root().await?;
        if let Some(hierarchy) = self.load_issuing().await? {
            // A root key that does not fit would be noticed when it is needed, years later.
            if root.is_some_and(|root| root.certificate.der != hierarchy.root.der) {
                return Err(damaged(
                    KeyName::Root,
                    "it is not the root above the issuing CA",
                ));
            }
            return Ok(hierarchy);
        }
        if let Some(newest) = known.last() {
            return Err(OpenCaError::Missing {
                recorded: newest.key_id,
            });
        }
        if self.now.unix_millis() < EARLIEST_MILLIS {
            return Err(OpenCaError::ClockWrong { now: self.now });
        }
        let root = match root {
            Some(root) => root,
            None => self.make_root().await?,
        };
        self.make_issuing(root).await
    }

    async fn load_root(&self) -> Result<Option<KeyedCa>, OpenCaError> {
        let Some(material) = self.key_store.load(KeyName::Root).await? else {
            return Ok(None);
        };
        let (root, above) =
            KeyedCa::from_material(&material).map_err(|reason| damaged(KeyName::Root, reason))?;
        if !above.is_empty() || !root.certificate.is_signed_by(&root.certificate) {
            return Err(damaged(
                KeyName::Root,
                "its certificate has not signed itself",
            ));
        }
        Ok(Some(root))
    }

    async fn load_issuing(&self) -> Result<Option<Hierarchy>, OpenCaError> {
        let Some(material) = self.key_store.load(KeyName::Issuing).await? else {
            return Ok(None);
        };
        let (issuing, above) = KeyedCa::from_material(&material)
            .map_err(|reason| damaged(KeyName::Issuing, reason))?;
        let root = <[CaCertificate; 1]>::try_from(above)
            .map(|[root]| root)
            .map_err(|_| {
                damaged(
                    KeyName::Issuing,
                    "it has not two certificates, its own and that of the root",
                )
            })?;
        check_chain(&issuing.certificate, &root)
            .map_err(|reason| damaged(KeyName::Issuing, reason))?;
        Ok(Some(Hierarchy { issuing, root }))
    }

    async fn make_root(&self) -> Result<KeyedCa, OpenCaError> {
        let new = NewCa {
            name: ROOT_NAME,
            algorithm: SignatureAlgorithm::EcdsaP384Sha384,
            path_len: None,
            not_before: self.not_before(),
            not_after: self.now.plus(self.policy.root_validity).whole_seconds(),
            parent: None,
        };
        let (root, pkcs8) = KeyedCa::make(&new, self.random)?;
        let material = material(&pkcs8, &[&root.certificate]);
        match self.key_store.create(KeyName::Root, &material).await {
            Ok(()) => Ok(root),
            Err(KeyStoreError::AlreadyExists(name)) => {
                self.load_root().await?.ok_or_else(|| vanished(name))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn make_issuing(&self, root: KeyedCa) -> Result<Hierarchy, OpenCaError> {
        let new = NewCa {
            name: ISSUING_NAME,
            algorithm: SignatureAlgorithm::EcdsaP256Sha256,
            path_len: Some(0),
            not_before: self.not_before().max(root.certificate.not_before),
            not_after: self
                .now
                .plus(self.policy.issuing_validity)
                .whole_seconds()
                .min(root.certificate.not_after),
            parent: Some(&root),
        };
        let (issuing, pkcs8) = KeyedCa::make(&new, self.random)?;
        let material = material(&pkcs8, &[&issuing.certificate, &root.certificate]);
        match self.key_store.create(KeyName::Issuing, &material).await {
            Ok(()) => Ok(Hierarchy {
                issuing,
                root: root.certificate,
            }),
            Err(KeyStoreError::AlreadyExists(name)) => {
                self.load_issuing().await?.ok_or_else(|| vanished(name))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn not_before(&self) -> Timestamp {
        self.now.minus(BACKDATED).whole_seconds()
    }
}

/// Says what is wrong with a chain of two, if anything is.
pub(super) fn check_chain(
    issuing: &CaCertificate,
    root: &CaCertificate,
) -> Result<(), &'static str> {
    if !root.is_signed_by(root) {
        return Err("the certificate of the root has not signed itself");
    }
    if !issuing.is_signed_by(root) {
        return Err("the certificate of the issuing CA is not signed by the root");
    }
    Ok(())
}

fn damaged(name: KeyName, reason: &str) -> OpenCaError {
    OpenCaError::Damaged {
        name,
        reason: reason.to_owned(),
    }
}

fn vanished(name: KeyName) -> OpenCaError {
    damaged(name, "it was there and then was not")
}

/// The beginning of 2026: a clock before it has never been set, and a CA of that time would last
/// no longer than its clock is wrong.
const EARLIEST_MILLIS: i64 = 1_767_225_600_000;
