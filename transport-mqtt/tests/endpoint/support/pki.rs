//! A CA, and devices with certificates of it.

use std::sync::Arc;

use fieldgate_core::ca::CertificateAuthority;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::ca::policy::CertificatePolicy;
use fieldgate_core::clock::Clock;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::random::SystemRandom;
use fieldgate_core::testing::fixtures::unique;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// A CA.
#[derive(Clone)]
pub(crate) struct Pki {
    pub(crate) ca: CertificateAuthority,
}

/// A device as the tests know it.
#[derive(Clone, Debug)]
pub(crate) struct TestDevice {
    pub(crate) organization: OrganizationId,
    pub(crate) id: DeviceId,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Arc<PrivateKeyDer<'static>>,
}

impl Pki {
    pub(crate) async fn new(clock: Arc<dyn Clock>) -> Self {
        let ca = CertificateAuthority::open(
            Arc::new(MemoryKeyStore::new()),
            CertificatePolicy::default(),
            clock,
            Arc::new(SystemRandom),
            &[],
        )
        .await
        .unwrap();
        Self { ca }
    }

    /// A new device of a new organization.
    pub(crate) fn device(&self, clock: &dyn Clock) -> TestDevice {
        let organization = OrganizationId::new(clock.now(), unique());
        self.device_of(organization, clock)
    }

    /// A new device of an organization. It sends its certificate alone.
    pub(crate) fn device_of(&self, organization: OrganizationId, clock: &dyn Clock) -> TestDevice {
        let id = DeviceId::new(clock.now(), unique());
        let (csr, key) = csr();
        let public_key = self.ca.parse_csr(&csr).unwrap();
        let certificate = self.ca.issue(organization, id, &public_key).unwrap();
        TestDevice {
            organization,
            id,
            chain: vec![CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap()],
            key: Arc::new(key),
        }
    }

    /// The certificate of the server, as a host hands it to the endpoint.
    pub(crate) fn server_certificate(&self) -> Arc<dyn ResolvesServerCert> {
        let names = ["localhost".to_owned()];
        let certificate = self.ca.server_certificate(&names).unwrap();
        let key = PrivateKeyDer::Pkcs8(certificate.private_key);
        let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        Arc::new(Always(Arc::new(CertifiedKey::new(certificate.chain, key))))
    }
}

impl TestDevice {
    /// How it connects.
    pub(crate) fn tls(&self, pki: &Pki, versions: Versions<'_>) -> ClientConfig {
        client_builder(pki, versions)
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .unwrap()
    }
}

pub(crate) type Versions<'a> = &'a [&'static rustls::SupportedProtocolVersion];

/// A client configuration that trusts the CA.
pub(crate) fn client_builder(
    pki: &Pki,
    versions: Versions<'_>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pki.ca.root_der().clone()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
}

/// A certificate signing request, and its key.
pub(crate) fn csr() -> (String, PrivateKeyDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let csr = params.serialize_request(&key).unwrap().pem().unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    (csr, PrivateKeyDer::Pkcs8(key))
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
