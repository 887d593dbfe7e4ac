//! The CA as its host sees it.

use std::net::IpAddr;

use async_trait::async_trait;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::*;
use crate::ca::hierarchy::parse;
use crate::ca::identity::CertificateIdentity;
use crate::ca::key_store::{KeyMaterial, KeyName, KeyStoreError, MemoryKeyStore};
use crate::ca::policy::DAY;
use crate::ca::signer::SignerError;
use crate::model::certificate::RevocationReason;
use crate::model::serial::SerialNumber;
use crate::testing::{ManualClock, SequenceRandom};

mod issuing;
mod linting;
mod opening;

/// A CA of a first start, with all that belongs to it.
struct World {
    key_store: Arc<MemoryKeyStore>,
    clock: Arc<ManualClock>,
    random: Arc<SequenceRandom>,
    ca: CertificateAuthority,
}

impl World {
    async fn new() -> Self {
        Self::with_policy(CertificatePolicy::default()).await
    }

    async fn with_policy(policy: CertificatePolicy) -> Self {
        let key_store = Arc::new(MemoryKeyStore::new());
        let clock = Arc::new(ManualClock::new(at("2026-11-23T09:00:00.789Z")));
        let random = Arc::new(SequenceRandom::default());
        let ca = CertificateAuthority::open(
            key_store.clone(),
            policy,
            clock.clone(),
            random.clone(),
            &[],
        )
        .await
        .unwrap();
        Self {
            key_store,
            clock,
            random,
            ca,
        }
    }

    async fn open(
        &self,
        key_store: Arc<dyn KeyStore>,
        known: &[Issuer],
    ) -> Result<CertificateAuthority, OpenCaError> {
        CertificateAuthority::open(
            key_store,
            CertificatePolicy::default(),
            self.clock.clone(),
            self.random.clone(),
            known,
        )
        .await
    }

    fn known(&self) -> Vec<Issuer> {
        vec![self.ca.issuer().clone()]
    }

    async fn material(&self, name: KeyName) -> KeyMaterial {
        self.key_store.load(name).await.unwrap().unwrap()
    }

    fn issue(&self) -> Result<Certificate, IssueError> {
        self.ca.issue(organization(), device(), &new_key())
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn organization() -> OrganizationId {
    "0190b0a0-0000-7000-8000-000000000001".parse().unwrap()
}

fn device() -> DeviceId {
    "0190b0a0-0000-7000-8000-000000000002".parse().unwrap()
}

fn new_key() -> PublicKey {
    csr::parse_csr(&request(&KeyPair::generate().unwrap())).unwrap()
}

fn request(key: &KeyPair) -> String {
    let csr = CertificateParams::default().serialize_request(key);
    csr.unwrap().pem().unwrap()
}

fn der_of(pem_text: &str) -> Vec<u8> {
    pem::decode(pem_text).unwrap().remove(0).der.to_vec()
}
