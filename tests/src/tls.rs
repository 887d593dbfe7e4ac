//! TLS as a device speaks it.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// What a TLS client shows: certificates, leaf first, and the key of the leaf.
#[derive(Debug)]
pub struct Identity {
    /// The certificates in PEM.
    pub certificates: String,
    /// The private key in PEM.
    pub key: String,
}

/// A configuration that trusts nothing but the certificates in `roots` (PEM).
///
/// # Panics
///
/// Where something is not what it should be.
#[must_use]
pub fn client_config(roots: &str, identity: Option<&Identity>) -> ClientConfig {
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
        store.add(root.expect("a root in PEM")).expect("a root");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .with_root_certificates(store);
    let Some(identity) = identity else {
        return builder.with_no_client_auth();
    };
    let certificates = CertificateDer::pem_slice_iter(identity.certificates.as_bytes());
    let certificates = certificates
        .collect::<Result<_, _>>()
        .expect("certificates in PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key in PEM");
    builder
        .with_client_auth_cert(certificates, key)
        .expect("the key is of a known kind")
}

/// The blocks of a PEM text, each by itself.
#[must_use]
pub fn split_pem(text: &str) -> Vec<String> {
    text.split_inclusive("-----END CERTIFICATE-----")
        .map(str::trim)
        .filter(|block| !block.is_empty())
        .map(|block| format!("{block}\n"))
        .collect()
}
