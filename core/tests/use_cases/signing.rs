//! A host that signs with a key of its own.

use std::sync::atomic::{AtomicBool, Ordering};

use fieldgate_core::Error;
use fieldgate_core::ca::key_store::{KeyName, KeyStore as _};
use fieldgate_core::ca::signer::{SignatureAlgorithm, Signer, SignerError, SoftwareSigner};
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::token::TokenState;
use rcgen::KeyPair;

use super::*;

#[tokio::test]
async fn a_signer_issues_and_while_it_is_out_of_reach_no_token_is_burnt() {
    // A CA that is there already.
    let keys = Arc::new(MemoryKeyStore::default());
    let owner = System::with(|builder| builder.key_store(Arc::clone(&keys) as _)).await;
    let material = keys.load(KeyName::Issuing).await.unwrap().unwrap();
    let pkcs8 = KeyPair::from_pem(material.expose_pem()).unwrap();
    let module = Arc::new(Module {
        key: SoftwareSigner::from_pkcs8(pkcs8.serialized_der()).unwrap(),
        is_gone: AtomicBool::new(true),
    });
    let chain = owner.fieldgate.ca().chain_pem().to_owned();
    let signer = Arc::clone(&module) as _;
    let system = System::with(|builder| builder.signer(signer, chain.clone())).await;

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
    assert_eq!(provisioned.ca_chain_pem, chain);
}

/// A module of hardware, which may be out of reach.
#[derive(Debug)]
struct Module {
    key: SoftwareSigner,
    is_gone: AtomicBool,
}

impl Signer for Module {
    fn public_key(&self) -> &[u8] {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        if self.is_gone.load(Ordering::Relaxed) {
            return Err(SignerError::new("the module is gone"));
        }
        self.key.sign(message)
    }
}
