//! A host that signs with a key of its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fieldgate_core::Error;
use fieldgate_core::ca::key_store::{KeyName, KeyStore as _};
use fieldgate_core::ca::signer::{SignatureAlgorithm, Signer, SignerError, SoftwareSigner};
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::token::TokenState;
use rcgen::KeyPair;

use super::*;

/// A system whose CA was there already, with its issuing key in a module that is out of reach.
async fn system_with_module() -> (System, Arc<Module>) {
    let keys = Arc::new(MemoryKeyStore::default());
    let owner = System::with(|builder| builder.key_store(Arc::clone(&keys) as _)).await;
    let material = keys.load(KeyName::Issuing).await.unwrap().unwrap();
    let pkcs8 = KeyPair::from_pem(material.expose_pem()).unwrap();
    let module = Arc::new(Module {
        key: SoftwareSigner::from_pkcs8(pkcs8.serialized_der()).unwrap(),
        is_gone: AtomicBool::new(true),
        asked: AtomicUsize::new(0),
    });
    let chain = owner.fieldgate.ca().chain_pem().to_owned();
    let signer = Arc::clone(&module) as _;
    let system = System::with(|builder| builder.signer(signer, chain)).await;
    (system, module)
}

#[tokio::test]
async fn a_signer_issues_and_while_it_is_out_of_reach_no_token_is_burnt() {
    let (system, module) = system_with_module().await;
    let (device, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    let refused = provisioning.provision(&token, &csr()).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })));
    let registration = system.fieldgate.registration();
    let page = PageRequest::first(PageLimit::default());
    let open = registration.list(system.organization, &[TokenState::Pending], page);
    assert_eq!(open.await.unwrap().items.len(), 1);

    module.is_gone.store(false, Ordering::Relaxed);
    let provisioned = provisioning.provision(&token, &csr()).await.unwrap();
    assert_eq!(provisioned.certificate.device_id, device);
    assert_eq!(provisioned.ca_chain_pem, system.fieldgate.ca().chain_pem());
}

#[tokio::test]
async fn while_the_signer_is_out_of_reach_the_crl_that_is_still_good_has_to_do() {
    let (system, module) = system_with_module().await;
    let certificates = system.fieldgate.certificates();
    let issuer = certificates.issuer_key_id();
    let asked = || module.asked.load(Ordering::Relaxed);
    module.is_gone.store(false, Ordering::Relaxed);
    let first = certificates.crl(issuer).await.unwrap();
    module.is_gone.store(true, Ordering::Relaxed);
    // It is to be renewed, and is good for some hours more.
    system.advance(13 * 3600);
    let before = asked();
    for _ in 0..3 {
        assert_eq!(certificates.crl(issuer).await.unwrap(), first);
    }
    assert_eq!(asked(), before + 1, "once, and then not for a while");

    system.advance(11 * 3600);
    let before = asked();
    for _ in 0..3 {
        let refused = certificates.crl(issuer).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })));
    }
    assert_eq!(asked(), before + 1, "once, and then not for a while");
    module.is_gone.store(false, Ordering::Relaxed);
    system.advance(9);
    certificates.crl(issuer).await.unwrap_err();
    system.advance(1);
    assert_ne!(certificates.crl(issuer).await.unwrap(), first);
}

#[tokio::test]
async fn a_crl_that_lacks_a_revocation_does_not_do() {
    let (system, module) = system_with_module().await;
    module.is_gone.store(false, Ordering::Relaxed);
    let certificates = system.fieldgate.certificates();
    let issuer = certificates.issuer_key_id();
    let (device, _) = system.provisioned("greenhouse-7").await;
    certificates.crl(issuer).await.unwrap();
    module.is_gone.store(true, Ordering::Relaxed);
    let devices = system.fieldgate.devices();
    devices
        .delete(system.organization, device, None)
        .await
        .unwrap();
    let refused = certificates.crl(issuer).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })));
}

/// A module of hardware, which may be out of reach.
#[derive(Debug)]
struct Module {
    key: SoftwareSigner,
    is_gone: AtomicBool,
    /// How often it was asked to sign.
    asked: AtomicUsize,
}

impl Signer for Module {
    fn public_key(&self) -> &[u8] {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_gone.load(Ordering::Relaxed) {
            return Err(SignerError::new("the module is gone"));
        }
        self.key.sign(message)
    }
}
